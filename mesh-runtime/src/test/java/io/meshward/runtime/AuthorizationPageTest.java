package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.runtime.PolicyStore.PolicyFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The page on authorization: each of its samples is loaded. */
class AuthorizationPageTest {
  private static final Path PAGE = Path.of("../docs/authorization.md");
  private static final Pattern BLOCK = Pattern.compile("```(\\w+)\\n(.*?)```", Pattern.DOTALL);

  @TempDir Path folder;

  @Test
  void everySampleIsWhatItSays() throws IOException {
    List<String> policies = new ArrayList<>();
    Path roles = folder.resolve("roles.yaml");
    Path services = folder.resolve("services.yaml");
    Matcher blocks = BLOCK.matcher(Files.readString(PAGE));
    while (blocks.find()) {
      String text = blocks.group(2);
      if (text.startsWith("roles:")) {
        Files.writeString(roles, text);
      } else if (text.startsWith("services:")) {
        Files.writeString(services, text);
      } else if (!blocks.group(1).equals("java")) {
        policies.add(text);
      }
    }

    assertThat(policies).hasSize(3);
    for (String policy : policies) {
      Path file = Files.writeString(folder.resolve("policy"), policy);
      PolicyStore store =
          new PolicyStore(
              new PolicyFiles(file, null, roles, services), null, AuthorizationPolicy.REFUSE_ALL);
      store.load();
      assertThat(store.current().enforced().allowRules()).as(policy).hasSize(1);
      assertThat(store.current().services().services()).hasSize(2);
    }
  }

  @Test
  void namesEveryKeyThatAConditionCanHave() throws IOException {
    String page = Files.readString(PAGE);

    for (Condition.TextFact fact : Condition.TextFact.values()) {
      assertThat(page).contains("`" + fact.key() + "`");
    }
    for (Condition.NumberFact fact : Condition.NumberFact.values()) {
      assertThat(page).contains("`" + fact.key() + "`");
    }
  }

  @Test
  void theJavaSampleIsTheOneThatCompiles() throws IOException {
    Matcher java =
        Pattern.compile("```java\\n(.*?)```", Pattern.DOTALL).matcher(Files.readString(PAGE));
    assertThat(java.find()).isTrue();
    String source =
        Files.readString(Path.of("src/test/java/io/meshward/runtime/AuthorizationExample.java"));

    assertThat(source.replaceAll("\\s+", "")).contains(java.group(1).replaceAll("\\s+", ""));
  }
}
