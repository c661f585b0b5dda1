package io.meshward.benchmarks;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshward.daemon.KafkaConfig;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;

/**
 * What the parts cost without Meshward, on this machine and in this run, in milliseconds.
 *
 * @param kafka a record from {@code send}, with {@code acks=all}, until a consumer has it
 * @param transaction the same in a transaction of its own, read committed
 * @param patch one merge patch at the API server, from request to answer
 */
record Baseline(Spread kafka, Spread transaction, Spread patch) {
  private static final double PER_SECOND = 25;
  private static final int WARM_UP = 50;
  private static final String TOPIC = "bare";

  /** Measures, {@code count} times each, 25 in a second. */
  static Baseline measure(
      KafkaConfig kafka, Cluster cluster, List<Cluster.Workload> workloads, int count)
      throws Exception {
    try (Admin admin = Admin.create(kafka.admin("latency-baseline"))) {
      if (!admin.listTopics().names().get().contains(TOPIC)) {
        admin.createTopics(List.of(new NewTopic(TOPIC, 1, (short) 1))).all().get();
      }
    }
    Spread plain = roundTrips(kafka, kafka.producer("bare"), count);
    Map<String, Object> transactional = kafka.producer("bare-transactions");
    transactional.put(ProducerConfig.TRANSACTIONAL_ID_CONFIG, "bare");
    transactional.put(ProducerConfig.RETRY_BACKOFF_MS_CONFIG, 2);
    Spread transaction = roundTrips(kafka, transactional, count);
    List<Double> patches = Collections.synchronizedList(new ArrayList<>());
    int failed =
        Pace.keep(
            PER_SECOND,
            WARM_UP + count,
            (index, due) -> {
              cluster.patch(workloads.get(index % workloads.size()), due.toString());
              if (index >= WARM_UP) {
                patches.add(Spread.millis(due, Instant.now()));
              }
            });
    if (failed > 0) {
      throw new IllegalStateException(failed + " bare patches failed");
    }
    return new Baseline(plain, transaction, Spread.of(patches));
  }

  private static Spread roundTrips(KafkaConfig kafka, Map<String, Object> producing, int count)
      throws Exception {
    boolean transactional = producing.containsKey(ProducerConfig.TRANSACTIONAL_ID_CONFIG);
    List<Double> millis = Collections.synchronizedList(new ArrayList<>());
    CountDownLatch left = new CountDownLatch(WARM_UP + count);
    TopicPartition partition = new TopicPartition(TOPIC, 0);
    try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(producing);
        KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(kafka.reader("bare"))) {
      consumer.assign(List.of(partition));
      consumer.seekToEnd(List.of(partition));
      consumer.position(partition);
      Thread reader = Thread.ofPlatform().start(() -> read(consumer, millis, left));
      if (transactional) {
        producer.initTransactions();
      }
      int failed =
          Pace.keep(
              PER_SECOND,
              WARM_UP + count,
              (_, due) -> {
                ProducerRecord<byte[], byte[]> record =
                    new ProducerRecord<>(TOPIC, due.toString().getBytes(UTF_8));
                // A producer has one transaction at a time.
                synchronized (producer) {
                  if (transactional) {
                    producer.beginTransaction();
                  }
                  var _ = producer.send(record);
                  if (transactional) {
                    producer.commitTransaction();
                  }
                }
              });
      boolean all = left.await(10, TimeUnit.SECONDS);
      consumer.wakeup();
      reader.join();
      if (failed > 0 || !all) {
        throw new IllegalStateException(failed + " bare records failed, " + left + " did not come");
      }
    }
    return Spread.of(List.copyOf(millis.subList(WARM_UP, millis.size())));
  }

  private static void read(
      KafkaConsumer<byte[], byte[]> consumer, List<Double> millis, CountDownLatch left) {
    try {
      while (true) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
          Instant due = Instant.parse(new String(record.value(), UTF_8));
          millis.add(Spread.millis(due, Instant.now()));
          left.countDown();
        }
      }
    } catch (WakeupException e) {
      // Done.
    }
  }
}
