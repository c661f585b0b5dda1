package io.meshward.detect;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.Inventory;
import io.meshward.schemas.MalformedEventException;
import java.time.Instant;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the {@link InventoryTable} as its topic says, at the start and from then on. A record that
 * cannot be read is parked, and what was known of its pod stays. Used by one thread.
 */
final class InventoryReading implements TaskProcessor.Work<byte[], byte[]> {
  private final ProcessorContext<Void, Void> context;
  private final InventoryTable table;
  private final Wiring wiring;

  InventoryReading(ProcessorContext<Void, Void> context, Wiring wiring) {
    this.context = context;
    this.table = context.getStateStore(InventoryTable.NAME);
    this.wiring = wiring;
  }

  @Override
  public void process(Record<byte[], byte[]> record) {
    if (record.key() == null) {
      return;
    }
    String key = new String(record.key(), UTF_8);
    try {
      table.put(key, pod(record), Instant.ofEpochMilli(record.timestamp()));
      wiring.gauges().pods(table.size());
    } catch (MalformedEventException e) {
      context
          .recordMetadata()
          .ifPresent(origin -> wiring.parking().park(record, origin, Parking.MALFORMED, e));
    }
  }

  private static @Nullable Inventory pod(Record<byte[], byte[]> record) {
    return record.value() == null
        ? null
        : CloudEvents.read(record.headers(), record.value(), Inventory.class).data();
  }
}
