package io.meshward.detect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.meshward.rules.FieldCatalogue;
import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.Event;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.EventType;
import io.meshward.schemas.MalformedEventException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class EventViewTest {
  private static final Instant TIME = Instant.parse("2026-03-01T12:00:00.5Z");
  private static final long NANOS = 1_772_366_400_500_000_000L;

  @Test
  void aFieldOfAMeshEventIsItsPath() {
    Envelope<?> handshake = Events.handshake("a", TIME, "payment", Events.id("orders"), "10.0.0.3");
    EventView view = view(handshake);
    assertThat(value(view, "tls.result")).isEqualTo("SUCCESS");
    assertThat(value(view, "tls.role")).isEqualTo("server");
    assertThat(value(view, "tls.resumed")).isEqualTo(false);
    assertThat(value(view, "tls.chain_length")).isEqualTo(1L);
    assertThat(value(view, "tls.detail")).isNull();
    assertThat(value(view, "peer.id")).isEqualTo(Events.id("orders").toString());
    assertThat(value(view, "peer.ip")).isEqualTo("10.0.0.3");
    assertThat(value(view, "peer.net")).isEqualTo("10.0.0.3");
    assertThat(value(view, "cert.not_before")).isEqualTo(NANOS - 600_000_000_000L);
  }

  @Test
  void attributesOfTheEventAreFields() {
    EventView view = view(Events.alert("a", TIME, "orders-0", Map.of()));
    assertThat(value(view, "event.kind")).isEqualTo("falco.alert");
    assertThat(value(view, "event.source")).isEqualTo("//demo/ingest");
    assertThat(value(view, "event.time")).isEqualTo(NANOS);
  }

  @Test
  void outputFieldsKeepTheirNamesAndExactValues() {
    Map<String, Object> fields = new HashMap<>();
    fields.put("proc.name", "curl");
    fields.put("proc.aname[2]", "bash");
    fields.put("proc.pid", 17);
    fields.put("evt.time", 1_610_667_584_834_631_763L);
    fields.put("evt.num", new BigInteger("18446744073709551615"));
    fields.put("proc.tty", "34816");
    fields.put("proc.pname", "<NA>");
    fields.put("proc.exe", null);
    fields.put("fd.types", new ArrayList<>(List.of("ipv4", "file")));
    fields.put("n drops/buffer?clone{fork]enter", "0");
    EventView view = view(Events.alert("a", TIME, "orders-0", fields));

    assertThat(value(view, "proc.name")).isEqualTo("curl");
    assertThat(value(view, "proc.aname[2]")).isEqualTo("bash");
    assertThat(value(view, "proc.pid")).isEqualTo(17L);
    assertThat(value(view, "evt.time")).isEqualTo(1_610_667_584_834_631_763L);
    assertThat(value(view, "evt.num")).isEqualTo(new BigInteger("18446744073709551615"));
    assertThat(value(view, "proc.tty")).isEqualTo("34816");
    assertThat(value(view, "proc.pname")).isNull();
    assertThat(value(view, "proc.exe")).isNull();
    assertThat(value(view, "fd.types")).isEqualTo(List.of("ipv4", "file"));
    assertThat(value(view, "falco.field[proc.pid]")).isEqualTo(17L);
    assertThat(value(view, "falco.rule")).isEqualTo("Workload API connection");
    assertThat(value(view, "falco.tags")).isEqualTo(List.of());
  }

  @Test
  void thePlaceOfAnAlertIsKnownEvenIfNoOutputFieldSaysIt() {
    EventView view = view(Events.alert("a", TIME, "orders-0", Map.of()));
    assertThat(value(view, "k8s.cluster")).isEqualTo("demo");
    assertThat(value(view, "k8s.ns.name")).isEqualTo("shop");
    assertThat(value(view, "k8s.pod.name")).isEqualTo("orders-0");
  }

  @Test
  void anEventThatNobodyAsksAboutIsNotParsed() {
    CloudEvents.Attributes attributes = attributes(Events.alert("a", TIME, null, Map.of()));
    EventView view =
        new EventView(
            attributes,
            "no json".getBytes(StandardCharsets.UTF_8),
            tree -> surroundings(attributes.type(), tree));
    assertThat(value(view, "event.kind")).isEqualTo("falco.alert");
    assertThatThrownBy(() -> value(view, "proc.name")).isInstanceOf(MalformedEventException.class);
  }

  private static EventView view(Envelope<? extends Event> event) {
    return new EventView(
        attributes(event),
        EventCodec.encode(event.data()),
        tree -> surroundings(EventType.of(event.data()), tree));
  }

  private static Surroundings surroundings(EventType type, JsonNode tree) {
    return new Surroundings(new InventoryTable(), "demo", type, tree, TIME, TIME);
  }

  private static CloudEvents.Attributes attributes(Envelope<? extends Event> event) {
    return new CloudEvents.Attributes(
        EventType.of(event.data()), event.id(), event.source(), null, event.time(), null);
  }

  private static @Nullable Object value(EventView view, String field) {
    FieldCatalogue catalogue =
        Optional.ofNullable(FieldCatalogues.all().get(view.type().kind())).orElseThrow();
    return view.value(catalogue.reference(field));
  }
}
