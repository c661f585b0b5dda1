package io.meshward.rules;

import java.net.InetAddress;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Addresses that are compared with networks in CIDR notation: equal means within. */
final class NetworkSemantics implements TypeSemantics {

  /** A network; the bits behind the prefix are ignored. */
  private record Network(InetAddress prefix, int bits) {

    static Network parse(String text) {
      int slash = text.indexOf('/');
      InetAddress address = slash < 0 ? null : AddressSemantics.parse(text.substring(0, slash));
      if (address == null) {
        throw new IllegalArgumentException(
            "unrecognized IP network '" + text + "': expected address/prefix length");
      }
      String bits = text.substring(slash + 1);
      int most = address.getAddress().length * 8;
      if (!bits.matches("[0-9]{1,3}") || Integer.parseInt(bits) > most) {
        throw new IllegalArgumentException(
            "invalid netmask '" + bits + "' in '" + text + "': expected 0 to " + most);
      }
      return new Network(address, Integer.parseInt(bits));
    }

    boolean contains(InetAddress candidate) {
      byte[] bytes = candidate.getAddress();
      byte[] address = prefix.getAddress();
      if (bytes.length != address.length) {
        return false;
      }
      for (int bit = 0; bit < bits; bit += 8) {
        int mask = bits - bit >= 8 ? 0xff : (0xff00 >> (bits - bit)) & 0xff;
        if (((bytes[bit / 8] ^ address[bit / 8]) & mask) != 0) {
          return false;
        }
      }
      return true;
    }
  }

  @Override
  public String typeClass() {
    return "ip address and network";
  }

  @Override
  public Set<Operator> operators() {
    return AddressSemantics.OPERATORS;
  }

  @Override
  public @Nullable Object normalise(Object raw) {
    return switch (raw) {
      case InetAddress address -> address;
      case String text -> AddressSemantics.parse(text);
      default -> null;
    };
  }

  @Override
  public Object constant(String text, Dialect dialect) {
    return Network.parse(text);
  }

  @Override
  public ValueTest comparison(Operator operator, String text, Dialect dialect) {
    Network network = Network.parse(text);
    return switch (operator.meaning()) {
      case EQUAL -> value -> network.contains((InetAddress) value);
      case NOT_EQUAL -> value -> !network.contains((InetAddress) value);
      default -> throw unsupported(operator);
    };
  }

  @Override
  public ValueTest listTest(Operator operator, List<String> texts, Dialect dialect) {
    List<Network> networks = texts.stream().map(Network::parse).toList();
    return value -> networks.stream().anyMatch(network -> network.contains((InetAddress) value));
  }

  @Override
  public Relation relation(Operator operator) {
    throw new IllegalArgumentException("networks do not support right-hand side fields");
  }
}
