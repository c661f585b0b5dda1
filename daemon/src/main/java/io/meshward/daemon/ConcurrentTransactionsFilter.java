package io.meshward.daemon;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.turbo.TurboFilter;
import ch.qos.logback.core.spi.FilterReply;
import java.util.Arrays;
import org.apache.kafka.common.protocol.Errors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Marker;

/**
 * Keeps a warning of Kafka's producer out of the logs that speaks of nothing wrong. Where one
 * transaction follows another at once, the broker may still be ending the first: it answers {@code
 * CONCURRENT_TRANSACTIONS}, and the producer sends the record again (KIP-890). Every other warning
 * passes.
 */
public final class ConcurrentTransactionsFilter extends TurboFilter {
  private static final String SENDER = "org.apache.kafka.clients.producer.internals.Sender";

  @Override
  public FilterReply decide(
      @Nullable Marker marker,
      Logger logger,
      Level level,
      @Nullable String format,
      Object @Nullable [] arguments,
      @Nullable Throwable thrown) {
    return level == Level.WARN
            && logger.getName().equals(SENDER)
            && arguments != null
            && Arrays.asList(arguments).contains(Errors.CONCURRENT_TRANSACTIONS.name())
        ? FilterReply.DENY
        : FilterReply.NEUTRAL;
  }
}
