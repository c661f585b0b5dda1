package io.meshward.rules;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Bytes, as {@link ByteBuffer} whose content is its identity. */
final class BytesSemantics implements TypeSemantics {

  private static final Set<Operator> OPERATORS =
      EnumSet.of(
          Operator.EQUAL,
          Operator.NOT_EQUAL,
          Operator.CONTAINS,
          Operator.BCONTAINS,
          Operator.STARTSWITH,
          Operator.BSTARTSWITH,
          Operator.ENDSWITH,
          Operator.IN,
          Operator.INTERSECTS);

  @Override
  public String typeClass() {
    return "buffer";
  }

  @Override
  public Set<Operator> operators() {
    return OPERATORS;
  }

  @Override
  public @Nullable Object normalise(Object raw) {
    return switch (raw) {
      case byte[] bytes -> ByteBuffer.wrap(bytes);
      case ByteBuffer bytes -> bytes;
      case String text -> bytes(text);
      default -> null;
    };
  }

  @Override
  public Object constant(String text, Dialect dialect) {
    return bytes(text);
  }

  @Override
  public ValueTest comparison(Operator operator, String text, Dialect dialect) {
    return switch (operator) {
      case BCONTAINS -> {
        ByteBuffer bytes = hexadecimal(operator, text);
        yield value -> indexOf((ByteBuffer) value, bytes) >= 0;
      }
      case BSTARTSWITH -> {
        ByteBuffer bytes = hexadecimal(operator, text);
        yield value -> matchesAt((ByteBuffer) value, 0, bytes);
      }
      default -> TypeSemantics.super.comparison(operator, text, dialect);
    };
  }

  @Override
  public Relation relation(Operator operator) {
    return switch (operator.meaning()) {
      case CONTAINS, BCONTAINS ->
          (left, right) -> indexOf((ByteBuffer) left, (ByteBuffer) right) >= 0;
      case STARTSWITH, BSTARTSWITH ->
          (left, right) -> matchesAt((ByteBuffer) left, 0, (ByteBuffer) right);
      case ENDSWITH ->
          (left, right) -> {
            ByteBuffer whole = (ByteBuffer) left;
            ByteBuffer end = (ByteBuffer) right;
            return matchesAt(whole, whole.remaining() - end.remaining(), end);
          };
      default -> TypeSemantics.super.relation(operator);
    };
  }

  private static ByteBuffer bytes(String text) {
    return ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
  }

  private static ByteBuffer hexadecimal(Operator operator, String text) {
    try {
      return ByteBuffer.wrap(HexFormat.of().parseHex(text));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "'"
              + operator
              + "' operators support hex strings only: expected pairs of hexadecimal digits, found"
              + " '"
              + text
              + "'",
          e);
    }
  }

  private static int indexOf(ByteBuffer whole, ByteBuffer part) {
    for (int start = 0; start <= whole.remaining() - part.remaining(); start++) {
      if (matchesAt(whole, start, part)) {
        return start;
      }
    }
    return -1;
  }

  private static boolean matchesAt(ByteBuffer whole, int start, ByteBuffer part) {
    return start >= 0
        && start + part.remaining() <= whole.remaining()
        && whole.slice(whole.position() + start, part.remaining()).equals(part);
  }
}
