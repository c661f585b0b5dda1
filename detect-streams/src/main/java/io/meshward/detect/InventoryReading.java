package io.meshward.detect;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.Inventory;
import io.meshward.schemas.MalformedEventException;
import java.time.Instant;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;

/**
 * Keeps the {@link InventoryTable} as its topic says, at the start and from then on. A record that
 * cannot be read is parked, and what was known of its pod stays. Used by one thread.
 */
final class InventoryReading {
  private final ProcessorContext<Void, Void> context;
  private final InventoryTable table;
  private final Parking parking;

  InventoryReading(ProcessorContext<Void, Void> context, Parking parking) {
    this.context = context;
    this.table = context.getStateStore(InventoryTable.NAME);
    this.parking = parking;
  }

  void process(Record<byte[], byte[]> record) {
    if (record.key() == null) {
      return;
    }
    String key = new String(record.key(), UTF_8);
    Instant writtenAt = Instant.ofEpochMilli(record.timestamp());
    if (record.value() == null) {
      table.put(key, null, writtenAt);
      return;
    }
    try {
      Inventory pod = CloudEvents.read(record.headers(), record.value(), Inventory.class).data();
      table.put(key, pod, writtenAt);
    } catch (MalformedEventException e) {
      context.recordMetadata().ifPresent(origin -> parking.malformed(record, origin, e));
    }
  }
}
