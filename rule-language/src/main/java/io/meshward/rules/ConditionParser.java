package io.meshward.rules;

import io.meshward.rules.Condition.Comparison;
import io.meshward.rules.Expression.Field;
import io.meshward.rules.Expression.Transformation;
import io.meshward.rules.Operand.FieldOperand;
import io.meshward.rules.Operand.ListReference;
import io.meshward.rules.Operand.Literal;
import io.meshward.rules.Operand.ValueList;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * Parses conditions by recursive descent (grammar of Falco 0.44's filters; {@code
 * docs/rule-language.md} has it as EBNF). One use per text.
 */
public final class ConditionParser {

  /** A longer text is refused: 64 Ki characters. */
  public static final int MAX_LENGTH = 64 * 1024;

  /** Deeper nesting is refused; a parenthesis or transformer counts five, as in Falco. */
  public static final int MAX_DEPTH = 1000;

  private static final int LEVELS_OF_TRANSFORMER = 5;

  private static final Set<String> KEYWORDS = Set.of("and", "or", "not");

  private final ConditionLexer lexer;
  private int depth;

  private ConditionParser(SourceText source) {
    this.lexer = new ConditionLexer(source);
  }

  /**
   * Parses a whole condition.
   *
   * @throws ConditionSyntaxException if the text is no condition, too long or too deep
   */
  public static Condition parse(String text) {
    return parse(SourceText.of(text), MAX_LENGTH);
  }

  static Condition parse(SourceText source, int maxLength) {
    String text = source.text();
    if (text.length() > maxLength) {
      throw new ConditionSyntaxException(
          "condition has " + text.length() + " characters, at most " + maxLength + " are allowed",
          new Position(source, maxLength));
    }
    if (text.isBlank()) {
      throw new ConditionSyntaxException(
          "filter input string is empty: expected a condition", new Position(source, 0));
    }
    return new ConditionParser(source).parseWhole(ConditionParser::or);
  }

  /** A condition and how it joins another, to which it was appended. */
  record Appended(boolean isAnd, Condition condition) {}

  /** Parses {@code and …} or {@code or …}. */
  static Appended parseAppended(SourceText source) {
    return new ConditionParser(source).parseWhole(ConditionParser::appended);
  }

  /** Parses a field or a transformer's call that stands alone, as in exceptions and outputs. */
  static Expression parseExpression(SourceText source) {
    return new ConditionParser(source)
        .parseWhole(
            parser ->
                parser
                    .expression()
                    .orElseThrow(() -> parser.error("expected a field or a transformer")));
  }

  /** Parses the longest field or transformer's call at an index, and tells where it ends. */
  static Optional<Parsed> parseExpressionAt(SourceText source, int index) {
    ConditionParser parser = new ConditionParser(source);
    parser.lexer.reset(index);
    return parser.expression().map(found -> new Parsed(found, parser.lexer.cursor()));
  }

  /** An expression and the index after it. */
  record Parsed(Expression expression, int end) {}

  private <T> T parseWhole(Function<ConditionParser, T> production) {
    T parsed = production.apply(this);
    lexer.blanks();
    if (!lexer.atEnd()) {
      String last = lexer.lastToken();
      throw error("unexpected token after '" + last + "', expecting 'or', 'and'");
    }
    return parsed;
  }

  private Appended appended() {
    lexer.blanks();
    boolean isAnd = lexer.accept("and");
    if (!isAnd && !lexer.accept("or")) {
      throw error("an appended condition starts with 'and' or 'or'");
    }
    if (!lexer.blanks() && !lexer.at("(")) {
      throw error("expected a blank or '(' after '" + (isAnd ? "and" : "or") + "'");
    }
    return new Appended(isAnd, or());
  }

  private Condition or() {
    List<Condition> operands = operands("or", this::and);
    return operands.size() == 1 ? operands.getFirst() : new Condition.Or(operands);
  }

  private Condition and() {
    List<Condition> operands = operands("and", this::negation);
    return operands.size() == 1 ? operands.getFirst() : new Condition.And(operands);
  }

  private List<Condition> operands(String word, Supplier<Condition> operand) {
    enter();
    List<Condition> operands = new ArrayList<>();
    operands.add(operand.get());
    lexer.blanks();
    while (lexer.accept(word)) {
      if (lexer.blanks()) {
        operands.add(operand.get());
      } else if (lexer.accept("(")) {
        operands.add(untilParenthesis());
      } else {
        throw error("expected a blank or '(' after '" + word + "'");
      }
      lexer.blanks();
    }
    leave();
    return operands;
  }

  private Condition negation() {
    enter();
    lexer.blanks();
    boolean negated = false;
    while (lexer.acceptWithBlank("not")) {
      negated = !negated;
    }
    Condition operand;
    if (lexer.accept("not(")) {
      negated = !negated;
      operand = untilParenthesis();
    } else {
      operand = check();
    }
    leave();
    return negated ? Condition.not(operand) : operand;
  }

  private Condition untilParenthesis() {
    enter();
    Condition inner = or();
    lexer.blanks();
    if (!lexer.accept(")")) {
      throw error("expected a ')' token");
    }
    leave();
    return inner;
  }

  private Condition check() {
    enter();
    lexer.blanks();
    Condition check;
    if (lexer.accept("(")) {
      check = untilParenthesis();
    } else {
      Optional<Expression> left = expression();
      check = left.isPresent() ? comparison(left.get()) : macro();
    }
    leave();
    return check;
  }

  private Condition macro() {
    int start = lexer.cursor();
    Optional<String> name = lexer.identifier().filter(word -> !KEYWORDS.contains(word));
    if (name.isEmpty()) {
      lexer.reset(start);
      throw error("expected a '(' token, a field check, or an identifier");
    }
    if (lexer.at("(")) {
      lexer.reset(start);
      throw error("'" + name.get() + "' is no transformer, expected one of " + transformers());
    }
    return new Condition.MacroReference(name.get(), lexer.position(start));
  }

  private Optional<Expression> expression() {
    int start = lexer.cursor();
    Optional<Transformer> transformer = lexer.identifier().flatMap(Transformer::named);
    if (transformer.isPresent() && lexer.accept("(")) {
      return Optional.of(transformation(transformer.get(), start));
    }
    lexer.reset(start);
    return field().map(Function.identity());
  }

  private Optional<Field> field() {
    Position position = lexer.position();
    return lexer.fieldName().map(name -> new Field(name, bracketed(), position));
  }

  private Optional<String> bracketed() {
    if (!lexer.accept("[")) {
      return Optional.empty();
    }
    Optional<String> argument = lexer.quoted().or(lexer::bareArgument);
    if (argument.isEmpty()) {
      throw error("expected a valid field argument: a quoted string or a bare string");
    }
    if (!lexer.accept("]")) {
      throw error("expected a ']' token");
    }
    return argument;
  }

  private Transformation transformation(Transformer transformer, int start) {
    enter(LEVELS_OF_TRANSFORMER);
    List<TransformerArgument> arguments = new ArrayList<>();
    do {
      arguments.add(spaced(this::argument));
    } while (lexer.accept(","));
    if (!lexer.accept(")")) {
      throw error("expected a ',' or ')' token after an argument of '" + transformer + "'");
    }
    depth -= LEVELS_OF_TRANSFORMER;
    return new Transformation(transformer, arguments, bracketed(), lexer.position(start));
  }

  private TransformerArgument argument() {
    if (!lexer.accept("(")) {
      return singleArgument();
    }
    List<TransformerArgument> elements = new ArrayList<>();
    lexer.blanks();
    if (!lexer.accept(")")) {
      do {
        elements.add(spaced(this::singleArgument));
      } while (lexer.accept(","));
      if (!lexer.accept(")")) {
        throw error("expected a ',' or ')' token in a list of arguments");
      }
    }
    return new TransformerArgument.ArgumentList(elements);
  }

  private TransformerArgument singleArgument() {
    return expression()
        .<TransformerArgument>map(Function.identity())
        .or(() -> lexer.quoted().map(text -> new TransformerArgument.Constant(text, false)))
        .or(() -> lexer.number().map(text -> new TransformerArgument.Constant(text, true)))
        .orElseThrow(() -> error("expected a field, a transformer, a quoted string or a number"));
  }

  private <T> T spaced(Supplier<T> production) {
    lexer.blanks();
    T parsed = production.get();
    lexer.blanks();
    return parsed;
  }

  private Condition comparison(Expression left) {
    lexer.blanks();
    if (lexer.accept("exists")) {
      return new Condition.Exists(left);
    }
    for (Operator operator : Operator.values()) {
      boolean found =
          operator.needsBlank()
              ? lexer.acceptWithBlank(operator.symbol())
              : lexer.accept(operator.symbol());
      if (found) {
        boolean blank = lexer.blanks() || operator.needsBlank();
        return switch (operator.right()) {
          case NUMBER -> new Comparison(left, operator, numberOperand());
          case LIST -> new Comparison(left, operator, listOperand());
          case TEXT -> textComparison(left, operator, blank);
        };
      }
    }
    throw error("expected a valid check operator: one of " + operators());
  }

  private Comparison textComparison(Expression left, Operator operator, boolean blank) {
    int start = lexer.cursor();
    if (blank) {
      for (Modifier modifier : Modifier.values()) {
        if (lexer.acceptWithBlank(modifier.word())) {
          Optional<Operand> list = list().or(this::listName);
          if (list.isPresent()) {
            return new Comparison(left, operator, Optional.of(modifier), list.get());
          }
          lexer.reset(start);
        }
      }
    }
    Optional<Operand> right = fieldOperand().or(() -> literal().map(Function.identity()));
    return new Comparison(
        left,
        operator,
        right.orElseThrow(() -> error("expected a value or a field after '" + operator + "'")));
  }

  private Operand numberOperand() {
    Position position = lexer.position();
    return fieldOperand()
        .or(() -> lexer.number().map(text -> new Literal(text, position)))
        .orElseThrow(() -> error("expected a number value or a field"));
  }

  private Operand listOperand() {
    return fieldOperand()
        .or(this::list)
        .or(this::listName)
        .orElseThrow(() -> error("expected a list in parentheses or a list's name"));
  }

  private Optional<Operand> fieldOperand() {
    int start = lexer.cursor();
    if (lexer.accept("val(")) {
      Field field =
          spaced(this::field)
              .orElseThrow(() -> error("expected a field within 'val(…)', which is not nestable"));
      if (!lexer.accept(")")) {
        throw error("expected a ')' token");
      }
      return Optional.of(new FieldOperand(field));
    }
    Optional<Transformer> transformer = lexer.identifier().flatMap(Transformer::named);
    if (transformer.isPresent() && lexer.accept("(")) {
      return Optional.of(new FieldOperand(transformation(transformer.get(), start)));
    }
    lexer.reset(start);
    return Optional.empty();
  }

  private Optional<Literal> literal() {
    Position position = lexer.position();
    return lexer.quoted().or(lexer::bareValue).map(text -> new Literal(text, position));
  }

  private Optional<Operand> list() {
    Position position = lexer.position();
    if (!lexer.accept("(")) {
      return Optional.empty();
    }
    List<Literal> items = new ArrayList<>();
    lexer.blanks();
    if (!lexer.accept(")")) {
      do {
        items.add(spaced(this::literal).orElseThrow(() -> error("expected a value in a list")));
      } while (lexer.accept(","));
      if (!lexer.accept(")")) {
        throw error("expected a ',' or ')' token in a list");
      }
    }
    return Optional.of(new ValueList(items, position));
  }

  private Optional<Operand> listName() {
    int start = lexer.cursor();
    Position position = lexer.position();
    Optional<String> name = lexer.identifier().filter(word -> !KEYWORDS.contains(word));
    if (name.isEmpty()) {
      lexer.reset(start);
    }
    return name.map(word -> new ListReference(word, position));
  }

  private void enter() {
    enter(1);
  }

  private void enter(int levels) {
    depth += levels;
    if (depth > MAX_DEPTH) {
      throw error("exceeded max depth limit of " + MAX_DEPTH);
    }
  }

  private void leave() {
    depth--;
  }

  private ConditionSyntaxException error(String message) {
    return new ConditionSyntaxException(message, lexer.position());
  }

  private static String operators() {
    return "exists, "
        + Arrays.stream(Operator.values()).map(Operator::symbol).collect(Collectors.joining(", "));
  }

  private static String transformers() {
    return Arrays.stream(Transformer.values())
        .map(Transformer::word)
        .collect(Collectors.joining(", "));
  }
}
