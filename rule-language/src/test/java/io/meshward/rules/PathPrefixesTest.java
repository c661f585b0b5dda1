package io.meshward.rules;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class PathPrefixesTest {

  @Test
  void comparesComponentByComponent() {
    PathPrefixes prefixes = new PathPrefixes(List.of("/usr/lib", "/etc//ssl/"));
    assertThat(prefixes.matches("/usr/lib")).isTrue();
    assertThat(prefixes.matches("/usr/lib/x")).isTrue();
    assertThat(prefixes.matches("usr//lib/x")).isTrue();
    assertThat(prefixes.matches("/usr/library")).isFalse();
    assertThat(prefixes.matches("/usr")).isFalse();
    assertThat(prefixes.matches("/etc/ssl/certs")).isTrue();
    assertThat(prefixes.matches("")).isFalse();
  }

  @Test
  void aPatternMatchesWithinOneComponent() {
    PathPrefixes prefixes = new PathPrefixes(List.of("/home/*/.ssh", "/proc/[0-9]*/mem"));
    assertThat(prefixes.matches("/home/eve/.ssh/id")).isTrue();
    assertThat(prefixes.matches("/home/eve/x/.ssh")).isFalse();
    assertThat(prefixes.matches("/proc/12/mem")).isTrue();
    assertThat(prefixes.matches("/proc/self/mem")).isFalse();
  }

  @Test
  void triesEveryPatternOfALevel() {
    PathPrefixes prefixes = new PathPrefixes(List.of("/a*/x", "/b*/y", "/ab*/z", "/ab/w"));
    assertThat(prefixes.matches("/ab/x")).isTrue();
    assertThat(prefixes.matches("/bc/y")).isTrue();
    assertThat(prefixes.matches("/ab/z")).isTrue();
    assertThat(prefixes.matches("/ab/w")).isTrue();
    assertThat(prefixes.matches("/bc/x")).isFalse();
  }

  @Test
  void aShorterPrefixCoversALongerOne() {
    assertThat(new PathPrefixes(List.of("/usr/lib", "/usr")).matches("/usr/bin")).isTrue();
    assertThat(new PathPrefixes(List.of("/")).matches("/anything")).isTrue();
    assertThat(new PathPrefixes(List.of()).matches("/anything")).isFalse();
  }

  @Test
  @Timeout(10)
  void staysPolynomialWithManyPatterns() {
    List<String> patterns =
        List.of("/*".repeat(200) + "/x", "/?".repeat(200) + "/x", "/*a*".repeat(200) + "/y");
    assertThat(new PathPrefixes(patterns).matches("/a".repeat(201))).isFalse();
  }
}
