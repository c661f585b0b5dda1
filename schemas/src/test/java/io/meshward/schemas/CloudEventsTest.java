package io.meshward.schemas;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.cloudevents.CloudEvent;
import io.cloudevents.SpecVersion;
import io.cloudevents.core.message.Encoding;
import io.cloudevents.core.message.MessageReader;
import io.cloudevents.kafka.KafkaMessageFactory;
import java.net.URI;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Objects;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class CloudEventsTest {
  private static final Instant TIME = Instant.parse("2026-01-02T03:04:05.678901234Z");

  @ParameterizedTest
  @MethodSource("io.meshward.schemas.SchemaFilesTest#samples")
  void anotherImplementationReadsWhatWeWrite(String name, Event event) {
    Envelope<Event> envelope =
        new Envelope<>(
            "id-1",
            "//local/ingest",
            "spiffe://example.org/a",
            TIME,
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            event);
    ProducerRecord<byte[], byte[]> record = CloudEvents.toRecord("t", "key", envelope);

    MessageReader reader = KafkaMessageFactory.createReader(received(record));
    CloudEvent read = reader.toEvent();

    assertThat(reader.getEncoding()).isEqualTo(Encoding.BINARY);
    assertThat(read.getSpecVersion()).isEqualTo(SpecVersion.V1);
    assertThat(read.getId()).isEqualTo("id-1");
    assertThat(read.getType()).isEqualTo(EventType.of(event).cloudEventType());
    assertThat(read.getSource()).isEqualTo(URI.create("//local/ingest"));
    assertThat(read.getSubject()).isEqualTo("spiffe://example.org/a");
    assertThat(read.getTime()).isEqualTo(TIME.atOffset(ZoneOffset.UTC));
    assertThat(read.getDataContentType()).isEqualTo("application/json");
    assertThat(Objects.requireNonNull(read.getData()).toBytes())
        .isEqualTo(EventCodec.encode(event));
    assertThat(CloudEvents.fromRecord(received(record))).as(name).isEqualTo(envelope);
  }

  @ParameterizedTest
  @ValueSource(strings = {CloudEvents.ID, CloudEvents.TYPE, CloudEvents.SOURCE, CloudEvents.TIME})
  void namesTheHeaderThatIsMissing(String header) {
    ProducerRecord<byte[], byte[]> record = control();
    record.headers().remove(header);

    assertThatThrownBy(() -> CloudEvents.fromRecord(received(record)))
        .isInstanceOf(MalformedEventException.class)
        .hasMessageContaining(header);
  }

  @Test
  void refusesAnotherKindAnUnknownTypeABadTimeAndATombstone() {
    assertThatThrownBy(() -> CloudEvents.fromRecord(received(control()), Work.class))
        .isInstanceOf(MalformedEventException.class)
        .hasMessageContaining("expected the type of Work");
    assertThatThrownBy(
            () -> CloudEvents.fromRecord(received(with(CloudEvents.TYPE, "com.example.other"))))
        .isInstanceOf(MalformedEventException.class)
        .hasMessageContaining("com.example.other");
    assertThatThrownBy(() -> CloudEvents.fromRecord(received(with(CloudEvents.TIME, "yesterday"))))
        .isInstanceOf(MalformedEventException.class)
        .hasMessageContaining("yesterday");
    assertThatThrownBy(() -> CloudEvents.read(control().headers(), null, Control.class))
        .isInstanceOf(MalformedEventException.class)
        .hasMessageContaining("null");
  }

  private static ProducerRecord<byte[], byte[]> with(String header, String value) {
    ProducerRecord<byte[], byte[]> record = control();
    record.headers().remove(header).add(header, value.getBytes(UTF_8));
    return record;
  }

  private static ProducerRecord<byte[], byte[]> control() {
    Control control = new Control(new Control.Limit("local", ResponseMode.PLAN, "r", "a", TIME));
    return CloudEvents.toRecord("t", "local", new Envelope<>("id-1", "//local/cli", TIME, control));
  }

  private static ConsumerRecord<byte[], byte[]> received(ProducerRecord<byte[], byte[]> record) {
    return new ConsumerRecord<>(
        record.topic(),
        0,
        0,
        0,
        TimestampType.CREATE_TIME,
        0,
        record.value().length,
        record.key(),
        record.value(),
        new RecordHeaders(record.headers()),
        Optional.empty());
  }
}
