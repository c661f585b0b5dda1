package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Whatever text comes as a policy: it loads or is refused with words, and never throws else. */
class PolicyFuzzTest {
  private static final int TEXTS = 3000;
  private static final List<String> PIECES =
      List.of(
          "{",
          "}",
          "[",
          "]",
          ":",
          ",",
          "\"",
          "*",
          "/*",
          "- ",
          "\n",
          "  ",
          "null",
          "-1",
          "1e999",
          "&a ",
          "*a",
          "!!str ",
          "---\n",
          "%",
          "spiffe://",
          "when",
          "not_values",
          "values",
          "lt",
          "\"key\"",
          "risk.score",
          "peer.ip",
          "::/0",
          "header.",
          "jwt.",
          "\u0000",
          "\u212a",
          "'");

  @Test
  void loadsOrIsRefusedWithWords() throws IOException {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    Path examples = Path.of("../examples/policies/transfer");
    List<String> originals = new ArrayList<>();
    for (String name : List.of("policy.json", "istio.yaml", "roles.yaml", "services.yaml")) {
      originals.add(Files.readString(examples.resolve(name), UTF_8));
    }
    int good = 0;
    for (int i = 0; i < TEXTS; i++) {
      String text = mutated(originals.get(random.nextInt(originals.size())), random);
      good += loads(text, seed) ? 1 : 0;
    }
    assertThat(good).as("seed %d: texts that load", seed).isBetween(1, TEXTS - 1);
  }

  private static boolean loads(String text, long seed) {
    boolean any = false;
    for (Reading reading :
        List.<Reading>of(
            policy -> PolicySet.read(policy, Roles.NONE, new KubernetesWorkload("shop", Map.of())),
            Roles::read,
            ServiceTable::read)) {
      try {
        reading.read(text);
        any = true;
      } catch (InvalidPolicyException e) {
        assertThat(e.getMessage()).as("seed %d: %s", seed, text).isNotBlank();
      } catch (RuntimeException e) {
        fail("seed " + seed + ": " + text, e);
      }
    }
    return any;
  }

  private interface Reading {
    Object read(String text) throws InvalidPolicyException;
  }

  private static String mutated(String text, Random random) {
    StringBuilder mutated = new StringBuilder(text);
    for (int i = random.nextInt(4); i > 0; i--) {
      int at = random.nextInt(mutated.length());
      int end = Math.min(mutated.length(), at + random.nextInt(12));
      mutated.replace(at, end, PIECES.get(random.nextInt(PIECES.size())));
    }
    return mutated.toString();
  }
}
