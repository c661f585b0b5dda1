package io.meshward.detect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.meshward.rules.FieldCatalogue;
import io.meshward.rules.FieldDefinition;
import io.meshward.rules.FieldType;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.Event;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.EventType;
import io.meshward.schemas.SvidLifecycle;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class FieldCataloguesTest {
  private static final Instant TIME = Instant.parse("2026-03-01T12:00:00Z");

  @Test
  void thereIsACatalogueForEachKindOfEventOnASourceTopic() {
    List<String> kinds =
        DetectTopology.SOURCES.stream()
            .flatMap(topic -> topic.values().stream())
            .map(EventType::kind)
            .toList();
    assertThat(FieldCatalogues.all().keySet()).containsExactlyInAnyOrderElementsOf(kinds);
  }

  /** So that a schema and its fields cannot part: what an event's JSON holds is a field. */
  @Test
  void everyValueOfAnEventIsAField() {
    List<Envelope<? extends Event>> events =
        List.of(
            Events.handshake("a", TIME, "payment", Events.id("orders"), "10.0.0.3"),
            Events.decision("b", TIME, "payment", Events.id("orders"), "10.0.0.3", true),
            Events.lifecycle("c", TIME, "orders", "i", SvidLifecycle.Change.ROTATED, 40, 1));
    for (Envelope<? extends Event> event : events) {
      String kind = EventType.of(event.data()).kind();
      FieldCatalogue catalogue = catalogue(kind);
      List<String> paths = new ArrayList<>();
      paths("", EventCodec.toTree(event.data()), paths);
      assertThat(paths).hasSizeGreaterThan(8);
      assertThat(paths).as(kind).allMatch(path -> catalogue.find(path).isPresent());
    }
  }

  @Test
  void fieldsHaveTheTypesOfTheirComponents() {
    FieldCatalogue tls = catalogue("tls.handshake");
    assertThat(type(tls, "tls.result")).isEqualTo(FieldType.STRING);
    assertThat(type(tls, "tls.resumed")).isEqualTo(FieldType.BOOLEAN);
    assertThat(type(tls, "tls.chain_length")).isEqualTo(FieldType.INT64);
    assertThat(type(tls, "peer.id")).isEqualTo(FieldType.STRING);
    assertThat(type(tls, "peer.non_canonical")).isEqualTo(FieldType.BOOLEAN);
    assertThat(type(catalogue("authz.decision"), "jwt.non_canonical")).isEqualTo(FieldType.BOOLEAN);
    FieldCatalogue svid = catalogue("svid.lifecycle");
    assertThat(type(svid, "svid.revocation_lists")).isEqualTo(FieldType.INT64);
    assertThat(type(svid, "svid.revoked_serials")).isEqualTo(FieldType.INT64);
    assertThat(type(tls, "peer.ip")).isEqualTo(FieldType.IP);
    assertThat(type(tls, "peer.net")).isEqualTo(FieldType.NET);
    assertThat(type(tls, "cert.not_before")).isEqualTo(FieldType.ABSOLUTE_TIME);
    assertThat(type(tls, "cert.spki_sha256")).isEqualTo(FieldType.STRING);
    FieldDefinition chain = catalogue("authz.decision").find("delegation.chain").orElseThrow();
    assertThat(chain.list()).isTrue();
  }

  @Test
  void falcosFieldsAreTypedAndThoseOfPluginsOpen() {
    FieldCatalogue falco = catalogue("falco.alert");
    assertThat(type(falco, "proc.pid")).isEqualTo(FieldType.INT64);
    assertThat(type(falco, "proc.is_exe_from_memfd")).isEqualTo(FieldType.BOOLEAN);
    assertThat(type(falco, "fd.sip")).isEqualTo(FieldType.IP);
    assertThat(type(falco, "evt.time")).isEqualTo(FieldType.ABSOLUTE_TIME);
    assertThat(type(falco, "k8s.cluster")).isEqualTo(FieldType.STRING);
    assertThat(type(falco, "k8s.pod.name")).isEqualTo(FieldType.STRING);
    assertThat(type(falco, "falco.rule")).isEqualTo(FieldType.STRING);
    assertThat(type(falco, "github.repo")).isEqualTo(FieldType.DYNAMIC);
    assertThat(falco.reference("proc.aname[2]").toString()).isEqualTo("proc.aname[2]");
    assertThat(falco.reference("falco.field[n_drops]").type()).isEqualTo(FieldType.DYNAMIC);
  }

  @Test
  void anUnknownFieldIsRefused() {
    assertThatThrownBy(() -> catalogue("falco.alert").reference("proc.nmae"))
        .hasMessageContaining("proc.nmae")
        .hasMessageContaining("proc.name");
    assertThatThrownBy(() -> catalogue("tls.handshake").reference("proc.name"))
        .hasMessageContaining("proc.name");
    assertThat(catalogue("svid.lifecycle").find("peer.location")).isEmpty();
  }

  private static void paths(String prefix, JsonNode node, List<String> paths) {
    node.properties()
        .forEach(
            field -> {
              String path = prefix + field.getKey();
              if (field.getValue().isObject()) {
                paths(path + ".", field.getValue(), paths);
              } else {
                paths.add(path);
              }
            });
  }

  private static FieldCatalogue catalogue(String kind) {
    return Optional.ofNullable(FieldCatalogues.all().get(kind)).orElseThrow();
  }

  private static FieldType type(FieldCatalogue catalogue, String field) {
    return catalogue.find(field).orElseThrow().type();
  }
}
