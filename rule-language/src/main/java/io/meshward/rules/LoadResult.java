package io.meshward.rules;

import java.util.List;

/** What came of loading rules files: all of them, or nothing. */
public sealed interface LoadResult {

  /** Errors and warnings, in the order of files and lines. */
  List<Diagnostic> diagnostics();

  /**
   * All files are valid.
   *
   * @param diagnostics warnings only
   */
  record Loaded(RuleSet rules, List<Diagnostic> diagnostics) implements LoadResult {
    public Loaded {
      diagnostics = List.copyOf(diagnostics);
    }
  }

  /**
   * Something is invalid, so nothing is loaded.
   *
   * @param diagnostics at least one error
   */
  record Rejected(List<Diagnostic> diagnostics) implements LoadResult {
    public Rejected {
      diagnostics = List.copyOf(diagnostics);
    }
  }
}
