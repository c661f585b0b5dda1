package io.meshward.embedded;

import java.math.BigInteger;
import java.net.InetAddress;
import java.util.Optional;

/** A range of addresses in CIDR notation. */
record AddressRange(int bits, BigInteger network, int prefix) {

  static Optional<AddressRange> parse(String text) {
    String[] parts = text.split("/", -1);
    if (parts.length != 2) {
      return Optional.empty();
    }
    try {
      byte[] address = InetAddress.ofLiteral(parts[0]).getAddress();
      int bits = address.length * 8;
      int prefix = Integer.parseInt(parts[1]);
      if (prefix < 0 || prefix > bits) {
        return Optional.empty();
      }
      int host = bits - prefix;
      return Optional.of(
          new AddressRange(
              bits, new BigInteger(1, address).shiftRight(host).shiftLeft(host), prefix));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  /** The other range lies in this one and is smaller. */
  boolean strictlyContains(AddressRange other) {
    return bits == other.bits
        && prefix < other.prefix
        && network.equals(other.network.shiftRight(bits - prefix).shiftLeft(bits - prefix));
  }
}
