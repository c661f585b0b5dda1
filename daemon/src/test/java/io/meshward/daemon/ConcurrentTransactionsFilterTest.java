package io.meshward.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import org.apache.kafka.clients.producer.internals.Sender;
import org.junit.jupiter.api.Test;

class ConcurrentTransactionsFilterTest {
  private static final String WORDS =
      "Got error produce response with correlation id {} on topic-partition {}, retrying ({}"
          + " attempts left). Error: {}";

  @Test
  void keepsOneWarningOfTheProducerOutAndNoOther() {
    LoggerContext context = new LoggerContext();
    context.addTurboFilter(new ConcurrentTransactionsFilter());
    ListAppender<ILoggingEvent> seen = new ListAppender<>();
    seen.start();
    Logger sender = context.getLogger(Sender.class);
    sender.addAppender(seen);
    Logger other = context.getLogger("other");
    other.addAppender(seen);

    sender.warn(WORDS, 7, "detections-1", 12, "CONCURRENT_TRANSACTIONS");
    sender.warn(WORDS, 7, "detections-1", 12, "NOT_LEADER_OR_FOLLOWER");
    sender.warn("no arguments");
    sender.error(WORDS, 7, "detections-1", 12, "CONCURRENT_TRANSACTIONS");
    other.warn(WORDS, 7, "detections-1", 12, "CONCURRENT_TRANSACTIONS");

    assertThat(seen.list).hasSize(4);
    assertThat(seen.list.getFirst().getFormattedMessage()).endsWith("NOT_LEADER_OR_FOLLOWER");
  }
}
