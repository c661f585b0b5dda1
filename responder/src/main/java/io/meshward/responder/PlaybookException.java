package io.meshward.responder;

import io.meshward.rules.Diagnostic;
import java.util.List;
import java.util.stream.Collectors;

/** Playbooks that cannot be used, with everything that is wrong. */
public final class PlaybookException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final transient List<Diagnostic> diagnostics;

  PlaybookException(String message, List<Diagnostic> diagnostics) {
    super(
        message
            + diagnostics.stream()
                .map(Diagnostic::toString)
                .collect(Collectors.joining("\n  ", diagnostics.isEmpty() ? "" : "\n  ", "")));
    this.diagnostics = List.copyOf(diagnostics);
  }

  /** What is wrong, and warnings, in the order of files and lines. */
  public List<Diagnostic> diagnostics() {
    return diagnostics;
  }
}
