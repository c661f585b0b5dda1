package io.meshward.detect;

import io.meshward.schemas.Envelope;
import io.meshward.schemas.Event;
import io.meshward.schemas.Fact;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.common.utils.Utils;
import org.apache.kafka.streams.processor.StreamPartitioner;

/** A match goes where its group lives, a watermark to every partition. Thread-safe. */
final class FactPartitions implements StreamPartitioner<byte[], Envelope<? extends Event>> {
  @Override
  public Optional<Set<Integer>> partitions(
      String topic, byte[] key, Envelope<? extends Event> fact, int partitions) {
    return Optional.of(
        fact.data() instanceof Fact.Watermark
            ? IntStream.range(0, partitions).boxed().collect(Collectors.toUnmodifiableSet())
            : Set.of(Utils.toPositive(Utils.murmur2(key)) % partitions));
  }
}
