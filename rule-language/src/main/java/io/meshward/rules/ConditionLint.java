package io.meshward.rules;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** Finds what compiles but was probably not meant. One use per condition. */
final class ConditionLint {

  private static final Pattern PLAIN_REGEX =
      Pattern.compile("\\^?(?:\\.[*+?])?[^\\\\.\\[\\](){}*+?|^$]*(?:\\.[*+?])?\\$?");

  private final FieldCatalogue catalogue;
  private final List<ConditionProblem> warnings = new ArrayList<>();

  ConditionLint(FieldCatalogue catalogue) {
    this.catalogue = catalogue;
  }

  List<ConditionProblem> warnings(Condition condition) {
    visit(condition);
    return warnings;
  }

  private void visit(Condition condition) {
    switch (condition) {
      case Condition.And(List<Condition> operands) -> operands.forEach(this::visit);
      case Condition.Or(List<Condition> operands) -> operands.forEach(this::visit);
      case Condition.Not(Condition operand) -> visit(operand);
      case Condition.Comparison comparison -> comparison(comparison);
      case Condition.Exists exists -> {}
      case Condition.MacroReference macro -> {}
    }
  }

  private void comparison(Condition.Comparison comparison) {
    List<Operand.Literal> constants =
        switch (comparison.right()) {
          case Operand.Literal literal -> List.of(literal);
          case Operand.ValueList list -> list.items();
          case Operand.ListReference list -> List.of();
          case Operand.FieldOperand field -> List.of();
        };
    for (Operand.Literal constant : constants) {
      constant(constant);
      unsafeNotAvailable(comparison, constant);
      if (comparison.operator() == Operator.REGEX
          && PLAIN_REGEX.matcher(constant.text()).matches()) {
        warn(
            DiagnosticCode.LOAD_COMPILE_CONDITION,
            "'"
                + constant.text()
                + "' needs no regex: use '=', 'contains', 'startswith' or 'endswith' instead",
            constant);
      }
    }
  }

  private void constant(Operand.Literal constant) {
    String text = constant.text();
    if (catalogue.defines(text)) {
      warn(
          DiagnosticCode.LOAD_COMPILE_CONDITION,
          "'"
              + text
              + "' may be a valid field misused as a const string value: use val("
              + text
              + ") to compare with the field",
          constant);
    } else if (isTransformation(text)) {
      warn(
          DiagnosticCode.LOAD_COMPILE_CONDITION,
          "'" + text + "' may be a valid field transformer misused as a const string value",
          constant);
    }
  }

  private static boolean isTransformation(String text) {
    if (text.indexOf('(') < 0) {
      return false;
    }
    try {
      return ConditionParser.parseExpression(SourceText.of(text))
          instanceof Expression.Transformation;
    } catch (ConditionSyntaxException e) {
      return false;
    }
  }

  private void unsafeNotAvailable(Condition.Comparison comparison, Operand.Literal constant) {
    boolean equality =
        switch (comparison.operator()) {
          case EQUAL, DOUBLE_EQUAL, NOT_EQUAL, IN, INTERSECTS, PMATCH -> true;
          default -> false;
        };
    boolean unsafe =
        comparison.left() instanceof Expression.Field field
            && (field.name().startsWith("ka.") || field.name().startsWith("jevt."));
    if (equality && unsafe && constant.text().equals("<NA>")) {
      warn(
          DiagnosticCode.LOAD_UNSAFE_NA_CHECK,
          "comparing a field value with <NA> is unsafe: use the 'exists' operator",
          constant);
    }
  }

  private void warn(DiagnosticCode code, String message, Operand.Literal constant) {
    warnings.add(new ConditionProblem(code, message, constant.position()));
  }
}
