package io.meshward.schemas;

/** Where an event that counts stands on its topic. */
public record EvidenceRef(String topic, int partition, long offset, String eventId) {
  public EvidenceRef {
    Require.text(topic, "evidence.topic");
    Require.notNegative(partition, "evidence.partition");
    Require.notNegative(offset, "evidence.offset");
    Require.text(eventId, "evidence.event_id");
  }
}
