package io.meshward.rules;

import io.meshward.rules.Condition.Comparison;
import io.meshward.rules.Expression.Field;
import io.meshward.rules.Expression.Transformation;
import io.meshward.rules.Operand.FieldOperand;
import io.meshward.rules.Operand.ListReference;
import io.meshward.rules.Operand.Literal;
import io.meshward.rules.Operand.ValueList;
import io.meshward.rules.TransformerArgument.ArgumentList;
import io.meshward.rules.TransformerArgument.Constant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.Supplier;

/** Makes any condition that the grammar knows, whatever its fields mean. */
final class ConditionGenerator {

  private static final List<String> NAMES =
      List.of("a", "not_a", "andy", "inside", "existsx", "k8s", "B1_", "oneof", "tolower", "val");
  private static final List<String> TEXTS =
      List.of(
          "",
          " ",
          "a",
          "oneof",
          "and",
          "not",
          "val(a.b)",
          "tolower(a.b)",
          "it's",
          "say \"no\"",
          "\\",
          "a\\",
          "\\\"",
          "\t\n\r\b\f",
          "\u0001\u007f",
          "ü€😀",
          "(",
          "a,b",
          "a=b",
          "[x]",
          "#",
          "/var/*",
          "0x1f",
          "-1.5e+3",
          "%",
          "<NA>",
          "\u00a0",
          "\u2028");
  private static final List<String> NUMBERS =
      List.of("0", "-1", "+7", "0x1F", "1.5", "2e+10", "3.");

  private final Random random;

  ConditionGenerator(Random random) {
    this.random = random;
  }

  Condition condition(int depth) {
    return switch (depth == 0 ? 4 + random.nextInt(3) : random.nextInt(7)) {
      case 0 -> new Condition.And(some(2, () -> condition(depth - 1)));
      case 1 -> new Condition.Or(some(2, () -> condition(depth - 1)));
      case 2, 3 -> Condition.not(condition(depth - 1));
      case 4 -> new Condition.MacroReference(name(), Position.none());
      case 5 -> new Condition.Exists(expression(2));
      default -> comparison();
    };
  }

  private Comparison comparison() {
    Operator operator = pick(List.of(Operator.values()));
    boolean field = random.nextInt(4) == 0;
    return switch (operator.right()) {
      case NUMBER ->
          new Comparison(
              expression(2), operator, field ? fieldOperand() : new Literal(pick(NUMBERS)));
      case LIST -> new Comparison(expression(2), operator, field ? fieldOperand() : list());
      case TEXT ->
          random.nextBoolean()
              ? new Comparison(
                  expression(2), operator, Optional.of(pick(List.of(Modifier.values()))), list())
              : new Comparison(
                  expression(2), operator, field ? fieldOperand() : new Literal(pick(TEXTS)));
    };
  }

  private Operand list() {
    return random.nextInt(3) == 0
        ? new ListReference(name(), Position.none())
        : new ValueList(some(0, () -> new Literal(pick(TEXTS))), Position.none());
  }

  private Operand fieldOperand() {
    return new FieldOperand(expression(2));
  }

  private Expression expression(int depth) {
    if (depth == 0 || random.nextInt(3) > 0) {
      return new Field(name() + "." + name(), argument(), Position.none());
    }
    return new Transformation(
        pick(List.of(Transformer.values())),
        some(1, () -> transformerArgument(depth - 1)),
        argument(),
        Position.none());
  }

  private TransformerArgument transformerArgument(int depth) {
    return random.nextInt(4) == 0 ? new ArgumentList(some(0, () -> single(depth))) : single(depth);
  }

  private TransformerArgument single(int depth) {
    return switch (random.nextInt(3)) {
      case 0 -> new Constant(pick(TEXTS), false);
      case 1 -> new Constant(pick(NUMBERS), true);
      default -> expression(depth);
    };
  }

  private Optional<String> argument() {
    return random.nextInt(3) == 0 ? Optional.of(pick(TEXTS)) : Optional.empty();
  }

  private String name() {
    return pick(NAMES);
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
