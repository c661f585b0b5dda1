package io.meshward.detect;

import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.Event;
import io.meshward.schemas.EventCodec;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.serialization.Serializer;

/** Writes an event as JSON and its context attributes as headers. Thread-safe. */
final class EnvelopeSerializer implements Serializer<Envelope<? extends Event>> {
  @Override
  public byte[] serialize(String topic, Envelope<? extends Event> envelope) {
    throw new UnsupportedOperationException("an event is written together with its headers");
  }

  @Override
  public byte[] serialize(String topic, Headers headers, Envelope<? extends Event> envelope) {
    CloudEvents.writeHeaders(envelope, headers);
    return EventCodec.encode(envelope.data());
  }
}
