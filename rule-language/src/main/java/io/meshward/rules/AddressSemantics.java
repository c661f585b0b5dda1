package io.meshward.rules;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** IPv4 and IPv6 addresses; names are never resolved. */
final class AddressSemantics implements TypeSemantics {

  static final Set<Operator> OPERATORS =
      EnumSet.of(Operator.EQUAL, Operator.NOT_EQUAL, Operator.IN, Operator.INTERSECTS);

  @Override
  public String typeClass() {
    return "ip address and network";
  }

  @Override
  public Set<Operator> operators() {
    return OPERATORS;
  }

  @Override
  public @Nullable Object normalise(Object raw) {
    return switch (raw) {
      case InetAddress address -> address;
      case String text -> parse(text);
      default -> null;
    };
  }

  @Override
  public Object constant(String text, Dialect dialect) {
    InetAddress address = parse(text);
    if (address == null) {
      throw new IllegalArgumentException(
          "'" + text + "' is no IP address: expected an IPv4 or IPv6 literal");
    }
    return address;
  }

  /** The address of a literal, or null if it is none; an IPv4-mapped one is IPv4. */
  static @Nullable InetAddress parse(String text) {
    if (text.indexOf(':') >= 0) {
      try {
        return text.indexOf('%') >= 0 ? null : InetAddress.ofLiteral(text);
      } catch (IllegalArgumentException e) {
        return null;
      }
    }
    byte[] bytes = new byte[4];
    int part = 0;
    int value = -1;
    for (int i = 0; i <= text.length(); i++) {
      char c = i < text.length() ? text.charAt(i) : '.';
      if (c == '.') {
        if (value < 0 || part == 4) {
          return null;
        }
        bytes[part++] = (byte) value;
        value = -1;
      } else if (c >= '0' && c <= '9' && value != 0) {
        value = Math.max(value, 0) * 10 + (c - '0');
        if (value > 255) {
          return null;
        }
      } else {
        return null;
      }
    }
    if (part != 4) {
      return null;
    }
    try {
      return InetAddress.getByAddress(bytes);
    } catch (UnknownHostException e) {
      throw new IllegalStateException("four bytes are an IPv4 address", e);
    }
  }
}
