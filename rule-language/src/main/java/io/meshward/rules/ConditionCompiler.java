package io.meshward.rules;

import io.meshward.rules.Condition.Comparison;
import io.meshward.rules.TypeSemantics.Relation;
import io.meshward.rules.TypeSemantics.ValueTest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Compiles resolved conditions against a catalogue of fields (semantics of Falco 0.44).
 *
 * <p>Logic is two-valued: a check whose field is missing is false whatever its operator, so {@code
 * a.b != x} is false and {@code not a.b = x} is true for an event without {@code a.b}.
 */
public final class ConditionCompiler {

  private final Dialect dialect;
  private final ExpressionCompiler expressions;
  private final List<ConditionProblem> errors = new ArrayList<>();

  private ConditionCompiler(FieldCatalogue catalogue, Dialect dialect) {
    this.dialect = dialect;
    this.expressions = new ExpressionCompiler(catalogue);
  }

  /**
   * Compiles in Meshward's dialect.
   *
   * @throws ConditionCompileException with every problem, if the condition does not fit
   */
  public static CompiledCondition compile(Condition condition, FieldCatalogue catalogue) {
    return compile(condition, catalogue, Dialect.MESHWARD);
  }

  /**
   * Compiles a condition whose macros and lists are resolved.
   *
   * @throws ConditionCompileException with every problem, if the condition does not fit
   */
  public static CompiledCondition compile(
      Condition condition, FieldCatalogue catalogue, Dialect dialect) {
    ConditionCompiler compiler = new ConditionCompiler(catalogue, dialect);
    EventTest test = compiler.test(condition);
    if (!compiler.errors.isEmpty()) {
      throw new ConditionCompileException(compiler.errors);
    }
    return new CompiledCondition(
        condition,
        test,
        compiler.expressions.fields(),
        new RequiredEqualities(catalogue).of(condition),
        new ConditionLint(catalogue).warnings(condition));
  }

  private EventTest test(Condition condition) {
    return switch (condition) {
      case Condition.And(List<Condition> operands) -> {
        EventTest[] tests = tests(operands);
        yield event -> {
          for (EventTest test : tests) {
            if (!test.test(event)) {
              return false;
            }
          }
          return true;
        };
      }
      case Condition.Or(List<Condition> operands) -> {
        EventTest[] tests = tests(operands);
        yield event -> {
          for (EventTest test : tests) {
            if (test.test(event)) {
              return true;
            }
          }
          return false;
        };
      }
      case Condition.Not(Condition operand) -> {
        EventTest test = test(operand);
        yield event -> !test.test(event);
      }
      case Condition.MacroReference macro ->
          problem("filter error: unexpected identifier '" + macro.name() + "'", macro.position());
      case Condition.Check check -> {
        try {
          yield check(check);
        } catch (IllegalArgumentException e) {
          yield problem(String.valueOf(e.getMessage()), check.left().position());
        }
      }
    };
  }

  private EventTest[] tests(List<Condition> operands) {
    EventTest[] tests = new EventTest[operands.size()];
    for (int i = 0; i < tests.length; i++) {
      tests[i] = test(operands.get(i));
    }
    return tests;
  }

  private EventTest problem(String message, Position position) {
    errors.add(new ConditionProblem(DiagnosticCode.LOAD_ERR_COMPILE_CONDITION, message, position));
    return event -> false;
  }

  private EventTest check(Condition.Check check) {
    Extraction left = expressions.compile(check.left());
    return switch (check) {
      case Condition.Exists exists -> event -> left.extract(event) != null;
      case Comparison comparison -> comparison(left, comparison);
    };
  }

  private EventTest comparison(Extraction left, Comparison comparison) {
    Operator operator = comparison.operator();
    TypeSemantics semantics = left.type().semantics();
    boolean listOperator = operator == Operator.IN || operator == Operator.INTERSECTS;
    if (left.list() && !listOperator) {
      throw new IllegalArgumentException("'" + operator + "' operator not supported list filters");
    }
    if (!semantics.operators().contains(operator.meaning())) {
      throw semantics.unsupported(operator);
    }
    return switch (operand(comparison.right())) {
      case Operand.Literal literal -> {
        ValueTest test = constantTest(semantics, operator, literal);
        yield event -> {
          Object value = left.extract(event);
          return value != null && test.test(value);
        };
      }
      case Operand.ValueList list when comparison.modifier().isPresent() ->
          modified(left, operator, comparison.modifier().get(), list);
      case Operand.ValueList list -> membership(left, operator, list);
      case Operand.ListReference list ->
          problem("filter error: undefined list '" + list.name() + "'", list.position());
      case Operand.FieldOperand(Expression expression) -> relation(left, comparison, expression);
    };
  }

  /** To Falco a name that no list has is a list of that one value. */
  private Operand operand(Operand right) {
    return right instanceof Operand.ListReference(String name, Position position)
            && dialect == Dialect.FALCO
        ? new Operand.ValueList(List.of(new Operand.Literal(name, position)), position)
        : right;
  }

  private ValueTest constantTest(
      TypeSemantics semantics, Operator operator, Operand.Literal literal) {
    try {
      return semantics.comparison(operator, withoutNul(literal.text()), dialect);
    } catch (IllegalArgumentException e) {
      problem(String.valueOf(e.getMessage()), literal.position());
      return value -> false;
    }
  }

  private EventTest modified(
      Extraction left, Operator operator, Modifier modifier, Operand.ValueList list) {
    ValueTest[] tests =
        list.items().stream()
            .map(item -> constantTest(left.type().semantics(), operator, item))
            .toArray(ValueTest[]::new);
    return event -> {
      Object value = left.extract(event);
      if (value == null) {
        return false;
      }
      long holds = Arrays.stream(tests).filter(test -> test.test(value)).count();
      return switch (modifier) {
        case ONEOF -> holds == 1;
        case ANYOF -> holds > 0;
        case ALLOF -> holds > 0 && holds == tests.length;
      };
    };
  }

  private EventTest membership(Extraction left, Operator operator, Operand.ValueList list) {
    TypeSemantics semantics = left.type().semantics();
    for (Operand.Literal item : list.items()) {
      constantTest(semantics, Operator.EQUAL, item);
    }
    if (!errors.isEmpty()) {
      return event -> false;
    }
    ValueTest test =
        semantics.listTest(
            operator, list.items().stream().map(Operand.Literal::text).toList(), dialect);
    return event -> {
      Object value = left.extract(event);
      return switch (value) {
        case null -> false;
        case List<?> values when operator != Operator.PMATCH ->
            eachOrAny(values, semantics, operator, test);
        default -> test.test(value);
      };
    };
  }

  /** {@code in} holds if every element does, so for none too; {@code intersects} if any does. */
  private static boolean eachOrAny(
      List<?> values, TypeSemantics semantics, Operator operator, ValueTest test) {
    boolean any = operator == Operator.INTERSECTS;
    for (Object raw : values) {
      Object element = raw == null ? null : semantics.normalise(raw);
      if ((element != null && test.test(element)) == any) {
        return any;
      }
    }
    return !any;
  }

  private EventTest relation(Extraction left, Comparison comparison, Expression expression) {
    Operator operator = comparison.operator();
    Extraction right = expressions.compile(expression);
    if (operator == Operator.PMATCH || operator == Operator.REGEX) {
      throw new IllegalArgumentException(
          "'" + operator + "' operator doesn't support right-hand side fields");
    }
    boolean dynamic = comparesDynamically(left, right);
    if (left.list() != right.list() || (left.type() != right.type() && !dynamic)) {
      throw new IllegalArgumentException(
          "field '"
              + comparison.left().canonical()
              + "' has type '"
              + left.typeName()
              + "' while the right-hand side field '"
              + expression.canonical()
              + "' has incompatible type '"
              + right.typeName()
              + "'");
    }
    TypeSemantics semantics = dynamic ? FieldType.DYNAMIC.semantics() : left.type().semantics();
    Relation relation = semantics.relation(operator);
    return event -> {
      Object leftValue = left.extract(event);
      Object rightValue = leftValue == null ? null : right.extract(event);
      if (leftValue == null || rightValue == null) {
        return false;
      }
      if (leftValue instanceof List<?> leftList && rightValue instanceof List<?> rightList) {
        Set<Object> members = normalised(rightList, semantics);
        boolean list = operator == Operator.IN || operator == Operator.INTERSECTS;
        return list && eachOrAny(leftList, semantics, operator, members::contains);
      }
      return relation.test(leftValue, rightValue);
    };
  }

  private static boolean comparesDynamically(Extraction left, Extraction right) {
    return (left.type() == FieldType.DYNAMIC && hasText(right.type()))
        || (right.type() == FieldType.DYNAMIC && hasText(left.type()));
  }

  private static boolean hasText(FieldType type) {
    return switch (type) {
      case BYTES, IP, NET -> false;
      case STRING, PATH, BOOLEAN, DOUBLE, PORT, ABSOLUTE_TIME, RELATIVE_TIME, DYNAMIC -> true;
      case INT8, INT16, INT32, INT64, UINT8, UINT16, UINT32, UINT64 -> true;
    };
  }

  private static Set<Object> normalised(List<?> values, TypeSemantics semantics) {
    Set<Object> normalised = new HashSet<>();
    for (@Nullable Object raw : values) {
      Object value = raw == null ? null : semantics.normalise(raw);
      if (value != null) {
        normalised.add(value);
      }
    }
    return normalised;
  }

  private static String withoutNul(String text) {
    if (text.indexOf('\0') >= 0) {
      throw new IllegalArgumentException(
          "a NUL character in the value \"" + text.replace("\0", "\\x00") + "\"");
    }
    return text;
  }
}
