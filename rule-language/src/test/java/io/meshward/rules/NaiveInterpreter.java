package io.meshward.rules;

import io.meshward.rules.Condition.Comparison;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Says what a condition means by walking over it, in the most obvious way: what the compiled
 * predicate is compared with.
 */
final class NaiveInterpreter {

  private final Map<String, Object> event;

  NaiveInterpreter(Map<String, Object> event) {
    this.event = event;
  }

  boolean holds(Condition condition) {
    return switch (condition) {
      case Condition.And(List<Condition> operands) -> operands.stream().allMatch(this::holds);
      case Condition.Or(List<Condition> operands) -> operands.stream().anyMatch(this::holds);
      case Condition.Not(Condition operand) -> !holds(operand);
      case Condition.Exists(Expression left) -> value(left) != null;
      case Condition.MacroReference macro -> throw new AssertionError(macro);
      case Comparison comparison -> comparison(comparison);
    };
  }

  private boolean comparison(Comparison comparison) {
    Object left = value(comparison.left());
    if (left == null) {
      return false;
    }
    Operator operator = comparison.operator();
    FieldType type = type(comparison.left());
    return switch (comparison.right()) {
      case Operand.Literal literal -> compare(type, left, operator, literal.text());
      case Operand.FieldOperand(Expression expression) -> {
        Object right = value(expression);
        yield right != null && related(type, left, operator, right);
      }
      case Operand.ListReference list -> throw new AssertionError(list);
      case Operand.ValueList list -> {
        List<String> texts = list.items().stream().map(Operand.Literal::text).toList();
        if (comparison.modifier().isPresent()) {
          long holding = texts.stream().filter(text -> compare(type, left, operator, text)).count();
          yield switch (comparison.modifier().get()) {
            case ONEOF -> holding == 1;
            case ANYOF -> holding >= 1;
            case ALLOF -> !texts.isEmpty() && holding == texts.size();
          };
        }
        if (operator == Operator.PMATCH) {
          yield left instanceof List<?>
              ? false
              : texts.stream().anyMatch(path -> isPathPrefix(path, text(left)));
        }
        yield left instanceof List<?> elements
            ? (operator == Operator.IN
                ? elements.stream().allMatch(element -> isIn(type, element, texts))
                : elements.stream().anyMatch(element -> isIn(type, element, texts)))
            : isIn(type, left, texts);
      }
    };
  }

  private boolean isIn(FieldType type, Object value, List<String> texts) {
    return texts.stream().anyMatch(text -> compare(type, value, Operator.EQUAL, text));
  }

  private boolean related(FieldType type, Object left, Operator operator, Object right) {
    if (left instanceof List<?> lefts && right instanceof List<?> rights) {
      List<String> texts = rights.stream().map(NaiveInterpreter::text).toList();
      return switch (operator) {
        case IN -> lefts.stream().allMatch(element -> texts.contains(text(element)));
        case INTERSECTS -> lefts.stream().anyMatch(element -> texts.contains(text(element)));
        default -> false;
      };
    }
    if (left instanceof List<?> || right instanceof List<?>) {
      return false;
    }
    Operator meant = operator.right() == Operator.Right.LIST ? Operator.EQUAL : operator;
    return compare(type, left, meant, text(right));
  }

  private boolean compare(FieldType type, Object left, Operator operator, String right) {
    if (left instanceof List<?>) {
      return false;
    }
    return switch (type) {
      case INT64, UINT64, DOUBLE -> ordered(number(left).compareTo(number(right)), operator);
      case IP -> (operator == Operator.NOT_EQUAL) != address(left).equals(address(right));
      case NET -> (operator == Operator.NOT_EQUAL) != isWithin(address(left), right);
      case DYNAMIC -> {
        if (operator.right() != Operator.Right.NUMBER) {
          yield texts(text(left), operator, right);
        }
        boolean numbers = isNumber(text(left)) && isNumber(right);
        yield numbers && ordered(number(text(left)).compareTo(number(right)), operator);
      }
      default -> texts(text(left), operator, right);
    };
  }

  private static boolean ordered(int order, Operator operator) {
    return switch (operator) {
      case EQUAL, DOUBLE_EQUAL -> order == 0;
      case NOT_EQUAL -> order != 0;
      case LESS -> order < 0;
      case LESS_OR_EQUAL -> order <= 0;
      case GREATER -> order > 0;
      case GREATER_OR_EQUAL -> order >= 0;
      default -> throw new AssertionError(operator);
    };
  }

  private static boolean texts(String left, Operator operator, String right) {
    return switch (operator) {
      case CONTAINS -> left.contains(right);
      case ICONTAINS -> left.toLowerCase(Locale.ROOT).contains(right.toLowerCase(Locale.ROOT));
      case STARTSWITH -> left.startsWith(right);
      case ENDSWITH -> left.endsWith(right);
      case REGEX -> Pattern.matches(right, left);
      case GLOB -> glob(right).matcher(left).matches();
      case IGLOB ->
          glob(right.toLowerCase(Locale.ROOT)).matcher(left.toLowerCase(Locale.ROOT)).matches();
      case BCONTAINS -> left.contains(hex(right));
      case BSTARTSWITH -> left.startsWith(hex(right));
      default ->
          ordered(
              Arrays.compareUnsigned(
                  left.getBytes(StandardCharsets.UTF_8), right.getBytes(StandardCharsets.UTF_8)),
              operator);
    };
  }

  private static String hex(String text) {
    return new String(HexFormat.of().parseHex(text), StandardCharsets.UTF_8);
  }

  static Pattern glob(String glob) {
    StringBuilder regex = new StringBuilder();
    for (int i = 0; i < glob.length(); i++) {
      char c = glob.charAt(i);
      switch (c) {
        case '*' -> regex.append(".*");
        case '?' -> regex.append('.');
        case '!' -> regex.append('^');
        case '[', ']' -> regex.append(c);
        default -> regex.append(Pattern.quote(String.valueOf(c)));
      }
    }
    return Pattern.compile(regex.toString(), Pattern.DOTALL);
  }

  private static boolean isPathPrefix(String prefix, String path) {
    List<String> prefixes = components(prefix);
    List<String> parts = components(path);
    if (prefixes.size() > parts.size()) {
      return false;
    }
    for (int i = 0; i < prefixes.size(); i++) {
      if (!glob(prefixes.get(i)).matcher(parts.get(i)).matches()) {
        return false;
      }
    }
    return true;
  }

  private static List<String> components(String path) {
    List<String> components = new ArrayList<>(Arrays.asList(path.split("/")));
    components.removeIf(String::isEmpty);
    return components;
  }

  private static boolean isWithin(InetAddress address, String network) {
    int slash = network.indexOf('/');
    byte[] bytes = address.getAddress();
    byte[] prefix = InetAddress.ofLiteral(network.substring(0, slash)).getAddress();
    int rest = bytes.length * 8 - Integer.parseInt(network.substring(slash + 1));
    return bytes.length == prefix.length
        && new BigInteger(1, bytes)
            .shiftRight(rest)
            .equals(new BigInteger(1, prefix).shiftRight(rest));
  }

  private static InetAddress address(Object value) {
    return InetAddress.ofLiteral(value.toString());
  }

  private static boolean isNumber(String text) {
    return text.matches("-?[0-9]+(\\.[0-9]+)?");
  }

  private static BigDecimal number(Object value) {
    return new BigDecimal(value.toString());
  }

  private static String text(Object value) {
    String text = value.toString();
    return value instanceof Double && text.endsWith(".0")
        ? text.substring(0, text.length() - 2)
        : text;
  }

  private static FieldType type(Expression expression) {
    return switch (expression) {
      case Expression.Field field ->
          TypedConditions.CATALOGUE.find(field.name()).orElseThrow().type();
      case Expression.Transformation transformation -> FieldType.STRING;
    };
  }

  private @Nullable Object value(Expression expression) {
    return switch (expression) {
      case Expression.Field field -> event.get(field.name());
      case Expression.Transformation transformation -> {
        Object value = value((Expression) transformation.arguments().getFirst());
        boolean list =
            TypedConditions.CATALOGUE
                .find(((Expression.Field) transformation.arguments().getFirst()).name())
                .orElseThrow()
                .list();
        yield switch (value) {
          case null -> null;
          case List<?> elements when list ->
              elements.stream()
                  .map(element -> transformed(transformation.transformer(), text(element)))
                  .toList();
          case List<?> elements -> null;
          default -> transformed(transformation.transformer(), text(value));
        };
      }
    };
  }

  private static String transformed(Transformer transformer, String text) {
    return switch (transformer) {
      case TOLOWER -> AsciiCase.lower(text);
      case TOUPPER -> AsciiCase.upper(text);
      case BASENAME -> text.replaceFirst(".*/", "");
      default -> throw new AssertionError(transformer);
    };
  }
}
