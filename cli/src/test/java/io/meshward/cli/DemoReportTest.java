package io.meshward.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.meshward.examples.ShopLine;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What people read and what programs read are the same. */
final class DemoReportTest {
  private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");
  private static final DemoReport.Row QUARANTINED =
      new DemoReport.Row(
          "SVIDs requested",
          3,
          "SVID request burst",
          "d1",
          "c1",
          List.of("identity.quarantine", "workload.scale"),
          List.of("identity.quarantine: effect, 6 peers refuse it", "workload.scale: none"),
          new Scenario.Latencies(11, 22L, 33L, 44),
          List.of(
              new DemoReport.Refused("frontend", "orders", "UNAVAILABLE", 7, "connection cut"),
              new DemoReport.Refused("orders", "payment", "CANCELLED", 1, null)));
  private static final DemoReport.Row ISOLATED =
      new DemoReport.Row(
          "socket touched",
          1,
          "Illegal access",
          "d2",
          "c2",
          List.of("pod.isolate"),
          List.of("pod.isolate: configuration, a policy denies everything"),
          new Scenario.Latencies(55, null, null, 66),
          List.of());
  private static final ShopLine.Call UNEXPECTED =
      new ShopLine.Call(
          "1", null, "orders", "payment", "Payment/Charge", NOW, NOW, "PERMISSION_DENIED", "no");

  @TempDir Path folder;

  @Test
  void everythingInTheTableIsInTheFile() throws IOException {
    DemoReport report =
        new DemoReport(
            true,
            null,
            37,
            List.of("Kafka: embedded"),
            599,
            List.of(QUARANTINED, ISOLATED),
            List.of());

    String table = printed(report);
    JsonNode json = written(report);

    assertThat(row(table, "events seen")).isEqualTo("3 1");
    assertThat(json.at("/scenarios/0/events").intValue()).isEqualTo(3);
    assertThat(row(table, "event to detection")).isEqualTo("11 ms 55 ms");
    assertThat(json.at("/scenarios/0/milliseconds/toDetected").intValue()).isEqualTo(11);
    assertThat(row(table, "… quarantine at every peer")).isEqualTo("22 ms none");
    assertThat(json.at("/scenarios/0/milliseconds/toQuarantined").intValue()).isEqualTo(22);
    assertThat(json.at("/scenarios/1/milliseconds").has("toQuarantined")).isFalse();
    assertThat(row(table, "… API write")).isEqualTo("33 ms none");
    assertThat(json.at("/scenarios/0/milliseconds/toWritten").intValue()).isEqualTo(33);
    assertThat(row(table, "… verified")).isEqualTo("44 ms 66 ms");
    assertThat(json.at("/scenarios/1/milliseconds/toVerified").intValue()).isEqualTo(66);
    assertThat(row(table, "detection")).isEqualTo("SVID request burst Illegal access");
    assertThat(json.at("/scenarios/1/detection").textValue()).isEqualTo("Illegal access");
    assertThat(row(table, "actions")).isEqualTo("identity.quarantine pod.isolate");
    assertThat(json.at("/scenarios/0/actions/1").textValue()).isEqualTo("workload.scale");
    assertThat(json.at("/scenarios/1/verification/0").textValue())
        .isEqualTo("pod.isolate: configuration, a policy denies everything");
    assertThat(table).contains("7 frontend to orders:", "1 orders to payment: CANCELLED");
    assertThat(json.at("/scenarios/0/refused/0/calls").intValue()).isEqualTo(7);
    assertThat(json.at("/scenarios/0/refused/0/status").textValue()).isEqualTo("UNAVAILABLE");
    assertThat(row(table, "calls refused, as expected")).endsWith("none");
    assertThat(json.at("/scenarios/1/refused")).isEmpty();
    assertThat(table)
        .contains("599 calls", "0 refused", "Kafka: embedded", "Everything held, in 37 s");
    assertThat(json.get("calls").intValue()).isEqualTo(599);
    assertThat(json.get("passed").booleanValue()).isTrue();
    assertThat(json.has("failure")).isFalse();
  }

  @Test
  void callThatShouldNotHaveBeenRefusedIsInBoth() throws IOException {
    DemoReport report =
        new DemoReport(false, null, 1, List.of(), 1, List.of(), List.of(UNEXPECTED));

    assertThat(printed(report))
        .contains("Not expected: orders called payment", "PERMISSION_DENIED no", "1 refused")
        .contains("Not everything held");
    assertThat(written(report).at("/unexpected/0/status").textValue())
        .isEqualTo("PERMISSION_DENIED");
    assertThat(written(report).get("passed").booleanValue()).isFalse();
  }

  @Test
  void reasonOfAFailureIsInBoth() throws IOException {
    DemoReport report =
        new DemoReport(false, "no detection came", 1, List.of(), 0, List.of(), List.of());

    assertThat(printed(report)).contains("Failed: no detection came");
    assertThat(written(report).get("failure").textValue()).isEqualTo("no detection came");
  }

  /** A row's first line, its cells apart by one space. */
  private static String row(String table, String name) {
    return table
        .lines()
        .filter(line -> line.startsWith(name + "  "))
        .findFirst()
        .orElseThrow()
        .substring(name.length())
        .strip()
        .replaceAll(" +", " ");
  }

  private static String printed(DemoReport report) {
    StringWriter text = new StringWriter();
    report.print(new PrintWriter(text));
    return text.toString();
  }

  private JsonNode written(DemoReport report) throws IOException {
    Path file = folder.resolve("report.json");
    report.write(file);
    return JsonMapper.builder().build().readTree(file.toFile());
  }
}
