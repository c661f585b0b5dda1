package io.meshward.rules;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Cases that others wrote, from the folder that an environment variable names. */
final class Cases {

  private static final ObjectMapper JSON = new ObjectMapper();

  private Cases() {}

  static List<JsonNode> lines(String file) {
    try {
      List<JsonNode> cases =
          Files.readAllLines(folder().resolve(file)).stream()
              .filter(line -> !line.isBlank())
              .map(Cases::parse)
              .toList();
      assertThat(cases).isNotEmpty();
      return cases;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static FieldCatalogue fields() {
    try {
      return FieldCatalogue.fromMap(
          JSON.readValue(
              folder().resolve("fields.json").toFile(),
              new TypeReference<Map<String, Map<String, Object>>>() {}));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Path folder() {
    String folder = System.getenv("MESHWARD_TEST_CASES");
    assumeTrue(folder != null, "set MESHWARD_TEST_CASES to the folder of cases to run them");
    return Path.of(String.valueOf(folder));
  }

  private static JsonNode parse(String line) {
    try {
      return JSON.readTree(line);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
