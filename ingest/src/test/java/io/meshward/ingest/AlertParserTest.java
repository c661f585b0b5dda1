package io.meshward.ingest;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.JsonNode;
import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.FalcoAlert;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AlertParserTest {
  private static final String MINIMAL =
      "{'rule':'Shell','priority':'Notice','time':'2026-01-02T03:04:05.678901234Z'}";

  private final AlertParser parser = new AlertParser("local");

  private Alert parse(String json) throws Rejection {
    return parser.parse(json.replace('\'', '"').getBytes(UTF_8), null);
  }

  /** The minimal alert with one field more, or another value. */
  private static String with(String field, String value) {
    Map<String, String> fields = new LinkedHashMap<>();
    fields.put("rule", "'Shell'");
    fields.put("priority", "'Notice'");
    fields.put("time", "'2026-01-02T03:04:05.678901234Z'");
    fields.put(field, value);
    return fields.entrySet().stream()
        .map(entry -> "'" + entry.getKey() + "':" + entry.getValue())
        .collect(Collectors.joining(",", "{", "}"));
  }

  private Envelope<FalcoAlert> event(String json) throws Rejection {
    Alert alert = parse(json);
    return CloudEvents.read(alert.headers(), alert.json(), FalcoAlert.class);
  }

  private Rejection rejection(String json) {
    return catchThrowableOfType(Rejection.class, () -> parse(json));
  }

  @Test
  void readsWhatFalcoSends() throws Exception {
    Envelope<FalcoAlert> event =
        event(
            """
            {'hostname':'node-1','output':'03:04:05: Notice A shell','priority':'notice','rule':'Shell',
             'source':'syscall','tags':['container','shell'],'time':'2026-01-02T04:04:05.678901234+01:00',
             'uuid':'6f1d','message':'A shell',
             'output_fields':{'evt.time':1767323045678901234,'k8s.ns.name':'shop',
               'k8s.pod.name':'frontend-1','proc.name':'sh','proc.aname[2]':null}}\
            """);
    assertThat(event.id()).matches("[0-9a-f]{64}");
    assertThat(event.source()).isEqualTo("//local/ingest");
    assertThat(event.subject()).isEqualTo("k8s://shop/frontend-1");
    assertThat(event.time()).isEqualTo("2026-01-02T03:04:05.678901234Z");
    FalcoAlert alert = event.data();
    assertThat(alert.falco())
        .isEqualTo(
            new FalcoAlert.Falco(
                "Shell",
                "Notice",
                "syscall",
                "03:04:05: Notice A shell",
                event.time(),
                "node-1",
                "6f1d",
                List.of("container", "shell")));
    assertThat(alert.outputFields().get("evt.time").longValue()).isEqualTo(1767323045678901234L);
    assertThat(alert.outputFields().get("proc.aname[2]").isNull()).isTrue();
    assertThat(alert.k8s())
        .isEqualTo(
            new FalcoAlert.Place(
                "local", new FalcoAlert.Name("shop"), new FalcoAlert.Name("frontend-1")));
    assertThat(alert.extra()).containsOnlyKeys("message");
  }

  @Test
  void fillsInWhatFalcoCanLeaveOut() throws Exception {
    FalcoAlert alert = event(MINIMAL).data();
    assertThat(alert.falco().source()).isEqualTo("syscall");
    assertThat(alert.falco().output()).isEmpty();
    assertThat(alert.falco().hostname()).isNull();
    assertThat(alert.falco().tags()).isEmpty();
    assertThat(alert.outputFields().size()).isZero();
    assertThat(alert.k8s()).isEqualTo(new FalcoAlert.Place("local", null, null));
    for (String field : List.of("source", "output", "hostname", "uuid", "tags", "output_fields")) {
      assertThat(event(with(field, "null")).data()).as(field).isEqualTo(alert);
    }
  }

  @Test
  void readsKeysInAnyCase() throws Exception {
    assertThat(
            event(
                    "{'Rule':'Shell','PRIORITY':'Notice','Time':'2026-01-02T03:04:05.678901234Z',"
                        + "'OUTPUT_FIELDS':{'Proc.Name':'sh'}}")
                .data()
                .outputFields())
        .isEqualTo(EventCodec.object().put("Proc.Name", "sh"));
  }

  @ParameterizedTest
  @CsvSource({
    "emergency,Emergency",
    "ALERT,Alert",
    "Critical,Critical",
    "error,Error",
    "warning,Warning",
    "Notice,Notice",
    "informational,Informational",
    "info,Informational",
    "INFO,Informational",
    "debug,Debug"
  })
  void readsPrioritiesInAnyCase(String given, String expected) throws Exception {
    assertThat(event(with("priority", "'" + given + "'")).data().falco().priority())
        .isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          rule             | null                 | rule             | rule is missing: expected a text
          rule             | ' '                  | rule             | rule is blank: expected a text
          rule             | 5                    | rule             | rule is 5: expected a text
          priority         | null                 | priority         | priority is missing: expected a text
          priority         | 'Severe'             | priority         | priority is 'Severe': expected one of Emergency, Alert, Critical, Error, Warning, Notice, Informational, Debug
          priority         | ['Notice']           | priority         | priority is an array: expected a text
          time             | null                 | time             | time is missing: expected a text
          time             | 1767323045           | time             | time is 1767323045: expected a text
          time             | 'yesterday'          | time             | time is 'yesterday': expected RFC 3339 such as 2026-01-02T03:04:05.678901234Z
          time             | '2026-01-02T03:04:05' | time            | time is '2026-01-02T03:04:05': expected RFC 3339 such as 2026-01-02T03:04:05.678901234Z
          time             | '0001-01-01T00:00:00Z' | time           | time is '0001-01-01T00:00:00Z': expected a year from 1970 to 9999
          time             | '+10000-01-01T00:00:00Z' | time         | time is '+10000-01-01T00:00:00Z': expected a year from 1970 to 9999
          source           | {}                   | source           | source is an object: expected a text
          output           | true                 | output           | output is true: expected a text
          hostname         | 1.5                  | hostname         | hostname is 1.5: expected a text
          uuid             | []                   | uuid             | uuid is an array: expected a text
          tags             | 'shell'              | tags             | tags is 'shell': expected an array of texts
          tags             | ['a',null]           | tags[1]          | tags[1] is null: expected a text
          output_fields    | []                   | output_fields    | output_fields is an array: expected an object
          output_fields    | 'x'                  | output_fields    | output_fields is 'x': expected an object
          output_fields    | {'a.b':[1,{'c':'\\ud800'}]} | output_fields.a.b[1].c | output_fields.a.b[1].c holds half of a surrogate pair: expected Unicode text
          output_fields    | {'n':1e401}          | output_fields.n  | output_fields.n is 1E+401: expected an exponent of at most 400
          output_fields    | {'n':1.5e-999999999} | output_fields.n  | output_fields.n is 1.5E-999999999: expected an exponent of at most 400
          """)
  void namesTheFieldOfAnInvalidAlert(String field, String value, String named, String detail) {
    Rejection rejection = rejection(with(field, value));
    assertThat(rejection.why()).isEqualTo(Rejection.Cause.INVALID_ALERT);
    assertThat(rejection.field()).isEqualTo(named);
    assertThat(rejection.detail()).isEqualTo(detail);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          ``                                      | body
          23:39:44.8: Notice A shell              | body
          null                                    | body
          []                                      | body
          'text'                                  | body
          {                                       | body
          {'rule':'a','rule':'b'}                 | rule
          {'rule':'a' 'priority':'b'}             | rule
          {'output_fields':{'proc.name':tru}}     | output_fields.proc.name
          {'output_fields':{'a':[1,2,NaN]}}       | output_fields.a[2]
          {'rule':'a'} x                          | body
          """)
  void namesWhereMalformedJsonBreaks(String json, String field) {
    Rejection rejection = rejection(json);
    assertThat(rejection.why()).isEqualTo(Rejection.Cause.MALFORMED_JSON);
    assertThat(rejection.field()).isEqualTo(field);
    assertThat(rejection.detail()).isNotBlank().hasSizeLessThan(500);
  }

  @Test
  void refusesAKeyThatIsThereTwiceInAnotherCase() {
    Rejection rejection = rejection(with("RULE", "'Other'"));
    assertThat(rejection.field()).isEqualTo("RULE");
    assertThat(rejection.detail()).isEqualTo("RULE is there twice, in another case: expected once");
  }

  @Test
  void refusesWhatReadersCouldNotRead() {
    assertThat(rejection(with("output_fields", "{'a':" + "[".repeat(40) + "]".repeat(40) + "}")))
        .hasMessageContaining("nests deeper than 32 levels");
    assertThat(rejection(with("x", "[".repeat(60) + "]".repeat(60))))
        .hasMessageContaining("nests deeper than 32 levels");
    assertThat(rejection(with("output", "'" + "x".repeat(EventCodec.MAX_DOCUMENT_BYTES) + "'")))
        .isNotNull();
    String almost = "x".repeat(EventCodec.MAX_DOCUMENT_BYTES - 150);
    assertThat(rejection(with("output", "'" + almost + "'")).field()).isEqualTo("output_fields");
  }

  @Test
  void keepsNumbersExactly() throws Exception {
    JsonNode fields =
        event(
                with(
                    "output_fields",
                    "{'long':9223372036854775807,'beyond':18446744073709551616,'low':-9223372036854775808,"
                        + "'decimal':0.1000000000000000055511151231257827,'big':1e300}"))
            .data()
            .outputFields();
    assertThat(fields.get("long").longValue()).isEqualTo(Long.MAX_VALUE);
    assertThat(fields.get("low").longValue()).isEqualTo(Long.MIN_VALUE);
    assertThat(fields.get("beyond").bigIntegerValue()).isEqualTo(BigInteger.TWO.pow(64));
    assertThat(fields.get("decimal").decimalValue())
        .isEqualTo(new BigDecimal("0.1000000000000000055511151231257827"));
    assertThat(fields.get("big").decimalValue()).isEqualByComparingTo(new BigDecimal("1e300"));
  }

  @Test
  void takesOnlyNamesForNamespaceAndPod() throws Exception {
    for (String value :
        List.of("null", "5", "true", "['a']", "{}", "''", "'<NA>'", "'a/b'", "'A'", "'-a'")) {
      Alert alert =
          parse(with("output_fields", "{'k8s.ns.name':'shop','k8s.pod.name':" + value + "}"));
      FalcoAlert event = EventCodec.decode(alert.json(), FalcoAlert.class);
      assertThat(event.k8s().pod()).as(value).isNull();
      assertThat(event.k8s().ns()).isEqualTo(new FalcoAlert.Name("shop"));
      assertThat(alert.key()).isEqualTo("local/");
    }
  }

  @Test
  void keysByPodElseByHost() throws Exception {
    String pod = "{'k8s.ns.name':'shop','k8s.pod.name':'web-0.a'}";
    assertThat(parse(with("output_fields", pod)).key()).isEqualTo("local/shop/web-0.a");
    assertThat(parse(with("hostname", "'node-1'")).key()).isEqualTo("local/node-1");
    assertThat(parse(with("hostname", "'" + "n".repeat(9999) + "'")).key())
        .isEqualTo("local/" + "n".repeat(253));
  }

  @Test
  void hasTheSameIdWhoeverForwardsTheAlertAndHoweverOften() throws Exception {
    String falco = with("output_fields", "{'a':1,'b':'x'}").replace('\'', '"');
    String id = parse(falco).id();
    assertThat(parse(falco).id()).isEqualTo(id);
    assertThat(
            parse(
                    "{'UUID':'7a','tags':['z'],'output_fields':{'b':'x','a':1},'source':'syscalls',"
                        + "'time':'2026-01-02T05:04:05.678901234+02:00','priority':'notice',"
                        + "'rule':'Shell','output':'rendered elsewhere'}")
                .id())
        .isEqualTo(id);
    for (String other :
        List.of(
            with("output_fields", "{'a':2,'b':'x'}"),
            with("output_fields", "{'a':'1','b':'x'}"),
            with("rule", "'Other'"),
            with("hostname", "'node-1'"),
            with("source", "'k8s_audit'"),
            with("time", "'2026-01-02T03:04:05.678901235Z'"))) {
      assertThat(parse(other).id()).as(other).isNotEqualTo(id);
    }
    assertThat(new AlertParser("other").parse(falco.getBytes(UTF_8), null).id()).isNotEqualTo(id);
  }

  @Test
  void replacesWhatIsNotUtf8() throws Exception {
    byte[] latin =
        with("output", "'caf\u00e9'").replace('\'', '"').getBytes(StandardCharsets.ISO_8859_1);
    FalcoAlert event = EventCodec.decode(parser.parse(latin, null).json(), FalcoAlert.class);
    assertThat(event.falco().output()).isEqualTo("caf\ufffd");
  }

  @Test
  void carriesTheSendersTraceContext() throws Exception {
    String traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    Alert alert = parser.parse(MINIMAL.replace('\'', '"').getBytes(UTF_8), traceparent);
    assertThat(CloudEvents.read(alert.headers(), alert.json(), FalcoAlert.class).traceparent())
        .isEqualTo(traceparent);
  }

  /** Whatever a JSON object holds: it is an alert that every reader can read, or names a field. */
  @Test
  void acceptsOrNamesAFieldWhateverTheObjectHolds() {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    int accepted = 0;
    for (int i = 0; i < 20_000; i++) {
      String json = RandomJson.alert(random);
      try {
        Alert alert = parser.parse(json.getBytes(UTF_8), null);
        assertThat(CloudEvents.read(alert.headers(), alert.json(), FalcoAlert.class).id())
            .isEqualTo(alert.id());
        accepted++;
      } catch (Rejection e) {
        assertThat(e.field()).as("seed %d, %s", seed, json).isNotBlank();
      } catch (RuntimeException e) {
        throw new AssertionError("seed " + seed + ", " + json, e);
      }
    }
    assertThat(accepted).as("seed %d", seed).isBetween(2_000, 18_000);
  }

  /** However the bytes are damaged, the answer is an alert or a rejection. */
  @Test
  void neverFailsOnDamagedBytes() {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    for (int i = 0; i < 20_000; i++) {
      byte[] bytes = RandomJson.alert(random).getBytes(UTF_8);
      for (int damage = random.nextInt(4); damage >= 0 && bytes.length > 0; damage--) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
      }
      try {
        List<Alert> alerts = new ArrayList<>();
        for (byte[] raw : AlertBody.of(bytes).alerts()) {
          alerts.add(parser.parse(raw, null));
        }
        assertThat(alerts).isNotEmpty();
      } catch (Rejection e) {
        assertThat(e.field()).isNotBlank();
      } catch (RuntimeException e) {
        throw new AssertionError("seed " + seed + ", " + new String(bytes, UTF_8), e);
      }
    }
  }
}
