package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class ReadmeTest {

  @Test
  void theEmbeddingExampleIsTheOneThatCompiles() throws IOException {
    String source =
        Files.readString(Path.of("src/test/java/io/meshward/runtime/EmbeddingExample.java"));

    assertThat(flat(source)).contains(flat(block("java")));
  }

  @Test
  void thePolicyExampleIsAPolicy() throws Exception {
    AuthorizationPolicy policy =
        new PolicyReader(Roles.NONE).read(PolicyDocument.readOne(block("json"), "policy"));

    assertThat(policy.name()).isEqualTo("orders");
    assertThat(policy.allowRules()).hasSize(1);
  }

  private static String block(String language) throws IOException {
    String readme = Files.readString(Path.of("README.md"));
    int start = readme.indexOf("```" + language + "\n") + language.length() + 4;
    return readme.substring(start, readme.indexOf("```", start));
  }

  private static String flat(String code) {
    return code.replaceAll("\\s+", " ").trim();
  }
}
