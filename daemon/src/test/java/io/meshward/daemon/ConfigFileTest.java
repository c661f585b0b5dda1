package io.meshward.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConfigFileTest {
  enum Mode {
    PLAN,
    DRY_RUN
  }

  record Part(String name, @Default("1") int weight) {
    Part {
      if (weight < 0) {
        throw new IllegalArgumentException("weight is " + weight + ": expected 0 or more");
      }
    }
  }

  record Everything(
      String text,
      @Default("7") int whole,
      @Default("9007199254740993") long large,
      @Default("0.5") double ratio,
      @Default("true") boolean flag,
      @Default("30s") Duration timeout,
      @Default("127.0.0.1:0") HostPort listenAddress,
      @Default("1MiB") ByteSize limit,
      @Default("plan") Mode mode,
      @Default("{name: inner}") Part part,
      @Default("[]") List<Part> parts,
      @Default("[a, b]") Set<String> names,
      @Default("{}") Map<String, Duration> waits,
      @Nullable Path file,
      @Nullable URI uri,
      @Nullable Secret token) {}

  private static Everything parse(String yaml) {
    return ConfigFile.parse(yaml, "test.yaml", Everything.class);
  }

  private static List<String> problemsOf(String yaml) {
    return catchThrowableOfType(ConfigException.class, () -> parse(yaml)).problems();
  }

  @Test
  void fillsInEveryDefault() {
    assertThat(parse("text: hello"))
        .isEqualTo(
            new Everything(
                "hello",
                7,
                9007199254740993L,
                0.5,
                true,
                Duration.ofSeconds(30),
                new HostPort("127.0.0.1", 0),
                new ByteSize(1024 * 1024),
                Mode.PLAN,
                new Part("inner", 1),
                List.of(),
                Set.of("a", "b"),
                Map.of(),
                null,
                null,
                null));
  }

  private static final String FULL =
      """
      text: "12"
      whole: -3
      large: 12
      ratio: 2.5
      flag: false
      timeout: 500ms
      listen-address: "[::1]:8080"
      limit: 64KiB
      mode: dry-run
      part: {name: x, weight: 2}
      parts:
        - name: one
          weight: 4
        - {name: two}
      names: [z]
      waits: {long: 1h, short: 7d}
      file: /etc/hosts
      uri: https://example.org/x
      token: env:MESHWARD_TOKEN
      """;

  @Test
  void mapsEveryKey() {
    assertThat(parse(FULL))
        .isEqualTo(
            new Everything(
                "12",
                -3,
                12,
                2.5,
                false,
                Duration.ofMillis(500),
                new HostPort("::1", 8080),
                new ByteSize(65536),
                Mode.DRY_RUN,
                new Part("x", 2),
                List.of(new Part("one", 4), new Part("two", 1)),
                Set.of("z"),
                Map.of("long", Duration.ofHours(1), "short", Duration.ofDays(7)),
                Path.of("/etc/hosts"),
                URI.create("https://example.org/x"),
                new Secret("env:MESHWARD_TOKEN")));
  }

  @Test
  void printsWhatItReads() {
    Everything config = parse(FULL);
    assertThat(parse(ConfigFile.print(config))).isEqualTo(config);
    Everything defaults = parse("text: 'a \"b\" \\ : #'");
    assertThat(parse(ConfigFile.print(defaults))).isEqualTo(defaults);
  }

  @Test
  void reportsEveryProblemWithPlaceValueAndExpectation() {
    assertThat(
            problemsOf(
                """
                whole: many
                flag: yes
                timeout: 30
                listen-address: nowhere
                limit: 3 apples
                mode: enforce
                part: {name: x, weight: -1}
                parts: [{weight: 1}, 3]
                waits: {x: soon}
                token: hunter2
                tiemout: 3s
                """))
        .satisfiesExactlyInAnyOrder(
            p -> assertThat(p).isEqualTo("test.yaml:1:1: text: is missing: expected a value"),
            p ->
                assertThat(p)
                    .isEqualTo(
                        "test.yaml:1:8: whole: 'many': expected a whole number from -2147483648 to"
                            + " 2147483647"),
            p -> assertThat(p).isEqualTo("test.yaml:2:7: flag: 'yes': expected true or false"),
            p ->
                assertThat(p)
                    .startsWith("test.yaml:3:10: timeout: '30': expected a duration such as"),
            p ->
                assertThat(p)
                    .startsWith("test.yaml:4:17: listen-address: 'nowhere': expected host:port"),
            p -> assertThat(p).startsWith("test.yaml:5:8: limit: '3 apples': expected a size"),
            p ->
                assertThat(p)
                    .isEqualTo("test.yaml:6:7: mode: 'enforce': expected one of plan, dry-run"),
            p -> assertThat(p).isEqualTo("test.yaml:7:7: part: weight is -1: expected 0 or more"),
            p ->
                assertThat(p)
                    .isEqualTo("test.yaml:8:9: parts[0].name: is missing: expected a value"),
            p -> assertThat(p).isEqualTo("test.yaml:8:22: parts[1]: '3': expected keys and values"),
            p -> assertThat(p).startsWith("test.yaml:9:12: waits.x: 'soon': expected a duration"),
            p -> assertThat(p).startsWith("test.yaml:10:8: token: ").doesNotContain("hunter2"),
            p ->
                assertThat(p)
                    .startsWith("test.yaml:11:10: tiemout: unknown key: expected one of file,"));
  }

  @Test
  void refusesDuplicateKeys() {
    assertThat(problemsOf("text: a\ntext: b"))
        .containsExactly("test.yaml:2:1: text: duplicate key: expected it once");
    assertThat(problemsOf("text: a\nwaits: {x: 1s, x: 2s}"))
        .containsExactly("test.yaml:2:16: waits.x: duplicate key: expected it once");
  }

  @Test
  void refusesWhatIsNotOneDocumentOfKeysAndValues() {
    assertThat(problemsOf("[a]")).singleElement().asString().contains("expected keys and values");
    assertThat(problemsOf("text: [")).singleElement().asString().startsWith("test.yaml:1:");
    assertThat(problemsOf("")).singleElement().asString().contains("text: is missing");
    assertThat(problemsOf("text: a\n---\ntext: b")).singleElement().asString().contains("not YAML");
  }

  @Test
  void takesAKeyWithoutValueAsAbsent() {
    assertThat(parse("text: a\nwaits:\nfile:\nparts: # none yet").waits()).isEmpty();
    assertThat(problemsOf("text:")).singleElement().asString().contains("text: is missing");
  }

  @Test
  void resolvesPathsFromTheFilesFolder(@TempDir Path folder) throws Exception {
    Path file = Files.writeString(folder.resolve("process.yaml"), "text: a\nfile: tls/key.pem");
    assertThat(ConfigFile.load(file, Everything.class).file())
        .isEqualTo(folder.toAbsolutePath().resolve("tls/key.pem"));
  }

  @Test
  void namesAFileThatCannotBeRead(@TempDir Path folder) {
    assertThatThrownBy(() -> ConfigFile.load(folder.resolve("none.yaml"), Everything.class))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("none.yaml: cannot be read");
  }

  @Test
  void readsSecretsOnlyByReference(@TempDir Path folder) throws Exception {
    Path file = Files.writeString(folder.resolve("token"), " s3cret\n");
    Secret secret = Secret.parse("file:" + file);
    assertThat(secret.read()).isEqualTo("s3cret");
    assertThat(secret.toString()).doesNotContain("s3cret");
    Files.writeString(file, "\n");
    assertThatThrownBy(secret::read).hasMessageContaining("is empty");
    assertThatThrownBy(() -> Secret.parse("file:" + folder.resolve("none")).read())
        .hasMessageContaining("cannot be read");
    assertThatThrownBy(() -> Secret.parse("env:MESHWARD_NO_SUCH_VARIABLE").read())
        .hasMessageContaining("env:MESHWARD_NO_SUCH_VARIABLE is empty");
  }
}
