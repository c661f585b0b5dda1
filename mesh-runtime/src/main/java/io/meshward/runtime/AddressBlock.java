package io.meshward.runtime;

import io.grpc.netty.shaded.io.netty.util.NetUtil;

/**
 * IP addresses that share a prefix: {@code 10.0.0.0/8}, {@code 2001:db8::/32}, or one address.
 * Immutable; matching allocates nothing.
 */
final class AddressBlock {
  private final byte[] network;
  private final int prefixBits;

  private AddressBlock(byte[] network, int prefixBits) {
    this.network = network;
    this.prefixBits = prefixBits;
  }

  /**
   * Reads a block; no name is ever looked up.
   *
   * @throws IllegalArgumentException naming the text, also if bits behind the prefix are set, since
   *     its author meant something else
   */
  static AddressBlock parse(String text) {
    int slash = text.indexOf('/');
    byte[] address =
        NetUtil.createByteArrayFromIpAddressString(slash < 0 ? text : text.substring(0, slash));
    if (address == null) {
      throw malformed(text);
    }
    int bits = 8 * address.length;
    if (slash >= 0) {
      String digits = text.substring(slash + 1);
      if (!digits.matches("[0-9]{1,3}") || Integer.parseInt(digits) > bits) {
        throw malformed(text);
      }
      bits = Integer.parseInt(digits);
    }
    for (int bit = bits; bit < 8 * address.length; bit++) {
      if ((address[bit / 8] >> (7 - bit % 8) & 1) != 0) {
        throw new IllegalArgumentException(
            "'" + text + "' has bits set behind its prefix of " + bits + " bits");
      }
    }
    return new AddressBlock(address, bits);
  }

  private static IllegalArgumentException malformed(String text) {
    return new IllegalArgumentException(
        "'"
            + text
            + "' is no IP address: expected one such as 10.1.2.3, or a block such as"
            + " 10.0.0.0/8");
  }

  /** Whether an address, in network order, is in the block. */
  boolean contains(byte[] address) {
    if (address.length != network.length) {
      return false;
    }
    int whole = prefixBits / 8;
    for (int i = 0; i < whole; i++) {
      if (address[i] != network[i]) {
        return false;
      }
    }
    int rest = prefixBits % 8;
    return rest == 0 || ((address[whole] ^ network[whole]) & 0xff) >> (8 - rest) == 0;
  }
}
