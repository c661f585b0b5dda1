package io.meshward.detect;

import io.meshward.rules.Diagnostic;
import java.util.List;
import java.util.stream.Collectors;

/** Rules that cannot be used; the message names every error and its place. */
public final class RulesRejectedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  RulesRejectedException(List<Diagnostic> diagnostics) {
    super(
        "the rules are invalid, so none is used:\n"
            + diagnostics.stream().map(Diagnostic::toString).collect(Collectors.joining("\n")));
  }

  RulesRejectedException(String message) {
    super(message);
  }

  RulesRejectedException(RuntimeException cause) {
    super(cause.getMessage(), cause);
  }
}
