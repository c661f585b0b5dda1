package io.meshward.rules;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Finds what compiles but was probably not meant. One use per condition. */
final class ConditionLint {

  private static final Pattern PLAIN_REGEX =
      Pattern.compile("(?:\\^|\\.[*+?])?[^\\\\.\\[\\](){}*+?|^$]*(?:\\$|\\.[*+?])?");
  private static final Pattern CALL =
      Pattern.compile(
          Stream.concat(
                  Stream.of("val"), Arrays.stream(Transformer.values()).map(Transformer::word))
              .collect(Collectors.joining("|", "(?:", ")\\(.*\\)")),
          Pattern.DOTALL);
  private static final Pattern SPACES = Pattern.compile("\\s+");

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
            "regex check with '"
                + constant.text()
                + "' may be optimized with simpler operators such as '=', 'contains',"
                + " 'startswith', 'endswith'",
            constant);
      }
    }
  }

  private void constant(Operand.Literal constant) {
    String text = constant.text();
    String solid = SPACES.matcher(text).replaceAll("");
    if (isField(solid)) {
      warn(
          DiagnosticCode.LOAD_COMPILE_CONDITION,
          "'"
              + text
              + "' may be a valid field misused as a const string value: use val("
              + solid
              + ") to compare with the field",
          constant);
    } else if (CALL.matcher(solid).matches()) {
      warn(
          DiagnosticCode.LOAD_COMPILE_CONDITION,
          "'" + text + "' may be a valid field transformer misused as a const string value",
          constant);
    }
  }

  /** Whether the text is a field as it may be written; names under open prefixes are none. */
  private boolean isField(String text) {
    try {
      return ConditionParser.parseExpression(SourceText.of(text)) instanceof Expression.Field field
          && catalogue.defines(field.name())
          && catalogue.reference(field.name(), field.argument()) != null;
    } catch (ConditionSyntaxException | IllegalArgumentException e) {
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
