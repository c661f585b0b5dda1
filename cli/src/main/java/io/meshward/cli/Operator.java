package io.meshward.cli;

import io.meshward.daemon.KafkaConfig;
import io.meshward.responder.ApprovalSigner;
import io.meshward.schemas.Approval;
import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.ContainmentId;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.TopicCatalogue;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;

/** A person who decides about containments, with a key that the responder knows. */
final class Operator implements AutoCloseable {
  private static final String KEY_ID = "operator";
  private static final Duration VALID = Duration.ofMinutes(5);
  private static final Duration ANSWER = Duration.ofSeconds(10);

  private final Path folder;
  private final ApprovalSigner signer;
  private final KafkaProducer<byte[], byte[]> producer;
  private final String topic;
  private final Clock clock;

  private Operator(Path folder, ApprovalSigner signer, KafkaConfig kafka, Clock clock) {
    this.folder = folder;
    this.signer = signer;
    this.producer = new KafkaProducer<>(kafka.producer("meshward-operator"));
    this.topic = kafka.topic(TopicCatalogue.APPROVALS);
    this.clock = clock;
  }

  /**
   * Makes the operator's key.
   *
   * @param folder takes both halves of it, as files
   */
  static Operator create(Path folder, KafkaConfig kafka, Clock clock) throws IOException {
    ApprovalSigner.KeyPair pair = ApprovalSigner.generate(KEY_ID);
    Operator operator = new Operator(folder, ApprovalSigner.of(pair.privateJwk()), kafka, clock);
    Files.writeString(operator.publicKey(), pair.publicJwk());
    Files.writeString(operator.privateKey(), pair.privateJwk());
    return operator;
  }

  /** The file for the responder. */
  Path publicKey() {
    return folder.resolve("operator.jwk");
  }

  /** The file for whoever is to decide. */
  Path privateKey() {
    return folder.resolve("operator-private.jwk");
  }

  String keyId() {
    return signer.keyId();
  }

  /** Releases a containment with a signed statement. */
  void release(String containment, String reason)
      throws InterruptedException, ExecutionException, TimeoutException {
    Instant now = clock.instant();
    Approval approval =
        signer.sign(
            new Approval.Statement(
                UUID.randomUUID().toString(),
                containment,
                Approval.Decision.RELEASE,
                reason,
                keyId(),
                null,
                now,
                now.plus(VALID)));
    ProducerRecord<byte[], byte[]> record =
        CloudEvents.toRecord(
            topic,
            containment,
            new Envelope<>(approval.approval().id(), "//meshward/demo", now, approval));
    producer
        .send(
            new ProducerRecord<>(
                topic,
                ContainmentId.parse(containment).partition(TopicCatalogue.APPROVALS.partitions()),
                record.key(),
                record.value(),
                record.headers()))
        .get(ANSWER.toMillis(), TimeUnit.MILLISECONDS);
  }

  @Override
  public void close() {
    producer.close(Duration.ofSeconds(2));
  }
}
