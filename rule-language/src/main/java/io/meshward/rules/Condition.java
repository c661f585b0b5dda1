package io.meshward.rules;

import java.util.List;
import java.util.Optional;

/**
 * A parsed condition (grammar of Falco 0.44's filters). Immutable; equal if it says the same,
 * wherever it was written.
 */
public sealed interface Condition {

  /**
   * The canonical text: {@code and} and {@code or} in parentheses, one blank between tokens, quotes
   * only where needed. Parsing it gives an equal condition.
   */
  default String canonical() {
    return CanonicalPrinter.print(this);
  }

  /** The negation; that of a negation is what it negates. */
  static Condition not(Condition condition) {
    return condition instanceof Not(Condition operand) ? operand : new Not(condition);
  }

  /** True if every operand is. */
  record And(List<Condition> operands) implements Condition {
    public And {
      operands = atLeastTwo("and", operands);
    }

    @Override
    public String toString() {
      return canonical();
    }
  }

  /** True if any operand is. */
  record Or(List<Condition> operands) implements Condition {
    public Or {
      operands = atLeastTwo("or", operands);
    }

    @Override
    public String toString() {
      return canonical();
    }
  }

  /** True if the operand is false; never directly around another negation. */
  record Not(Condition operand) implements Condition {
    public Not {
      if (operand instanceof Not) {
        throw new IllegalArgumentException("a negation of a negation: use Condition.not");
      }
    }

    @Override
    public String toString() {
      return canonical();
    }
  }

  /** The name of a macro, to be resolved before the condition is compiled. */
  record MacroReference(String name, Position position) implements Condition {
    @Override
    public String toString() {
      return name;
    }
  }

  /** A check of one expression: the leaves of a resolved condition. */
  sealed interface Check extends Condition {
    /** What is looked at. */
    Expression left();
  }

  /** True if the expression has a value. */
  record Exists(Expression left) implements Check {
    @Override
    public String toString() {
      return canonical();
    }
  }

  /** An operator between an expression and a constant, a list or another expression. */
  record Comparison(Expression left, Operator operator, Optional<Modifier> modifier, Operand right)
      implements Check {
    public Comparison {
      if (modifier.isPresent() && operator.right() != Operator.Right.TEXT) {
        throw new IllegalArgumentException(
            "'" + operator + "' takes no modifier, found '" + modifier.get() + "'");
      }
      boolean list = right instanceof Operand.ValueList || right instanceof Operand.ListReference;
      boolean wantsList = modifier.isPresent() || operator.right() == Operator.Right.LIST;
      if (list != wantsList && !(right instanceof Operand.FieldOperand && modifier.isEmpty())) {
        throw new IllegalArgumentException(
            "'" + operator + "' expects " + (wantsList ? "a list" : "one value") + ": " + right);
      }
    }

    public Comparison(Expression left, Operator operator, Operand right) {
      this(left, operator, Optional.empty(), right);
    }

    @Override
    public String toString() {
      return canonical();
    }
  }

  private static List<Condition> atLeastTwo(String word, List<Condition> operands) {
    if (operands.size() < 2) {
      throw new IllegalArgumentException(
          "'" + word + "' has " + operands.size() + " operands, expected at least 2");
    }
    return List.copyOf(operands);
  }
}
