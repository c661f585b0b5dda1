package io.meshward.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.schemas.Topic;
import io.meshward.schemas.TopicCatalogue;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What the README says of commands, topics, rules and files is so. */
final class ReadmeTest {
  private static final Path ROOT = Path.of("..");

  @Test
  void topicsAreThoseOfTheCatalogue() throws IOException {
    assertThat(matches("(?m)^\\| `([a-z.]+)` \\|"))
        .isEqualTo(TopicCatalogue.all().stream().map(Topic::name).toList());
  }

  @Test
  void playbookIsTheShippedOne() throws IOException {
    assertThat(block("- playbook: illegal-socket-access"))
        .isEqualToIgnoringNewLines(
            Files.readString(ROOT.resolve("playbooks/illegal-socket-access.yaml")));
  }

  @Test
  void ruleSaysWhatTheShippedOneSays() throws IOException {
    String shipped = words(Files.readString(ROOT.resolve("rules/svid-requests.yaml")));

    String[] parts = block("- detection: SVID request burst").split("(?m)^(?=  correlation:)", -1);

    assertThat(parts).hasSize(2);
    assertThat(shipped).contains(words(parts[0].lines().findFirst().orElseThrow()));
    assertThat(shipped).contains(words(parts[1]));
  }

  @ParameterizedTest
  @MethodSource("commands")
  void commandIsThere(String command) {
    assertThat(Meshward.commandLine().getSubcommands()).containsKey(command);
  }

  static Stream<String> commands() throws IOException {
    return matches("\\./meshward ([a-z|]+)").stream()
        .flatMap(names -> Stream.of(names.split("\\|", -1)))
        .distinct();
  }

  @ParameterizedTest
  @MethodSource("links")
  void linkedFileIsThere(String link) {
    assertThat(ROOT.resolve(link)).exists();
  }

  static Stream<String> links() throws IOException {
    return matches("\\]\\(([^):#]+)\\)").stream().distinct();
  }

  private static String block(String firstItem) throws IOException {
    return matches("(?s)```yaml\n(.*?)```").stream()
        .filter(block -> block.contains(firstItem))
        .findFirst()
        .orElseThrow();
  }

  private static String words(String text) {
    return text.replaceAll("\\s+", " ").strip();
  }

  private static List<String> matches(String pattern) throws IOException {
    return Pattern.compile(pattern)
        .matcher(Files.readString(ROOT.resolve("README.md")))
        .results()
        .map((MatchResult match) -> match.group(1))
        .toList();
  }
}
