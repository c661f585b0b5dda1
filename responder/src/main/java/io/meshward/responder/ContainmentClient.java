package io.meshward.responder;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshward.daemon.KafkaConfig;
import io.meshward.schemas.Approval;
import io.meshward.schemas.Approval.Decision;
import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.Containment;
import io.meshward.schemas.ContainmentId;
import io.meshward.schemas.ContainmentState;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.Event;
import io.meshward.schemas.MalformedEventException;
import io.meshward.schemas.Response;
import io.meshward.schemas.Topic;
import io.meshward.schemas.TopicCatalogue;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BiConsumer;
import java.util.function.Predicate;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;

/**
 * What people do with containments, over Kafka: look at them, approve, refuse and release them.
 * Blocking; thread-safe.
 */
public final class ContainmentClient implements AutoCloseable {
  private static final Duration REQUEST = Duration.ofSeconds(10);
  private static final Duration POLL = Duration.ofMillis(100);

  /** How long a statement counts. */
  private static final Duration COUNTS = Duration.ofMinutes(10);

  private final KafkaConfig kafka;
  private final InstantSource clock;
  private final KafkaProducer<byte[], byte[]> producer;

  private ContainmentClient(KafkaConfig kafka, InstantSource clock) {
    this.kafka = kafka;
    this.clock = clock;
    this.producer = new KafkaProducer<>(kafka.producer("containments"));
  }

  /** Connects when first used. */
  public static ContainmentClient open(KafkaConfig kafka) {
    return new ContainmentClient(kafka, InstantSource.system());
  }

  /**
   * Every containment, the one that moved last first.
   *
   * @throws IllegalStateException if Kafka does not answer in time
   */
  public List<Containment> list() {
    Map<String, Containment> found = new LinkedHashMap<>();
    read(
        TopicCatalogue.CONTAINMENTS,
        List.of(),
        (id, event) -> {
          if (event instanceof Containment containment) {
            found.put(id, containment);
          } else {
            found.remove(id);
          }
        });
    return found.values().stream()
        .sorted(
            Comparator.comparing((Containment each) -> each.containment().updatedAt()).reversed())
        .toList();
  }

  /**
   * One containment.
   *
   * @throws IllegalStateException if Kafka does not answer in time
   */
  public Optional<Containment> find(String id) {
    List<Containment> found = new ArrayList<>();
    read(
        TopicCatalogue.CONTAINMENTS,
        partition(id),
        (key, event) -> {
          if (key.equals(id)) {
            found.clear();
            if (event instanceof Containment containment) {
              found.add(containment);
            }
          }
        });
    return found.stream().findFirst();
  }

  /**
   * Every transition of a containment, in order.
   *
   * @throws IllegalStateException if Kafka does not answer in time
   */
  public List<Response> history(String id) {
    List<Response> found = new ArrayList<>();
    read(
        TopicCatalogue.RESPONSES,
        partition(id),
        (key, event) -> {
          if (key.equals(id) && event instanceof Response response) {
            found.add(response);
          }
        });
    return List.copyOf(found);
  }

  /**
   * Waits until a containment is as wanted.
   *
   * @return empty if it is not in time
   */
  public Optional<Containment> await(String id, Predicate<Containment> wanted, Duration time)
      throws InterruptedException {
    long end = System.nanoTime() + time.toNanos();
    while (true) {
      Optional<Containment> found = find(id).filter(wanted);
      if (found.isPresent() || System.nanoTime() > end) {
        return found;
      }
      Thread.sleep(POLL);
    }
  }

  /**
   * Says that a containment is to be undone.
   *
   * @param signer whose word it is
   * @return the id of the statement
   * @throws IllegalStateException if Kafka does not take it in time
   */
  public String release(String id, String reason, ApprovalSigner signer) {
    return say(statement(id, Decision.RELEASE, reason, signer.keyId(), null), signer);
  }

  /** Says so without a signature, which counts in a demonstration only. */
  public String releaseUnsigned(String id, String reason, String actor) {
    return say(statement(id, Decision.RELEASE, reason, actor, null), null);
  }

  /**
   * Says that a plan is to be carried out.
   *
   * @throws IllegalArgumentException if there is no such containment
   * @throws IllegalStateException if Kafka does not answer in time
   */
  public String approve(String id, String reason, ApprovalSigner signer) {
    String digest =
        find(id)
            .orElseThrow(() -> new IllegalArgumentException("there is no containment '" + id + "'"))
            .containment()
            .planDigest();
    return say(statement(id, Decision.APPROVE, reason, signer.keyId(), digest), signer);
  }

  /** Says that a plan must not be carried out. */
  public String veto(String id, String reason, ApprovalSigner signer) {
    return say(statement(id, Decision.VETO, reason, signer.keyId(), null), signer);
  }

  /** What became of a statement. */
  public sealed interface Answer {
    /**
     * It counted.
     *
     * @param state what the containment is now
     */
    record Counted(ContainmentState state) implements Answer {}

    /** It did not count, and why. */
    record Refused(String reason) implements Answer {}

    /** Nobody answered in time. */
    record None() implements Answer {}
  }

  /**
   * Waits for the answer to a statement about a containment that lives.
   *
   * @throws IllegalStateException if Kafka does not answer in time
   */
  public Answer answer(String id, String statement, Duration time) throws InterruptedException {
    long end = System.nanoTime() + time.toNanos();
    while (true) {
      Optional<Containment> found = find(id);
      if (found.isPresent() && found.get().approvals().contains(statement)) {
        return new Answer.Counted(found.get().containment().state());
      }
      Optional<String> refusal =
          history(id).stream()
              .map(response -> response.response().reason())
              .filter(reason -> reason != null && reason.contains(statement))
              .findFirst();
      if (refusal.isPresent()) {
        return new Answer.Refused(refusal.get());
      }
      ContainmentState state = found.map(each -> each.containment().state()).orElse(null);
      if (state != null && (state.terminal() || state == ContainmentState.RECOVERING)) {
        return new Answer.Refused("the containment is " + state);
      }
      if (System.nanoTime() > end) {
        return new Answer.None();
      }
      Thread.sleep(POLL);
    }
  }

  private Approval.Statement statement(
      String id, Decision decision, String reason, String actor, @Nullable String planDigest) {
    Instant now = clock.instant();
    return new Approval.Statement(
        UUID.randomUUID().toString(),
        id,
        decision,
        reason,
        actor,
        planDigest,
        now,
        now.plus(COUNTS));
  }

  private String say(Approval.Statement statement, @Nullable ApprovalSigner signer) {
    send(signer == null ? new Approval(statement, null) : signer.sign(statement));
    return statement.id();
  }

  /** Writes a statement where the containment's owner reads it. */
  void send(Approval approval) {
    Approval.Statement statement = approval.approval();
    int partition = parse(statement.containment()).partition(TopicCatalogue.APPROVALS.partitions());
    ProducerRecord<byte[], byte[]> record =
        CloudEvents.toRecord(
            kafka.topic(TopicCatalogue.APPROVALS),
            statement.containment(),
            new Envelope<>(
                statement.id(),
                "//people/" + statement.actor(),
                statement.containment(),
                statement.at(),
                null,
                approval));
    try {
      var _ =
          producer
              .send(
                  new ProducerRecord<>(
                      record.topic(), partition, record.key(), record.value(), record.headers()))
              .get(REQUEST.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException | TimeoutException e) {
      throw new IllegalStateException("Kafka does not take the statement: " + e.getMessage(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    }
  }

  private static List<Integer> partition(String id) {
    return List.of(parse(id).partition(TopicCatalogue.CONTAINMENTS.partitions()));
  }

  private static ContainmentId parse(String id) {
    return ContainmentId.parse(id);
  }

  /** Reads a topic as far as it is committed now; all partitions, if none is named. */
  private void read(
      Topic topic, Collection<Integer> partitions, BiConsumer<String, @Nullable Event> consumer) {
    Map<String, Object> settings = kafka.reader("containments");
    // Closing waits for the fetch that is under way: at the end, that is one which finds nothing.
    settings.put(ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG, 10);
    try (KafkaConsumer<byte[], byte[]> reader = new KafkaConsumer<>(settings)) {
      List<TopicPartition> wanted = new ArrayList<>();
      for (PartitionInfo info : reader.partitionsFor(kafka.topic(topic), REQUEST)) {
        if (partitions.isEmpty() || partitions.contains(info.partition())) {
          wanted.add(new TopicPartition(info.topic(), info.partition()));
        }
      }
      reader.assign(wanted);
      reader.seekToBeginning(wanted);
      Map<TopicPartition, Long> ends = new HashMap<>(reader.endOffsets(wanted, REQUEST));
      long deadline = System.nanoTime() + REQUEST.toNanos();
      ends.values().removeIf(end -> end == 0);
      while (!ends.isEmpty()) {
        if (System.nanoTime() > deadline) {
          throw new IllegalStateException(
              "Kafka does not answer within " + REQUEST.toSeconds() + " s");
        }
        for (ConsumerRecord<byte[], byte[]> record : reader.poll(POLL)) {
          take(record, consumer);
        }
        ends.entrySet().removeIf(end -> reader.position(end.getKey()) >= end.getValue());
      }
    } catch (org.apache.kafka.common.errors.TimeoutException e) {
      throw new IllegalStateException("Kafka does not answer: " + e.getMessage(), e);
    }
  }

  private static void take(
      ConsumerRecord<byte[], byte[]> record, BiConsumer<String, @Nullable Event> consumer) {
    if (record.key() == null) {
      return;
    }
    String key = new String(record.key(), UTF_8);
    try {
      consumer.accept(key, record.value() == null ? null : CloudEvents.fromRecord(record).data());
    } catch (MalformedEventException e) {
      // Written by a later version: not shown rather than in the way of all others.
      consumer.accept(key, null);
    }
  }

  @Override
  public void close() {
    producer.close(Duration.ofSeconds(2));
  }
}
