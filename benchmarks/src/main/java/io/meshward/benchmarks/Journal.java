package io.meshward.benchmarks;

import io.meshward.daemon.KafkaConfig;
import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.Detection;
import io.meshward.schemas.Enforcement;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.Event;
import io.meshward.schemas.Inventory;
import io.meshward.schemas.Response;
import io.meshward.schemas.StepState;
import io.meshward.schemas.Topic;
import io.meshward.schemas.TopicCatalogue;
import io.meshward.schemas.Work;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;

/**
 * What the pipeline wrote about each target, read from its topics beside it. All instants are the
 * writers' own. Thread-safe.
 */
final class Journal implements AutoCloseable {
  private static final List<Topic> TOPICS =
      List.of(
          TopicCatalogue.DETECTIONS,
          TopicCatalogue.WORK,
          TopicCatalogue.RESPONSES,
          TopicCatalogue.ENFORCEMENT,
          TopicCatalogue.INVENTORY);

  /**
   * When a step on a target was reached.
   *
   * @param containment the id of its containment
   * @param detection the id of the detection that caused it
   * @param intended when the intent was on its way to Kafka, before the action
   * @param intents how often it was intended: more than once, if what was to be changed had changed
   * @param done when the action had its answer
   */
  record Step(String containment, String detection, Instant intended, int intents, Instant done) {}

  private final KafkaConsumer<byte[], byte[]> consumer;
  private final Thread reader;
  private final Map<String, Instant> detected = new ConcurrentHashMap<>();
  private final Map<String, Instant> planned = new ConcurrentHashMap<>();
  private final Map<String, Queue<Instant>> intents = new ConcurrentHashMap<>();
  private final Map<String, Step> steps = new ConcurrentHashMap<>();
  private final Map<String, Queue<Instant>> applied = new ConcurrentHashMap<>();
  private final Map<String, Inventory> pods = new ConcurrentHashMap<>();
  private final AtomicInteger failed = new AtomicInteger();

  private Journal(KafkaConfig kafka) {
    consumer = new KafkaConsumer<>(kafka.reader("latency-journal"));
    List<TopicPartition> partitions =
        TOPICS.stream()
            .flatMap(
                topic ->
                    Stream.iterate(0, i -> i + 1)
                        .limit(topic.partitions())
                        .map(i -> new TopicPartition(kafka.topic(topic), i)))
            .toList();
    consumer.assign(partitions);
    consumer.seekToBeginning(partitions);
    reader = Thread.ofPlatform().name("latency-journal").start(this::read);
  }

  /** Starts reading, from the start. */
  static Journal start(KafkaConfig kafka) {
    return new Journal(kafka);
  }

  private void read() {
    try (consumer) {
      while (true) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
          if (record.value() != null) {
            keep(CloudEvents.fromRecord(record));
          }
        }
      }
    } catch (WakeupException e) {
      // Closed.
    }
  }

  private void keep(Envelope<? extends Event> envelope) {
    Event event = envelope.data();
    if (event instanceof Work work) {
      planned.put(work.work().containment(), envelope.time());
    } else if (event instanceof Detection detection) {
      detected.put(detection.detection().id(), detection.detection().detectedAt());
    } else if (event instanceof Response response && response.step() != null) {
      keep(response, response.step());
    } else if (event instanceof Enforcement enforcement
        && enforcement.enforcement().outcome() == Enforcement.Outcome.APPLIED) {
      applied
          .computeIfAbsent(enforcement.subject().value(), _ -> new ConcurrentLinkedQueue<>())
          .add(enforcement.enforcement().at());
    } else if (event instanceof Inventory inventory) {
      pods.put(inventory.pod().name(), inventory);
    }
  }

  private void keep(Response response, Response.StepChange step) {
    String place = response.response().containment() + "/" + step.index();
    Instant at = response.response().at();
    if (step.state() == StepState.INTENDED) {
      intents.computeIfAbsent(place, _ -> new ConcurrentLinkedQueue<>()).add(at);
    } else if (step.state() == StepState.DONE) {
      Queue<Instant> intended = intents.getOrDefault(place, new ConcurrentLinkedQueue<>());
      Step reached =
          new Step(
              response.response().containment(),
              response.detectionId(),
              intended.isEmpty() ? at : intended.element(),
              intended.size(),
              at);
      names(response).forEach(name -> steps.putIfAbsent(step.action() + " " + name, reached));
    } else if (step.state() == StepState.FAILED && response.target().owner() != null) {
      failed.incrementAndGet();
      System.err.println("a step failed: " + step.action() + " " + step.detail());
    }
  }

  private static Stream<String> names(Response response) {
    return Stream.of(
            Optional.ofNullable(response.target().pod()),
            Optional.ofNullable(response.target().owner()).map(owner -> owner.name()))
        .flatMap(Optional::stream);
  }

  /** When an action was done on a pod or workload of a name. */
  Optional<Step> step(String action, String name) {
    return Optional.ofNullable(steps.get(action + " " + name));
  }

  /** When a detection was made. */
  Optional<Instant> detected(String id) {
    return Optional.ofNullable(detected.get(id));
  }

  /** When the work of a containment was on its way to the owner of its target. */
  Optional<Instant> planned(String containment) {
    return Optional.ofNullable(planned.get(containment));
  }

  /** When the peer first applied a hold on an identity after an instant. */
  Optional<Instant> applied(String identity, Instant after) {
    return applied.getOrDefault(identity, new ConcurrentLinkedQueue<>()).stream()
        .filter(at -> at.isAfter(after))
        .findFirst();
  }

  /** The pods in the inventory that serve and have an address. */
  List<Inventory> readyPods() {
    return pods.values().stream()
        .filter(pod -> pod.pod().ready() && pod.pod().ip() != null && pod.valid().to() == null)
        .toList();
  }

  /** How many steps failed so far. */
  int failures() {
    return failed.get();
  }

  @Override
  public void close() {
    consumer.wakeup();
    try {
      reader.join(Duration.ofSeconds(5));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
