package io.meshward.detect;

import io.meshward.schemas.DeadLetter;
import java.util.Map;
import java.util.Objects;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.InvalidTimestampException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.streams.errors.ErrorHandlerContext;
import org.apache.kafka.streams.errors.ProductionExceptionHandler;
import org.jspecify.annotations.Nullable;

/**
 * Parks what cannot be written because of what it is, and lets the stream go on. Every other
 * failure to write concerns the broker: the thread is replaced then and the input read again.
 */
public final class ParkRefusedRecords implements ProductionExceptionHandler {
  private @Nullable Parking parking;

  @Override
  public void configure(Map<String, ?> configs) {
    parking = (Parking) configs.get(StreamsSettings.PARKING);
  }

  @Override
  public Response handleError(
      ErrorHandlerContext context, ProducerRecord<byte[], byte[]> record, Exception exception) {
    if (exception instanceof RecordTooLargeException
        || exception instanceof InvalidTimestampException) {
      park(context, record.key(), record.value(), exception);
      return Response.resume();
    }
    return Response.fail();
  }

  @Override
  @SuppressWarnings("rawtypes") // The interface is declared so.
  public Response handleSerializationError(
      ErrorHandlerContext context,
      ProducerRecord record,
      Exception exception,
      SerializationExceptionOrigin origin) {
    park(context, context.sourceRawKey(), context.sourceRawValue(), exception);
    return Response.resume();
  }

  private void park(
      ErrorHandlerContext context,
      byte @Nullable [] key,
      byte @Nullable [] value,
      Exception exception) {
    Objects.requireNonNull(parking, "not configured")
        .park(
            key,
            new DeadLetter.Origin(context.topic(), context.partition(), context.offset(), null),
            Parking.REFUSED,
            exception,
            value);
  }
}
