package io.meshward.rules;

import io.meshward.rules.Condition.Comparison;
import io.meshward.rules.Expression.Field;
import io.meshward.rules.Operand.FieldOperand;
import io.meshward.rules.Operand.Literal;
import io.meshward.rules.Operand.ValueList;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.Supplier;

/** Makes conditions that fit a small catalogue, and events for them, so that both often meet. */
final class TypedConditions {

  static final FieldCatalogue CATALOGUE =
      FieldCatalogue.builder()
          .field("text.a", FieldType.STRING)
          .field("text.b", FieldType.STRING)
          .field("number.a", FieldType.INT64)
          .field("number.b", FieldType.INT64)
          .field("count.a", FieldType.UINT64)
          .field("double.a", FieldType.DOUBLE)
          .field("truth.a", FieldType.BOOLEAN)
          .field("bytes.a", FieldType.BYTES)
          .field("address.a", FieldType.IP)
          .field("net.a", FieldType.NET)
          .list("texts.a", FieldType.STRING)
          .list("texts.b", FieldType.STRING)
          .list("numbers.a", FieldType.INT64)
          .open("any.")
          .build();

  private static final List<String> TEXTS =
      List.of("", "a", "A", "ab", "abc", "/usr/bin", "/usr/bin/x", "a*", "b", "é", "1", "10");
  private static final List<String> PATTERNS =
      List.of("a*", "*b*", "?", "[!a]", "/usr/*", "A?C", "");
  private static final List<String> REGEXES = List.of("a.*", "[ab]+", "(a|b)c?", "/usr/.*", "");
  private static final List<String> PATHS =
      List.of("/usr", "/usr/*/x", "usr/b*", "/", "a", "/usr/lib");
  private static final List<String> NUMBERS = List.of("-1", "0", "1", "2", "10");
  private static final List<String> COUNTS = List.of("0", "1", "2", "18446744073709551615");
  private static final List<String> ADDRESSES = List.of("10.0.0.1", "10.0.0.2", "::1", "fe80::1");
  private static final List<String> NETWORKS =
      List.of("10.0.0.0/8", "10.0.0.2/32", "::/0", "fe80::/10");
  private static final List<String> HEX = List.of("61", "6162", "");
  private static final List<String> FIELDS =
      CATALOGUE.fields().stream().map(FieldDefinition::name).toList();

  private final Random random;

  TypedConditions(Random random) {
    this.random = random;
  }

  Condition condition(int depth) {
    return switch (depth == 0 ? 3 : random.nextInt(5)) {
      case 0 -> new Condition.And(List.of(condition(depth - 1), condition(depth - 1)));
      case 1 -> new Condition.Or(List.of(condition(depth - 1), condition(depth - 1)));
      case 2 -> Condition.not(condition(depth - 1));
      default -> check();
    };
  }

  /** An event in which some of the fields are missing. */
  Map<String, Object> event() {
    Map<String, Object> event = new HashMap<>();
    for (FieldDefinition field : CATALOGUE.fields()) {
      maybe(event, field.name(), () -> field.list() ? list(field.type()) : value(field.type()));
    }
    for (String name : List.of("any.a", "any.b")) {
      maybe(
          event,
          name,
          () ->
              switch (random.nextInt(5)) {
                case 0 -> (long) random.nextInt(3);
                case 1 -> random.nextInt(4) / 2.0;
                case 2 -> random.nextBoolean();
                case 3 -> list(FieldType.STRING);
                default -> pick(TEXTS);
              });
    }
    return event;
  }

  private void maybe(Map<String, Object> event, String name, Supplier<Object> value) {
    if (random.nextInt(5) > 0) {
      event.put(name, value.get());
    }
  }

  private Object value(FieldType type) {
    return switch (type) {
      case INT64 -> Long.valueOf(pick(NUMBERS));
      case UINT64 -> random.nextInt(4) == 0 ? new java.math.BigInteger(pick(COUNTS)) : 1L;
      case DOUBLE -> random.nextInt(4) / 2.0;
      case BOOLEAN -> random.nextBoolean();
      case IP, NET -> pick(ADDRESSES);
      default -> pick(TEXTS);
    };
  }

  private List<Object> list(FieldType type) {
    return some(0, () -> value(type));
  }

  private Condition check() {
    String name = random.nextInt(4) == 0 ? pick(List.of("any.a", "any.b")) : pick(FIELDS);
    Expression left = new Field(name);
    FieldDefinition field = CATALOGUE.find(name).orElseThrow();
    FieldType type = field.type();
    boolean text = type == FieldType.STRING || type == FieldType.DYNAMIC;
    if (text && random.nextInt(6) == 0) {
      Transformer transformer =
          pick(List.of(Transformer.TOLOWER, Transformer.TOUPPER, Transformer.BASENAME));
      left =
          new Expression.Transformation(
              transformer, List.of(new Field(name)), Optional.empty(), Position.none());
      type = FieldType.STRING;
    }
    List<Operator> operators =
        field.list()
            ? List.of(Operator.IN, Operator.INTERSECTS)
            : List.copyOf(type.semantics().operators());
    if (random.nextInt(8) == 0) {
      return new Condition.Exists(left);
    }
    Operator operator = pick(operators);
    Optional<String> twin = twin(name);
    boolean relates = operator != Operator.PMATCH && operator != Operator.REGEX;
    if (twin.isPresent() && left instanceof Field && relates && random.nextInt(4) == 0) {
      return new Comparison(left, operator, new FieldOperand(new Field(twin.get())));
    }
    return withConstants(left, type, operator);
  }

  private Condition withConstants(Expression left, FieldType type, Operator operator) {
    Supplier<Literal> constant = () -> new Literal(constant(type, operator));
    return switch (operator.right()) {
      case NUMBER ->
          new Comparison(
              left, operator, new Literal(pick(type == FieldType.UINT64 ? COUNTS : NUMBERS)));
      case LIST ->
          new Comparison(left, operator, new ValueList(some(0, constant), Position.none()));
      case TEXT ->
          random.nextInt(3) == 0
              ? new Comparison(
                  left,
                  operator,
                  Optional.of(pick(List.of(Modifier.values()))),
                  new ValueList(some(0, constant), Position.none()))
              : new Comparison(left, operator, constant.get());
    };
  }

  private static Optional<String> twin(String name) {
    return switch (name) {
      case "text.a" -> Optional.of("text.b");
      case "number.a" -> Optional.of("number.b");
      case "texts.a" -> Optional.of("texts.b");
      case "any.a" -> Optional.of("any.b");
      case "any.b" -> Optional.of("text.a");
      default -> Optional.empty();
    };
  }

  private String constant(FieldType type, Operator operator) {
    return switch (type) {
      case INT64 -> pick(NUMBERS);
      case UINT64 -> pick(COUNTS);
      case DOUBLE -> pick(List.of("0", "0.5", "1", "1.5", "2e+0"));
      case BOOLEAN -> pick(List.of("true", "false"));
      case IP -> pick(ADDRESSES);
      case NET -> pick(NETWORKS);
      default ->
          switch (operator) {
            case GLOB, IGLOB -> pick(PATTERNS);
            case REGEX -> pick(REGEXES);
            case PMATCH -> pick(PATHS);
            case BCONTAINS, BSTARTSWITH -> pick(HEX);
            default -> pick(TEXTS);
          };
    };
  }

  private <T> List<T> some(int least, Supplier<T> each) {
    List<T> some = new ArrayList<>();
    for (int i = least + random.nextInt(3); i > 0; i--) {
      some.add(each.get());
    }
    return some;
  }

  private <T> T pick(List<T> from) {
    return from.get(random.nextInt(from.size()));
  }
}
