package io.meshward.daemon;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Where a secret is to be read from: {@code env:NAME} or {@code file:/path}. Configuration never
 * holds a secret itself.
 *
 * @param reference the reference, safe to print
 */
public record Secret(String reference) {
  private static final String ENVIRONMENT = "env:";
  private static final String FILE = "file:";
  private static final long MAX_BYTES = 64 * 1024;

  public Secret {
    if (!isReference(reference)) {
      // The value is not repeated: it may be the secret itself.
      throw new IllegalArgumentException("a secret's place, env:NAME or file:/path");
    }
  }

  /**
   * Reads a reference.
   *
   * @throws IllegalArgumentException saying what was expected, without the value
   */
  public static Secret parse(String text) {
    return new Secret(text);
  }

  /** Whether a text says where a secret is, rather than being one. */
  static boolean isReference(String text) {
    return (text.startsWith(ENVIRONMENT) && text.length() > ENVIRONMENT.length())
        || (text.startsWith(FILE) && text.length() > FILE.length());
  }

  /**
   * The secret as it is now, without blanks around it.
   *
   * @throws IllegalStateException if there is none, naming the reference
   */
  public String read() {
    String value = reference.startsWith(ENVIRONMENT) ? environment() : file();
    if (value.isBlank()) {
      throw new IllegalStateException(reference + " is empty: expected a secret");
    }
    return value.strip();
  }

  private String environment() {
    String value = System.getenv(reference.substring(ENVIRONMENT.length()));
    return value == null ? "" : value;
  }

  private String file() {
    Path path = Path.of(reference.substring(FILE.length()));
    try {
      if (Files.size(path) > MAX_BYTES) {
        throw new IllegalStateException(
            reference + " has " + Files.size(path) + " bytes: expected at most " + MAX_BYTES);
      }
      return Files.readString(path);
    } catch (IOException e) {
      throw new IllegalStateException(
          reference + " cannot be read (" + e + "): expected a file with the secret", e);
    }
  }

  @Override
  public String toString() {
    return reference;
  }
}
