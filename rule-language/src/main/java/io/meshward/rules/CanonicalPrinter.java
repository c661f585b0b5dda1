package io.meshward.rules;

import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** Prints conditions so that parsing the text gives an equal condition. */
final class CanonicalPrinter {

  private final StringBuilder out = new StringBuilder();

  private CanonicalPrinter() {}

  static String print(Condition condition) {
    CanonicalPrinter printer = new CanonicalPrinter();
    printer.condition(condition);
    return printer.out.toString();
  }

  static String print(Expression expression) {
    CanonicalPrinter printer = new CanonicalPrinter();
    printer.argument(expression);
    return printer.out.toString();
  }

  /** A value of a condition, quoted if need be. */
  static String printValue(String text) {
    CanonicalPrinter printer = new CanonicalPrinter();
    printer.value(text);
    return printer.out.toString();
  }

  private void condition(Condition condition) {
    switch (condition) {
      case Condition.And(List<Condition> operands) -> joined(operands, " and ");
      case Condition.Or(List<Condition> operands) -> joined(operands, " or ");
      case Condition.Not(Condition operand) -> {
        out.append("not ");
        condition(operand);
      }
      case Condition.MacroReference macro -> out.append(macro.name());
      case Condition.Exists(Expression left) -> {
        argument(left);
        out.append(" exists");
      }
      case Condition.Comparison comparison -> comparison(comparison);
    }
  }

  private void joined(List<Condition> operands, String word) {
    out.append('(');
    condition(operands.getFirst());
    for (Condition operand : operands.subList(1, operands.size())) {
      out.append(word);
      condition(operand);
    }
    out.append(')');
  }

  private void comparison(Condition.Comparison comparison) {
    argument(comparison.left());
    out.append(' ').append(comparison.operator().symbol()).append(' ');
    comparison.modifier().ifPresent(modifier -> out.append(modifier.word()).append(' '));
    switch (comparison.right()) {
      case Operand.Literal literal -> value(literal.text());
      case Operand.ValueList list -> enclosed(list.items(), ", ", item -> value(item.text()));
      case Operand.ListReference list -> out.append(list.name());
      case Operand.FieldOperand(Expression.Field field) -> {
        out.append("val(");
        argument(field);
        out.append(')');
      }
      case Operand.FieldOperand(Expression.Transformation transformation) ->
          argument(transformation);
    }
  }

  private void argument(TransformerArgument argument) {
    switch (argument) {
      case Expression.Field field -> {
        out.append(field.name());
        bracketed(field.argument());
      }
      case Expression.Transformation transformation -> {
        out.append(transformation.transformer().word());
        enclosed(transformation.arguments(), ", ", this::argument);
        bracketed(transformation.selector());
      }
      case TransformerArgument.Constant(String text, boolean number) -> {
        if (number) {
          out.append(text);
        } else {
          quoted(text);
        }
      }
      case TransformerArgument.ArgumentList(List<TransformerArgument> elements) ->
          enclosed(elements, ", ", this::argument);
    }
  }

  private <T> void enclosed(List<T> elements, String separator, Consumer<T> print) {
    out.append('(');
    for (Iterator<T> each = elements.iterator(); each.hasNext(); ) {
      print.accept(each.next());
      if (each.hasNext()) {
        out.append(separator);
      }
    }
    out.append(')');
  }

  private void bracketed(Optional<String> argument) {
    argument.ifPresent(
        text -> {
          out.append('[');
          if (!text.isEmpty() && text.chars().allMatch(ConditionLexer::isBareArgument)) {
            out.append(text);
          } else {
            quoted(text);
          }
          out.append(']');
        });
  }

  private void value(String text) {
    if (isBare(text)) {
      out.append(text);
    } else {
      quoted(text);
    }
  }

  /** Falco quotes what holds blanks, quotes, backslashes or control characters. */
  private static boolean isBare(String text) {
    return !text.isEmpty()
        && text.chars().allMatch(c -> ConditionLexer.isBareValue(c) && c != '\\' && c >= ' ');
  }

  private void quoted(String text) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\b' -> out.append("\\b");
        case '\f' -> out.append("\\f");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        default -> {
          if (c < ' ' || c == 0x7f) {
            out.append(String.format("\\x%02X", (int) c));
          } else {
            out.append(c);
          }
        }
      }
    }
    out.append('"');
  }
}
