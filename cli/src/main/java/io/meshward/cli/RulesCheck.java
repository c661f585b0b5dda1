package io.meshward.cli;

import io.meshward.rules.Diagnostic;
import io.meshward.rules.Dialect;
import io.meshward.rules.FieldCatalogue;
import io.meshward.rules.LoadResult;
import io.meshward.rules.RuleFile;
import io.meshward.rules.RuleLoader;
import io.meshward.rules.RuleSet;
import java.io.PrintWriter;
import java.util.List;
import java.util.Map;

/** Checks rules files together, and shows people what is wrong with them. */
final class RulesCheck {

  private final Map<String, FieldCatalogue> catalogues;
  private final Dialect dialect;
  private final PrintWriter out;

  RulesCheck(Map<String, FieldCatalogue> catalogues, Dialect dialect, PrintWriter out) {
    this.catalogues = catalogues;
    this.dialect = dialect;
    this.out = out;
  }

  /** Prints every diagnostic and a summary, and tells whether the files load. */
  boolean run(List<RuleFile> files) {
    LoadResult result = RuleLoader.load(files, catalogues, dialect);
    for (Diagnostic diagnostic : result.diagnostics()) {
      out.println(diagnostic);
      diagnostic.snippet().lines().forEach(line -> out.println("  " + line));
    }
    long errors =
        result.diagnostics().stream()
            .filter(diagnostic -> diagnostic.severity() == Diagnostic.Severity.ERROR)
            .count();
    long warnings = result.diagnostics().size() - errors;
    String summary =
        switch (result) {
          case LoadResult.Loaded(RuleSet rules, _) ->
              "ok: "
                  + counted(rules.rules().size(), "rule")
                  + ", "
                  + counted(rules.detections().size(), "detection");
          case LoadResult.Rejected _ -> "invalid: " + counted(errors, "error");
        };
    out.println(
        summary
            + (warnings > 0 ? ", " + counted(warnings, "warning") : "")
            + " in "
            + counted(files.size(), "file"));
    return result instanceof LoadResult.Loaded;
  }

  private static String counted(long count, String what) {
    return count + " " + what + (count == 1 ? "" : "s");
  }
}
