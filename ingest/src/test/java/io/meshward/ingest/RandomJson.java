package io.meshward.ingest;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Alerts as no sensor sends them. */
final class RandomJson {
  private static final List<String> NAMES =
      List.of(
          "rule",
          "Rule",
          "priority",
          "time",
          "source",
          "output",
          "hostname",
          "tags",
          "uuid",
          "output_fields",
          "Output_Fields",
          "k8s.ns.name",
          "k8s.pod.name",
          "",
          "a b",
          "\u00e9",
          "x\\\"y",
          "\\ud83d\\ude00",
          "evt.arg[0]");
  private static final List<String> NUMBERS =
      List.of(
          "0",
          "-0",
          "1.0",
          "9223372036854775807",
          "9223372036854775808",
          "-1e5",
          "1E400",
          "1e401",
          "123456789012345678901234567890",
          "0.1",
          "1e-999999999",
          "4503599627370497.5");
  private static final List<String> TEXTS =
      List.of(
          "",
          " ",
          "Notice",
          "shop",
          "<NA>",
          "2026-01-02T03:04:05Z",
          "\\u0000",
          "\\ud800",
          "\\udc00\\ud800",
          "\\ud83d\\ude00",
          "\u20ac",
          "\\n",
          "\\\\");

  private RandomJson() {}

  static String alert(Random random) {
    List<String> fields = new ArrayList<>();
    // Mostly right, so that the interesting rest is reached.
    field(fields, random, "rule", "\"Shell\"");
    field(fields, random, "priority", "\"info\"");
    field(fields, random, "time", "\"2026-01-02T03:04:05.1Z\"");
    for (int i = random.nextInt(4); i > 0; i--) {
      fields.add("\"" + pick(random, NAMES) + "\":" + value(random, 3));
    }
    if (random.nextInt(3) > 0) {
      fields.add("\"output_fields\":" + object(random, 3));
    }
    return "{" + String.join(",", fields) + "}";
  }

  private static void field(List<String> fields, Random random, String name, String value) {
    int dice = random.nextInt(20);
    if (dice > 0) {
      fields.add("\"" + name + "\":" + (dice == 1 ? value(random, 2) : value));
    }
  }

  private static String value(Random random, int depth) {
    return switch (random.nextInt(depth == 0 ? 5 : 8)) {
      case 0 -> "null";
      case 1 -> "true";
      case 2 -> pick(random, NUMBERS);
      case 3, 4 -> "\"" + pick(random, TEXTS) + "\"";
      case 5, 6 -> object(random, depth - 1);
      default ->
          IntStream.range(0, random.nextInt(3))
              .mapToObj(i -> value(random, depth - 1))
              .collect(Collectors.joining(",", "[", "]"));
    };
  }

  private static String object(Random random, int depth) {
    return IntStream.range(0, random.nextInt(3))
        .mapToObj(i -> "\"" + pick(random, NAMES) + "\":" + value(random, depth))
        .collect(Collectors.joining(",", "{", "}"));
  }

  private static String pick(Random random, List<String> from) {
    return from.get(random.nextInt(from.size()));
  }
}
