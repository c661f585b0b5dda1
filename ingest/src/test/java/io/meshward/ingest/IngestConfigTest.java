package io.meshward.ingest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshward.daemon.ByteSize;
import io.meshward.daemon.ConfigException;
import io.meshward.daemon.ConfigFile;
import io.meshward.daemon.HostPort;
import io.meshward.daemon.HttpConfig;
import io.meshward.daemon.HttpLimits;
import io.meshward.daemon.KafkaConfig;
import io.meshward.daemon.TlsConfig;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class IngestConfigTest {
  private static final String REQUIRED =
      """
      cluster: shop-1
      kafka: {bootstrap-servers: "kafka:9092"}
      """;

  private static IngestConfig parse(String yaml) {
    return ConfigFile.parse(yaml, "ingest.yaml", IngestConfig.class);
  }

  @Test
  void fillsInDefaults() {
    assertThat(parse(REQUIRED))
        .isEqualTo(
            new IngestConfig(
                "shop-1",
                new KafkaConfig("kafka:9092", "meshward", Map.of()),
                new HttpConfig(new HostPort("127.0.0.1", 2801), null, HttpLimits.defaults()),
                new AuthenticationConfig(null, List.of()),
                Duration.ofSeconds(5)));
  }

  @Test
  void mapsEveryKey() {
    IngestConfig config =
        parse(
            """
            cluster: shop-1
            kafka:
              bootstrap-servers: "a:1,b:2"
              prefix: test
              properties: {security.protocol: SSL}
            http:
              address: 0.0.0.0:8443
              tls: {certificate: /tls/c.pem, key: /tls/k.pem, client-ca: /tls/ca.pem}
              limits: {body: 2MiB, connections: 5, in-flight: 6, queue: 7ms, request: 8s, idle: 9s}
            authentication:
              bearer-token-file: /run/token
              clients: ["spiffe://example.org/falco"]
            acknowledge-within: 3s
            """);
    assertThat(config)
        .isEqualTo(
            new IngestConfig(
                "shop-1",
                new KafkaConfig("a:1,b:2", "test", Map.of("security.protocol", "SSL")),
                new HttpConfig(
                    new HostPort("0.0.0.0", 8443),
                    new TlsConfig(
                        Path.of("/tls/c.pem"), Path.of("/tls/k.pem"), Path.of("/tls/ca.pem")),
                    new HttpLimits(
                        new ByteSize(2 << 20),
                        5,
                        6,
                        Duration.ofMillis(7),
                        Duration.ofSeconds(8),
                        Duration.ofSeconds(9))),
                new AuthenticationConfig(
                    Path.of("/run/token"), List.of("spiffe://example.org/falco")),
                Duration.ofSeconds(3)));
    assertThat(parse(ConfigFile.print(config))).isEqualTo(config);
  }

  @Test
  void refusesUnknownKeysAndMissingOnes() {
    assertThatThrownBy(() -> parse("kafka: {bootstrap-server: 'a:1'}\ntoken: x"))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("ingest.yaml:1:1: cluster: is missing")
        .hasMessageContaining("kafka.bootstrap-server: unknown key")
        .hasMessageContaining("kafka.bootstrap-servers: is missing")
        .hasMessageContaining("ingest.yaml:2:8: token: unknown key");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"0.0.0.0:2801", "'[::]:2801'", "10.1.2.3:2801", "ingest.example.org:2801"})
  void listensBeyondLoopbackOnlyWithAuthentication(String address) {
    String http = REQUIRED + "http: {address: " + address;
    assertThatThrownBy(() -> parse(http + "}"))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining(
            "expected a loopback address, or authentication.bearer-token-file, or")
        .hasMessageContaining(address.replace("'", ""));
    assertThatThrownBy(() -> parse(http + ", tls: {certificate: c, key: k}}"))
        .isInstanceOf(ConfigException.class);
    assertThat(parse(http + "}\nauthentication: {bearer-token-file: t}")).isNotNull();
    assertThat(parse(http + ", tls: {certificate: c, key: k, client-ca: a}}")).isNotNull();
  }

  @Test
  void refusesClientsThatNobodyVouchesFor() {
    assertThatThrownBy(() -> parse(REQUIRED + "authentication: {clients: [a.example.org]}"))
        .hasMessageContaining("authentication.clients needs http.tls.client-ca");
  }

  @ParameterizedTest
  @ValueSource(strings = {"''", "a/b", "-a", "'a b'"})
  void refusesWhatIsNoNameOfACluster(String cluster) {
    assertThatThrownBy(() -> parse(REQUIRED.replace("shop-1", cluster)))
        .hasMessageContaining("cluster is '");
  }

  @ParameterizedTest
  @ValueSource(strings = {"0s", "99ms", "2m"})
  void refusesADeadlineThatCannotBeMeant(String deadline) {
    assertThatThrownBy(() -> parse(REQUIRED + "acknowledge-within: " + deadline))
        .hasMessageContaining("expected 100ms to 1m");
  }

  /** The file that people copy from: it loads, and no key is missing in it. */
  @Test
  void showsEveryKeyInTheSample() throws Exception {
    Path sample = Path.of("../deploy/config/ingest.yaml");
    IngestConfig config = ConfigFile.load(sample, IngestConfig.class);
    assertThat(config)
        .isEqualTo(
            new IngestConfig(
                "production",
                new KafkaConfig("kafka-1:9092,kafka-2:9092", "meshward", Map.of()),
                parse(REQUIRED).http(),
                parse(REQUIRED).authentication(),
                parse(REQUIRED).acknowledgeWithin()));
    String commented = Files.readString(sample).replace("#tls:", "tls:").replace("  #  ", "    ");
    assertThat(commented)
        .contains(
            "tls:",
            "certificate:",
            "key:",
            "client-ca:",
            "bearer-token-file:",
            "security.protocol:");
    assertThat(
            ConfigFile.print(config).lines().map(line -> line.substring(0, line.indexOf(':') + 1)))
        .allSatisfy(key -> assertThat(commented).contains(key));
  }
}
