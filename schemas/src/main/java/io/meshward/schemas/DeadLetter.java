package io.meshward.schemas;

import java.time.Instant;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** A message that could not be used, with why: kind {@code deadletter}. */
public record DeadLetter(Letter letter, Origin origin, Payload payload) implements Event {
  /** How many bytes of the message are kept. */
  public static final int MAX_PAYLOAD_BYTES = 64 * 1024;

  /** Why: a stable cause code such as {@code malformed_json}, and words for people. */
  public record Letter(String stage, String cause, String detail, Instant at) {
    public Letter {
      Require.text(stage, "letter.stage");
      Require.text(cause, "letter.cause");
    }
  }

  /** Where it came from: a topic's record, or a sender. */
  public record Origin(
      @Nullable String topic,
      @Nullable Integer partition,
      @Nullable Long offset,
      @Nullable String sender) {}

  /**
   * The message's first bytes.
   *
   * @param bytes base64 in JSON
   * @param size how long it was
   */
  @SuppressWarnings(
      "ArrayRecordComponent") // equals and hashCode are by content, and the bytes are copied in and
  // out.
  public record Payload(byte[] bytes, long size) {
    public Payload {
      if (bytes.length > MAX_PAYLOAD_BYTES) {
        throw new IllegalArgumentException(
            "payload.bytes has " + bytes.length + " bytes: expected at most " + MAX_PAYLOAD_BYTES);
      }
      bytes = bytes.clone();
    }

    /** Keeps as much of a message as fits. */
    public static Payload of(byte[] message) {
      return new Payload(
          Arrays.copyOf(message, Math.min(message.length, MAX_PAYLOAD_BYTES)), message.length);
    }

    @Override
    public byte[] bytes() {
      return bytes.clone();
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof Payload that && size == that.size && Arrays.equals(bytes, that.bytes);
    }

    @Override
    public int hashCode() {
      return 31 * Arrays.hashCode(bytes) + Long.hashCode(size);
    }
  }
}
