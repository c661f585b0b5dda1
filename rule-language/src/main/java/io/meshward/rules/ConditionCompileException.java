package io.meshward.rules;

import java.util.List;
import java.util.stream.Collectors;

/** A condition that does not fit the fields it is about; has every problem, not only the first. */
public final class ConditionCompileException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final transient List<ConditionProblem> problems;

  ConditionCompileException(List<ConditionProblem> problems) {
    super(problems.stream().map(ConditionProblem::message).collect(Collectors.joining("; ")));
    this.problems = List.copyOf(problems);
  }

  /** At least one. */
  public List<ConditionProblem> problems() {
    return problems;
  }

  @Override
  public String getMessage() {
    return String.valueOf(super.getMessage());
  }
}
