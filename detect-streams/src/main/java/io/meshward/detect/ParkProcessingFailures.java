package io.meshward.detect;

import io.meshward.schemas.DeadLetter;
import java.util.Map;
import java.util.Objects;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.streams.errors.ErrorHandlerContext;
import org.apache.kafka.streams.errors.ProcessingExceptionHandler;
import org.apache.kafka.streams.processor.api.Record;
import org.jspecify.annotations.Nullable;

/**
 * Parks a record on which our own code failed, and lets the stream go on. A failure of Kafka is not
 * the record's fault: the thread is replaced then and the record read again.
 */
public final class ParkProcessingFailures implements ProcessingExceptionHandler {
  private @Nullable Parking parking;

  @Override
  public void configure(Map<String, ?> configs) {
    parking = (Parking) configs.get(StreamsSettings.PARKING);
  }

  @Override
  public Response handleError(
      ErrorHandlerContext context, @Nullable Record<?, ?> record, Exception exception) {
    if (exception instanceof KafkaException) {
      return Response.fail();
    }
    Objects.requireNonNull(parking, "not configured")
        .park(
            context.sourceRawKey(),
            new DeadLetter.Origin(context.topic(), context.partition(), context.offset(), null),
            Parking.FAILED,
            exception,
            context.sourceRawValue());
    return Response.resume();
  }
}
