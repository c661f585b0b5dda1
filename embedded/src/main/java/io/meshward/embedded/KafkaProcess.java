package io.meshward.embedded;

import java.io.IOException;

/**
 * The broker as a program, for tests whose own class path has other versions of Kafka than a broker
 * needs. Its class path is this module's classes and what its build writes to {@code
 * target/class-path}.
 */
public final class KafkaProcess {
  private KafkaProcess() {}

  /**
   * Starts a broker on a temporary directory, prints its bootstrap servers, a line, and stops it at
   * the end of standard input: so also when the process that started this one is gone.
   */
  public static void main(String[] arguments) throws IOException {
    try (EmbeddedKafka kafka = EmbeddedKafka.start()) {
      System.out.println(kafka.bootstrapServers());
      while (System.in.read() >= 0) {
        // Only the end counts.
      }
    }
  }
}
