package io.meshward.cli;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.datatype.jsr310.JavaTimeModule;
import io.meshward.examples.ShopLine;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What a demonstration has shown.
 *
 * @param parts on what it ran, such as {@code kafka: embedded}
 * @param calls how many calls the shop's services made
 * @param unexpected calls that failed and should not have
 * @param failure why it failed, if it did
 */
record DemoReport(
    boolean passed,
    @Nullable String failure,
    long seconds,
    List<String> parts,
    long calls,
    List<Row> scenarios,
    List<ShopLine.Call> unexpected) {
  DemoReport {
    parts = List.copyOf(parts);
    scenarios = List.copyOf(scenarios);
    unexpected = List.copyOf(unexpected);
  }

  /**
   * A scenario.
   *
   * @param refused the calls of the contained identity, or to it, that failed while they had to
   */
  record Row(
      String scenario,
      int events,
      String detection,
      String detectionId,
      String containment,
      List<String> actions,
      List<String> verification,
      Scenario.Latencies milliseconds,
      List<Refused> refused) {
    Row {
      actions = List.copyOf(actions);
      verification = List.copyOf(verification);
      refused = List.copyOf(refused);
    }

    static Row of(Scenario.Result result, CallLog calls) {
      return new Row(
          result.title(),
          result.events(),
          result.detection().detection().rule(),
          result.detection().detection().id(),
          result.containment().containment().id(),
          result.actions(),
          result.verifications(),
          result.latencies(),
          result.outage().map(outage -> Refused.of(calls.explainedBy(outage))).orElse(List.of()));
    }
  }

  /**
   * Calls from one service to another that ended alike.
   *
   * @param status the gRPC status code
   * @param detail the status's description in one of them, if it has one
   */
  record Refused(String caller, String callee, String status, long calls, @Nullable String detail) {
    private static List<Refused> of(List<ShopLine.Call> calls) {
      return calls.stream()
          .map(call -> new Refused(call.caller(), call.callee(), call.status(), 1, call.detail()))
          .collect(
              Collectors.toMap(
                  one -> List.of(one.caller, one.callee, one.status),
                  Function.identity(),
                  Refused::plus,
                  LinkedHashMap::new))
          .values()
          .stream()
          .toList();
    }

    private Refused plus(Refused other) {
      return new Refused(caller, callee, status, calls + other.calls, detail);
    }

    @Override
    public String toString() {
      return calls + " " + caller + " to " + callee + ": " + status;
    }
  }

  /** Among calls alone, none has to say that it is one. */
  @JsonTypeInfo(use = JsonTypeInfo.Id.NONE)
  private interface Unnamed {}

  static DemoReport of(
      Optional<String> failure,
      Duration elapsed,
      List<String> parts,
      List<Scenario.Result> results,
      CallLog calls) {
    List<CallLog.Outage> outages =
        results.stream().flatMap(result -> result.outage().stream()).toList();
    // A scenario that failed may not have told its outage: only whole ones are judged.
    List<ShopLine.Call> unexpected = failure.isPresent() ? List.of() : calls.unexplained(outages);
    return new DemoReport(
        failure.isEmpty() && unexpected.isEmpty(),
        failure.orElse(null),
        elapsed.toSeconds(),
        parts,
        calls.size(),
        results.stream().map(result -> Row.of(result, calls)).toList(),
        unexpected);
  }

  /** Writes it as JSON. */
  void write(Path file) throws IOException {
    byte[] json =
        JsonMapper.builder()
            .addModule(new JavaTimeModule())
            .addMixIn(ShopLine.Call.class, Unnamed.class)
            .disable(SerializationFeature.WRITE_DATES_AS_TIMESTAMPS)
            .enable(SerializationFeature.INDENT_OUTPUT)
            .defaultPropertyInclusion(
                JsonInclude.Value.construct(
                    JsonInclude.Include.NON_NULL, JsonInclude.Include.NON_NULL))
            .build()
            .writeValueAsBytes(this);
    Files.write(file, json);
  }

  /** Prints it as a table for people. */
  void print(PrintWriter out) {
    out.println();
    if (!scenarios.isEmpty()) {
      TextTable table = new TextTable(scenarios.stream().map(Row::scenario).toList());
      row(table, "events seen", row -> Integer.toString(row.events()));
      row(table, "detection", Row::detection);
      row(table, "actions", row -> lines(row.actions()));
      row(table, "verification", row -> lines(row.verification()));
      row(table, "event to detection", row -> millis(row.milliseconds().toDetected()));
      row(table, "… quarantine at every peer", row -> millis(row.milliseconds().toQuarantined()));
      row(table, "… API write", row -> millis(row.milliseconds().toWritten()));
      row(table, "… verified", row -> millis(row.milliseconds().toVerified()));
      row(table, "calls refused, as expected", row -> lines(row.refused()));
      table.print(out);
      out.println();
    }
    unexpected.stream()
        .limit(20)
        .forEach(
            call ->
                out.println(
                    "Not expected: "
                        + call.caller()
                        + " called "
                        + call.callee()
                        + " at "
                        + call.startedAt()
                        + ": "
                        + call.status()
                        + " "
                        + Optional.ofNullable(call.detail()).orElse("")));
    out.println(
        calls
            + " calls in the shop, "
            + unexpected.size()
            + " refused that should not have been, on "
            + String.join(", ", parts)
            + ".");
    if (failure != null) {
      out.println("Failed: " + failure);
    }
    out.println((passed ? "Everything held" : "Not everything held") + ", in " + seconds + " s.");
    out.flush();
  }

  private void row(TextTable table, String name, Function<Row, String> cell) {
    table.row(name, scenarios.stream().map(cell).toList());
  }

  private static String lines(List<?> items) {
    return items.isEmpty()
        ? "none"
        : items.stream().map(Object::toString).collect(Collectors.joining("\n"));
  }

  private static String millis(@Nullable Long milliseconds) {
    return milliseconds == null ? "none" : milliseconds + " ms";
  }
}
