package io.meshward.ingest;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The token that senders show, from a file. A change of the file is seen within a second; a file
 * that cannot be used then keeps the last token. Thread-safe.
 */
final class BearerToken {
  private static final Logger log = LoggerFactory.getLogger(BearerToken.class);
  private static final long LOOK_NANOS = Duration.ofSeconds(1).toNanos();
  private static final int MIN_LENGTH = 16;
  private static final int MAX_BYTES = 4096;

  private final Path file;
  private volatile Snapshot snapshot;

  @SuppressWarnings("ArrayRecordComponent") // Never compared as records.
  private record Snapshot(byte[] hash, String state, long looked) {}

  /**
   * Reads the token.
   *
   * @throws IllegalStateException if there is none, or one that can be guessed
   */
  BearerToken(Path file) {
    this.file = file;
    String state = state();
    snapshot = new Snapshot(hash(read()), state, System.nanoTime());
  }

  /** Whether this is the token; takes the same time wherever it differs. */
  boolean matches(String shown) {
    return MessageDigest.isEqual(hash(shown), current().hash());
  }

  private Snapshot current() {
    Snapshot last = snapshot;
    long now = System.nanoTime();
    if (now - last.looked() < LOOK_NANOS) {
      return last;
    }
    String state = state();
    Snapshot next = new Snapshot(last.hash(), state, now);
    if (!state.equals(last.state())) {
      try {
        next = new Snapshot(hash(read()), state, now);
        log.atInfo().addKeyValue("file", file).log("bearer token reloaded");
      } catch (IllegalStateException e) {
        log.atError().setCause(e).log("bearer token cannot be reloaded; the last one stays");
      }
    }
    snapshot = next;
    return next;
  }

  private String state() {
    try {
      return Files.getLastModifiedTime(file) + "/" + Files.size(file);
    } catch (IOException e) {
      return "unreadable";
    }
  }

  private String read() {
    String token;
    try {
      if (Files.size(file) > MAX_BYTES) {
        throw new IllegalStateException(
            "bearer-token-file " + file + " is larger than " + MAX_BYTES + " bytes");
      }
      token = Files.readString(file).strip();
    } catch (IOException e) {
      throw new IllegalStateException("bearer-token-file " + file + " cannot be read: " + e, e);
    }
    if (token.length() < MIN_LENGTH) {
      throw new IllegalStateException(
          "the token in bearer-token-file "
              + file
              + " has "
              + token.length()
              + " characters: expected at least "
              + MIN_LENGTH);
    }
    return token;
  }

  private static byte[] hash(String token) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(token.getBytes(UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java runtime has SHA-256", e);
    }
  }
}
