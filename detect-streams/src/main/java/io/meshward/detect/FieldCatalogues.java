package io.meshward.detect;

import com.fasterxml.jackson.annotation.JsonValue;
import com.fasterxml.jackson.databind.PropertyNamingStrategies.SnakeCaseStrategy;
import io.meshward.rules.FieldArgument;
import io.meshward.rules.FieldCatalogue;
import io.meshward.rules.FieldDefinition;
import io.meshward.rules.FieldType;
import io.meshward.schemas.AuthzDecision;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.EventType;
import io.meshward.schemas.FalcoAlert;
import io.meshward.schemas.SvidLifecycle;
import io.meshward.schemas.TlsHandshake;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The fields of each rule source. A source is a kind of event ({@link EventType#kind()}).
 *
 * <p>Fields of mesh events are the components of their records, so that both stay together. Falco's
 * own fields are listed with their types in {@code falco-fields.json}; fields of plugins that the
 * list does not know have a dynamic type, and every output field of an alert can be named as {@code
 * falco.field[name]}. To these come the attributes of the event ({@code event.*}) and what the
 * inventory knows ({@code pod.*}, {@code owner.*}, {@code workload.key}; {@code peer.pod.*} and
 * {@code peer.location} where there is a peer). Thread-safe.
 */
public final class FieldCatalogues {
  static final String EVENT_KIND = "event.kind";
  static final String EVENT_SOURCE = "event.source";
  static final String EVENT_TIME = "event.time";

  /** The peer's address once more, to be compared with networks. */
  static final String PEER_NETWORK = "peer.net";

  private static final String PEER_ADDRESS = "peer.ip";
  private static final String FALCO_FIELDS = "falco-fields.json";

  /** Where Falco's plugins have their fields. */
  private static final List<String> PLUGIN_PREFIXES =
      List.of(
          "ct.",
          "gcp.",
          "github.",
          "gitlab.",
          "jevt.",
          "json.",
          "k8smeta.",
          "kafka.",
          "keycloak.",
          "okta.",
          "salesforce.",
          "systemd.");

  private static final SnakeCaseStrategy NAMES = new SnakeCaseStrategy();

  private static final Map<String, FieldCatalogue> ALL =
      Map.of(
          EventType.FALCO_ALERT.kind(), falcoAlerts(),
          EventType.TLS_HANDSHAKE.kind(), meshEvents(TlsHandshake.class),
          EventType.AUTHZ_DECISION.kind(), meshEvents(AuthzDecision.class),
          EventType.SVID_LIFECYCLE.kind(), meshEvents(SvidLifecycle.class));

  private FieldCatalogues() {}

  /** The fields by source; there are no other sources. */
  public static Map<String, FieldCatalogue> all() {
    return ALL;
  }

  private static FieldCatalogue meshEvents(Class<? extends Record> event) {
    FieldCatalogue.Builder fields = FieldCatalogue.builder();
    addComponents(fields, "", event);
    boolean hasPeer =
        Arrays.stream(event.getRecordComponents()).anyMatch(c -> c.getName().equals("peer"));
    if (hasPeer) {
      fields.field(PEER_ADDRESS, FieldType.IP).field(PEER_NETWORK, FieldType.NET);
    }
    addCommon(fields, hasPeer);
    return fields.build();
  }

  private static FieldCatalogue falcoAlerts() {
    FieldCatalogue.Builder fields = FieldCatalogue.builder();
    listedFields().fields().forEach(fields::field);
    addComponents(fields, "falco.", FalcoAlert.Falco.class);
    addComponents(fields, "k8s.", FalcoAlert.Place.class);
    fields.field(
        new FieldDefinition(
            EventView.OUTPUT_FIELD, FieldType.DYNAMIC, false, FieldArgument.KEY_REQUIRED));
    PLUGIN_PREFIXES.forEach(fields::open);
    addCommon(fields, false);
    return fields.build();
  }

  private static void addCommon(FieldCatalogue.Builder fields, boolean hasPeer) {
    fields
        .field(EVENT_KIND, FieldType.STRING)
        .field(EVENT_SOURCE, FieldType.STRING)
        .field(EVENT_TIME, FieldType.ABSOLUTE_TIME);
    for (EnrichedField enriched : EnrichedField.ALL) {
      if (hasPeer || !enriched.isOfPeer()) {
        fields.field(enriched.definition());
      }
    }
  }

  private static void addComponents(
      FieldCatalogue.Builder fields, String prefix, Class<?> recordClass) {
    for (RecordComponent component : recordClass.getRecordComponents()) {
      String name = prefix + NAMES.translate(component.getName());
      Class<?> type = component.getType();
      if (type.isRecord() && !isValue(type)) {
        addComponents(fields, name + ".", type);
      } else if (List.class.isAssignableFrom(type)) {
        fields.list(name, scalar(elementType(component), name));
      } else {
        fields.field(name, scalar(type, name));
      }
    }
  }

  private static Class<?> elementType(RecordComponent component) {
    Type element = ((ParameterizedType) component.getGenericType()).getActualTypeArguments()[0];
    return (Class<?>) element;
  }

  /** Whether a record is written as a single JSON value. */
  private static boolean isValue(Class<?> type) {
    return Arrays.stream(type.getMethods()).anyMatch(m -> m.isAnnotationPresent(JsonValue.class));
  }

  private static FieldType scalar(Class<?> type, String name) {
    if (type == String.class || type.isEnum() || isValue(type)) {
      return FieldType.STRING;
    }
    if (type == boolean.class || type == Boolean.class) {
      return FieldType.BOOLEAN;
    }
    if (type == int.class || type == Integer.class || type == long.class || type == Long.class) {
      return FieldType.INT64;
    }
    if (type == double.class || type == Double.class) {
      return FieldType.DOUBLE;
    }
    if (type == Instant.class) {
      return FieldType.ABSOLUTE_TIME;
    }
    throw new IllegalStateException(
        "field " + name + " has the type " + type.getName() + ": no type of the rule language");
  }

  private static FieldCatalogue listedFields() {
    try (InputStream json = FieldCatalogues.class.getResourceAsStream(FALCO_FIELDS)) {
      byte[] bytes = Optional.ofNullable(json).orElseThrow().readAllBytes();
      return FieldCatalogue.fromMap(EventCodec.decodeValue(bytes, FieldForms.class).fields());
    } catch (IOException e) {
      throw new IllegalStateException(FALCO_FIELDS + " cannot be read", e);
    }
  }

  /** The file's form. */
  private record FieldForms(Map<String, Map<String, Object>> fields) {}
}
