package io.meshward.cli;

import io.meshward.schemas.Containment;
import io.meshward.schemas.Containment.Step;
import io.meshward.schemas.Response;
import io.meshward.schemas.Target;
import java.io.PrintWriter;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Shows containments to people. */
final class ContainmentTable {
  private final PrintWriter out;

  ContainmentTable(PrintWriter out) {
    this.out = out;
  }

  /** One line each. */
  void print(List<Containment> containments) {
    if (containments.isEmpty()) {
      out.println("There are no containments.");
      return;
    }
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("ID", "STATE", "MODE", "PLAYBOOK", "TARGET", "SINCE"));
    for (Containment each : containments) {
      rows.add(
          List.of(
              each.containment().id(),
              each.containment().state().toString(),
              each.containment().mode().toString(),
              each.playbook().name(),
              target(each.target()),
              each.containment().updatedAt().truncatedTo(ChronoUnit.SECONDS).toString()));
    }
    print(rows, "");
  }

  /** One with its steps and its history. */
  void print(Containment containment, List<Response> history) {
    Containment.Head head = containment.containment();
    List<List<String>> facts = new ArrayList<>();
    facts.add(List.of("containment", head.id()));
    facts.add(List.of("state", head.state() + reason(head.reason())));
    facts.add(List.of("mode", head.mode().toString()));
    facts.add(
        List.of(
            "playbook", containment.playbook().name() + " " + containment.playbook().version()));
    facts.add(List.of("target", target(containment.target())));
    facts.add(List.of("detections", Long.toString(head.joined())));
    facts.add(List.of("plan", head.planDigest()));
    if (head.approveBy() != null) {
      facts.add(List.of("approve by", head.approveBy().toString()));
    }
    print(facts, "");
    out.println();
    out.println("steps");
    List<List<String>> steps = new ArrayList<>();
    for (Step step : containment.steps()) {
      steps.add(List.of(step.action(), step.state().toString(), words(step)));
    }
    print(steps, "  ");
    out.println();
    out.println("history");
    List<List<String>> lines = new ArrayList<>();
    for (Response response : history) {
      lines.add(
          List.of(
              response.response().at().toString(), response.response().actor(), words(response)));
    }
    print(lines, "  ");
  }

  private static String words(Step step) {
    if (step.error() != null) {
      return step.error();
    }
    if (step.verification() != null) {
      return step.verification().detail() + " (" + step.verification().level() + ")";
    }
    return step.diff() == null ? "" : step.diff();
  }

  private static String words(Response response) {
    Response.Transition transition = response.response();
    Response.StepChange step = response.step();
    if (step != null) {
      return step.action()
          + " "
          + step.state()
          + reason(step.detail())
          + (transition.from() == transition.to() ? "" : " → " + transition.to());
    }
    return (transition.from() == transition.to() ? "" : "→ " + transition.to())
        + reason(transition.reason());
  }

  private static String reason(@Nullable String reason) {
    return reason == null ? "" : ": " + reason;
  }

  private static String target(Target target) {
    if (target.pod() != null) {
      return target.namespace() + "/" + target.pod();
    }
    return target.owner() == null
        ? String.valueOf(target.spiffeId())
        : target.namespace() + "/" + target.owner().name();
  }

  private void print(List<List<String>> rows, String indent) {
    int columns = rows.stream().mapToInt(List::size).max().orElse(0);
    int[] widths = new int[columns];
    for (List<String> row : rows) {
      for (int i = 0; i < row.size(); i++) {
        widths[i] = Math.max(widths[i], row.get(i).length());
      }
    }
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder(indent);
      for (int i = 0; i < row.size(); i++) {
        line.append(row.get(i));
        if (i < row.size() - 1) {
          line.append(" ".repeat(widths[i] - row.get(i).length() + 2));
        }
      }
      out.println(line);
    }
  }
}
