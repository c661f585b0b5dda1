package io.meshward.responder;

import io.meshward.daemon.DeadLetters;
import io.meshward.daemon.KafkaConfig;
import io.meshward.schemas.Approval;
import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.Containment;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.MalformedEventException;
import io.meshward.schemas.TopicCatalogue;
import io.meshward.schemas.Work;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Owns all that happens to the targets of one partition, on one thread: takes inputs, commits what
 * they change, and only then starts what that calls for. When anything about that fails it ends; a
 * new owner reads back what was committed and goes on from there, as after a crash.
 */
final class PartitionOwner implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(PartitionOwner.class);
  private static final long TICK_MS = 100;
  private static final int ROUND = 200;
  private static final Duration READ = Duration.ofSeconds(20);

  private final int partition;
  private final Parts parts;
  private final Supplier<ConsumerGroupMetadata> group;
  private final BlockingQueue<Input> inbox = new LinkedBlockingQueue<>();
  private final AtomicInteger backlog = new AtomicInteger();
  private final Thread thread;
  private volatile boolean closing;
  private volatile boolean restored;
  private volatile boolean ended;

  /**
   * What every owner works with.
   *
   * @param conductors makes a conductor that knows nothing yet
   * @param poison the records at which an owner ended: its successor parks them
   */
  record Parts(
      KafkaConfig kafka,
      String cluster,
      String source,
      Supplier<Conductor> conductors,
      Operator operator,
      Announcer announcer,
      DeadLetters deadLetters,
      Checkpoint checkpoint,
      Set<String> poison) {}

  private sealed interface Input {
    record Read(ConsumerRecord<byte[], byte[]> record) implements Input {}

    record Returned(Operation.Result result) implements Input {}

    record Changed(String containment) implements Input {}
  }

  private PartitionOwner(int partition, Parts parts, Supplier<ConsumerGroupMetadata> group) {
    this.partition = partition;
    this.parts = parts;
    this.group = group;
    this.thread =
        Thread.ofPlatform().name("responder-owner-" + partition).daemon().unstarted(this::run);
  }

  /**
   * Takes a partition over.
   *
   * @param group what the consumer's group says now
   */
  static PartitionOwner start(int partition, Parts parts, Supplier<ConsumerGroupMetadata> group) {
    PartitionOwner owner = new PartitionOwner(partition, parts, group);
    owner.thread.start();
    return owner;
  }

  /** A record of the work or approvals topic. */
  void read(ConsumerRecord<byte[], byte[]> record) {
    backlog.incrementAndGet();
    inbox.add(new Input.Read(record));
  }

  /** Something was read elsewhere that a containment may wait for. */
  void changed(String containment) {
    inbox.add(new Input.Changed(containment));
  }

  /** How many records wait. */
  int backlog() {
    return backlog.get();
  }

  /** Whether it has read back what was committed, and goes on from there. */
  boolean restored() {
    return restored;
  }

  /** Whether it came to its end, for whatever reason. */
  boolean ended() {
    return ended;
  }

  private void run() {
    try (Ledger ledger =
        Ledger.open(
            parts.kafka(), parts.cluster(), parts.source(), partition, parts.checkpoint())) {
      lead(ledger);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (Checkpoint.Killed e) {
      log.atInfo().addKeyValue("place", e.getMessage()).log("killed");
    } catch (RuntimeException e) {
      log.atWarn()
          .addKeyValue("partition", partition)
          .setCause(e)
          .log("an owner of a partition ends; another goes on from what was committed");
    } finally {
      ended = true;
    }
  }

  private void lead(Ledger ledger) throws InterruptedException {
    try {
      Conductor conductor = parts.conductors().get();
      restore(conductor);
      restored = true;
      lead(conductor, ledger);
    } catch (Checkpoint.Killed e) {
      ledger.abandon();
      throw e;
    }
  }

  /** Reads the partition's containments, of this cluster, to their end. */
  private void restore(Conductor conductor) {
    TopicPartition containments =
        new TopicPartition(parts.kafka().topic(TopicCatalogue.CONTAINMENTS), partition);
    Map<String, Containment> latest = new HashMap<>();
    try (KafkaConsumer<byte[], byte[]> reader =
        new KafkaConsumer<>(parts.kafka().reader("responder-restore-" + partition))) {
      reader.assign(List.of(containments));
      reader.seekToBeginning(List.of(containments));
      long end = reader.endOffsets(List.of(containments), READ).getOrDefault(containments, 0L);
      long deadline = System.nanoTime() + READ.toNanos();
      while (reader.position(containments, READ) < end) {
        if (System.nanoTime() > deadline) {
          throw new IllegalStateException("the containments cannot be read within " + READ);
        }
        for (ConsumerRecord<byte[], byte[]> record : reader.poll(Duration.ofMillis(100))) {
          take(record, latest);
        }
      }
    }
    latest.values().stream()
        .filter(containment -> isOurs(containment.target().cluster()))
        .forEach(conductor::restore);
    log.atInfo()
        .addKeyValue("partition", partition)
        .addKeyValue("containments", latest.size())
        .log("owns a partition");
  }

  /** Of a containment that cannot be read its last readable state counts. */
  private void take(ConsumerRecord<byte[], byte[]> record, Map<String, Containment> latest) {
    try {
      String id = ResolveStage.key(record);
      if (record.value() == null) {
        latest.remove(id);
      } else {
        latest.put(id, CloudEvents.fromRecord(record, Containment.class).data());
      }
    } catch (MalformedEventException e) {
      ResolveStage.park(parts.deadLetters(), record, "malformed_event", e.getMessage());
    }
  }

  private boolean isOurs(@Nullable String cluster) {
    return cluster == null || cluster.equals(parts.cluster());
  }

  private void lead(Conductor conductor, Ledger ledger) throws InterruptedException {
    long nextTick = System.nanoTime();
    while (!closing) {
      List<Input> round = new ArrayList<>();
      long wait = Math.max(0, (nextTick - System.nanoTime()) / 1_000_000);
      Input first = inbox.poll(wait, TimeUnit.MILLISECONDS);
      if (first != null) {
        round.add(first);
        inbox.drainTo(round, ROUND - 1);
      }
      Batch batch = new Batch();
      Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
      for (Input input : round) {
        take(input, conductor, batch, offsets);
      }
      if (System.nanoTime() >= nextTick) {
        conductor.tick(batch);
        nextTick = System.nanoTime() + TICK_MS * 1_000_000;
      }
      if (!batch.isEmpty() || !offsets.isEmpty()) {
        ledger.write(batch, offsets, offsets.isEmpty() ? null : group.get());
        parts.announcer().announce(batch);
      }
      for (Operation operation : conductor.due()) {
        parts.operator().start(operation, this::returned);
      }
    }
  }

  private void returned(Operation.Result result) {
    inbox.add(new Input.Returned(result));
  }

  private void take(
      Input input,
      Conductor conductor,
      Batch batch,
      Map<TopicPartition, OffsetAndMetadata> offsets) {
    switch (input) {
      case Input.Returned(Operation.Result result) -> conductor.result(result, batch);
      case Input.Changed(String containment) -> conductor.changed(containment, batch);
      case Input.Read(ConsumerRecord<byte[], byte[]> record) -> {
        backlog.decrementAndGet();
        offsets.put(
            new TopicPartition(record.topic(), record.partition()),
            new OffsetAndMetadata(record.offset() + 1));
        take(record, conductor, batch);
      }
    }
  }

  private void take(ConsumerRecord<byte[], byte[]> record, Conductor conductor, Batch batch) {
    String place = record.topic() + "/" + record.partition() + "/" + record.offset();
    if (parts.poison().remove(place)) {
      ResolveStage.park(parts.deadLetters(), record, "cannot_execute", "an owner ended at it");
      return;
    }
    try {
      if (record.topic().equals(parts.kafka().topic(TopicCatalogue.WORK))) {
        Envelope<Work> work = CloudEvents.fromRecord(record, Work.class);
        if (isOurs(work.data().target().cluster())) {
          conductor.work(work.data(), work.traceparent(), batch);
        }
      } else {
        conductor.approval(CloudEvents.fromRecord(record, Approval.class).data(), batch);
      }
    } catch (MalformedEventException e) {
      ResolveStage.park(parts.deadLetters(), record, "malformed_event", e.getMessage());
    } catch (RuntimeException e) {
      // What the conductor knows may be half changed: a successor begins anew, without this one.
      parts.poison().add(place);
      throw e;
    }
  }

  /** Ends after the round at hand; operations under way go on unheard. */
  @Override
  public void close() {
    closing = true;
    try {
      if (!thread.join(Duration.ofSeconds(5))) {
        thread.interrupt();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
