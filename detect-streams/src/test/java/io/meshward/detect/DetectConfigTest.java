package io.meshward.detect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshward.daemon.ConfigException;
import io.meshward.daemon.ConfigFile;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class DetectConfigTest {
  private static final String LEAST =
      """
      kafka: {bootstrap-servers: "localhost:9092"}
      http: {address: "127.0.0.1:0"}
      cluster: demo
      rules: [rules]
      state-directory: state
      """;

  @Test
  void whatIsNotSaidHasDefaults() {
    DetectConfig config = parse(LEAST);
    assertThat(config.threads()).isEqualTo(2);
    assertThat(config.timing())
        .isEqualTo(
            new DetectConfig.Timing(
                Duration.ofMillis(500),
                Duration.ofMillis(5),
                Duration.ofMillis(5),
                Duration.ZERO,
                Duration.ofSeconds(5),
                Duration.ofMinutes(10)));
    assertThat(config.limits()).isEqualTo(new DetectConfig.Limits(20, 16_384, 10_000));
  }

  @Test
  void everyKeyIsRead() {
    DetectConfig config =
        parse(
            """
            kafka: {bootstrap-servers: "broker:9093", prefix: other}
            http: {address: "127.0.0.1:8082"}
            cluster: east
            rules: [a.yaml, more]
            state-directory: /s
            threads: 4
            timing:
              commit-interval: 1s
              commit-floor: 10ms
              poll: 20ms
              linger: 1ms
              lateness: 7s
              late-arrival: 1h
            limits: {evidence: 5, seen-events: 100, groups: 7}
            """);
    assertThat(config.kafka().prefix()).isEqualTo("other");
    assertThat(config.cluster()).isEqualTo("east");
    assertThat(config.rules()).containsExactly(Path.of("a.yaml"), Path.of("more"));
    assertThat(config.stateDirectory()).isEqualTo(Path.of("/s"));
    assertThat(config.threads()).isEqualTo(4);
    assertThat(config.timing())
        .isEqualTo(
            new DetectConfig.Timing(
                Duration.ofSeconds(1),
                Duration.ofMillis(10),
                Duration.ofMillis(20),
                Duration.ofMillis(1),
                Duration.ofSeconds(7),
                Duration.ofHours(1)));
    assertThat(config.limits()).isEqualTo(new DetectConfig.Limits(5, 100, 7));
  }

  @Test
  void whatCannotBeIsRefusedByName() {
    for (List<String> wrong :
        List.of(
            List.of("threads: 0", "threads is 0"),
            List.of("timing: {poll: 0ms}", "poll is 0"),
            List.of("timing: {commit-floor: 1s}", "commit-floor is 1s"),
            List.of("timing: {commit-interval: 1m}", "commit-interval is 1m"),
            List.of("limits: {groups: 0}", "groups is 0"),
            List.of("limits: {evidence: 5000}", "evidence is 5000"),
            List.of("window: 5", "window"))) {
      assertThatThrownBy(() -> parse(LEAST + wrong.getFirst() + "\n"))
          .isInstanceOf(ConfigException.class)
          .hasMessageContaining(wrong.getLast());
    }
    assertThatThrownBy(() -> parse(LEAST.replace("[rules]", "[]")))
        .hasMessageContaining("rules is empty");
    assertThatThrownBy(() -> parse(LEAST.replace("demo", "' '")))
        .hasMessageContaining("cluster is blank");
  }

  @Test
  void theSampleSaysTheDefaultsAndFindsTheShippedRules() {
    DetectConfig sample =
        ConfigFile.load(Path.of("..", "deploy", "config", "detect.yaml"), DetectConfig.class);
    DetectConfig least = parse(LEAST);
    assertThat(sample.timing()).isEqualTo(least.timing());
    assertThat(sample.limits()).isEqualTo(least.limits());
    assertThat(sample.threads()).isEqualTo(least.threads());
    assertThat(RuleFiles.read(sample.rules())).isNotEmpty();
  }

  private static DetectConfig parse(String yaml) {
    return ConfigFile.parse(yaml, "test", DetectConfig.class);
  }
}
