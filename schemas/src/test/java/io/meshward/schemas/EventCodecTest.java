package io.meshward.schemas;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigInteger;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class EventCodecTest {
  private static final SpiffeId ORDERS = SpiffeId.parse("spiffe://example.org/ns/shop/sa/orders");
  private static final Instant NOW = Instant.parse("2026-01-02T03:04:05.678Z");

  @Test
  void keepsIntegersBeyondTheReachOfDoublesExact() {
    ObjectNode fields = EventCodec.object();
    fields.put("evt.time", 1610667584834631763L);
    fields.put("huge", new BigInteger("9223372036854775808"));
    fields.putNull("k8s.pod.name");
    FalcoAlert alert =
        new FalcoAlert(
            new FalcoAlert.Falco(
                "rule", "Notice", "syscall", "text", NOW, "host", null, List.of("a")),
            fields,
            new FalcoAlert.Place("local", new FalcoAlert.Name("shop"), null),
            Map.of());

    FalcoAlert read = EventCodec.decode(EventCodec.encode(alert), FalcoAlert.class);

    assertThat(read.outputFields().get("evt.time").longValue()).isEqualTo(1610667584834631763L);
    assertThat(read.outputFields().get("huge").bigIntegerValue())
        .isEqualTo(new BigInteger("9223372036854775808"));
    assertThat(read).isEqualTo(alert);
  }

  @Test
  void writesNestedObjectsSoThatAFieldIsItsPath() {
    TlsHandshake handshake =
        new TlsHandshake(
            new TlsHandshake.Tls(
                TlsHandshake.Role.SERVER,
                TlsHandshake.Result.SUCCESS,
                null,
                null,
                "TLSv1.3",
                null,
                null,
                "h2",
                null,
                false,
                1,
                null,
                null,
                3,
                0),
            new LocalWorkload(ORDERS, null, null, null),
            new Connection("c1"),
            new Peer("127.0.0.1", 4711, null, ORDERS, null, ORDERS.trustDomain(), null),
            null);

    var json = EventCodec.readTree(EventCodec.encode(handshake));

    assertThat(json.at("/tls/result").textValue()).isEqualTo("SUCCESS");
    assertThat(json.at("/tls/role").textValue()).isEqualTo("server");
    assertThat(json.at("/tls/trust_generation").longValue()).isEqualTo(3);
    assertThat(json.at("/peer/id").textValue()).isEqualTo("spiffe://example.org/ns/shop/sa/orders");
    assertThat(json.has("cert")).isFalse();
    assertThat(EventCodec.decode(EventCodec.encode(handshake), TlsHandshake.class))
        .isEqualTo(handshake);
  }

  @Test
  void aFlagOfLaterIsAbsentUnlessItIsRaisedAndAnEventWithoutItIsReadAsBefore() {
    Peer plain = new Peer("127.0.0.1", 4711, null, ORDERS, null, ORDERS.trustDomain(), null);
    Peer flagged = new Peer("127.0.0.1", 4711, null, ORDERS, null, ORDERS.trustDomain(), true);
    String before =
        """
        {"ip":"127.0.0.1","port":4711,"id":"spiffe://example.org/ns/shop/sa/orders",\
        "trust_domain":"example.org"}\
        """;

    assertThat(EventCodec.toTree(plain).toString()).isEqualTo(before);
    assertThat(EventCodec.decodeValue(before.getBytes(UTF_8), Peer.class)).isEqualTo(plain);
    assertThat(EventCodec.toTree(flagged).at("/non_canonical").booleanValue()).isTrue();
  }

  @Test
  void keepsUnknownFieldsOfAHoldAndItsKeyIsEnough() {
    String json =
        """
        {"hold":{"containment":"a-b","reason":"r","actor":"responder","placed_at":"2026-01-02T03:04:05Z","later":1},
         "subject":{"kind":"spiffe_id","trust_domain":"example.org","value":"spiffe://example.org/ns/shop/sa/orders"},
         "scope":{"new":true}}\
        """;

    Quarantine hold = EventCodec.decode(json.getBytes(UTF_8), Quarantine.class);

    assertThat(hold.extensions()).containsOnlyKeys("scope");
    assertThat(EventCodec.readTree(EventCodec.encode(hold)).at("/scope/new").booleanValue())
        .isTrue();
    assertThat(QuarantineKey.parse(hold.key().toString())).isEqualTo(hold.key());
  }

  @Test
  void readsBothKindsOfFacts() {
    Fact watermark = new Fact.Watermark("0_1", NOW);

    Fact read = EventCodec.decode(EventCodec.encode(watermark), Fact.class);

    assertThat(read).isEqualTo(watermark);
    assertThat(EventCodec.readTree(EventCodec.encode(watermark)).get("fact").textValue())
        .isEqualTo("watermark");
  }

  @Test
  void refusesDuplicateKeysTrailingTextAndDeepNesting() {
    assertThatThrownBy(() -> EventCodec.readTree("{\"a\":1,\"a\":2}".getBytes(UTF_8)))
        .isInstanceOf(MalformedEventException.class)
        .hasMessageContaining("'a'");
    assertThatThrownBy(() -> EventCodec.readTree("{} {}".getBytes(UTF_8)))
        .isInstanceOf(MalformedEventException.class);
    assertThatThrownBy(() -> EventCodec.readTree(("[".repeat(65) + "]".repeat(65)).getBytes(UTF_8)))
        .isInstanceOf(MalformedEventException.class);
    assertThatThrownBy(() -> EventCodec.readTree(new byte[EventCodec.MAX_DOCUMENT_BYTES + 1]))
        .isInstanceOf(MalformedEventException.class)
        .hasMessageContaining("expected at most");
  }

  @Test
  void refusesANumberWhoseExponentNothingHolds() {
    byte[] json = "{\"a\":1e4999999999}".getBytes(UTF_8);
    assertThatThrownBy(() -> EventCodec.readTree(json))
        .isInstanceOf(MalformedEventException.class)
        .hasMessageContaining("1e4999999999");
    assertThatThrownBy(() -> EventCodec.decodeValue(json, JsonNode.class))
        .isInstanceOf(MalformedEventException.class);
  }

  @Test
  void namesTheFieldThatIsWrong() {
    String json =
        "{\"control\":{\"cluster\":\"\",\"highest_mode\":\"plan\",\"reason\":\"\",\"actor\":\"a\",\"at\":\"2026-01-02T03:04:05Z\"}}";

    assertThatThrownBy(() -> EventCodec.decode(json.getBytes(UTF_8), Control.class))
        .isInstanceOf(MalformedEventException.class)
        .hasMessageContaining("control.cluster is blank");
  }

  @Test
  void namesAFieldThatIsMissingOrNull() {
    assertThatThrownBy(() -> EventCodec.decode("{}".getBytes(UTF_8), Control.class))
        .isInstanceOf(MalformedEventException.class)
        .hasMessageContaining("'control'");
    assertThatThrownBy(
            () ->
                EventCodec.decode(
                    "{\"control\":{\"cluster\":null}}".getBytes(UTF_8), Control.class))
        .isInstanceOf(MalformedEventException.class)
        .hasMessageContaining("\"cluster\"");
  }

  @Test
  void aTreeOfAKindHasWhatTheKindRequires() {
    for (EventType type : List.of(EventType.TLS_HANDSHAKE, EventType.FALCO_ALERT)) {
      byte[] json = EventCodec.encode(Objects.requireNonNull(Samples.all().get(type.kind())));

      assertThat(EventCodec.readTree(json, type).isObject()).isTrue();
      assertThatThrownBy(() -> EventCodec.readTree("{}".getBytes(UTF_8), type))
          .isInstanceOf(MalformedEventException.class)
          .hasMessageContaining(type.kind() + " at ")
          .hasMessageContaining("missing");
      assertThatThrownBy(() -> EventCodec.readTree("[]".getBytes(UTF_8), type))
          .hasMessageContaining("expected an object");
    }
  }
}
