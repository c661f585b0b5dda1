package io.meshward.daemon;

import org.jspecify.annotations.Nullable;

/**
 * Where and how a process answers HTTP.
 *
 * @param address where it listens; port 0 takes a free one
 * @param tls how it proves itself, and asks for proof; plain HTTP without it
 */
public record HttpConfig(
    HostPort address, @Nullable TlsConfig tls, @Default("{}") HttpLimits limits) {

  /** Plain HTTP with the default limits. */
  public static HttpConfig plain(HostPort address) {
    return new HttpConfig(address, null, HttpLimits.defaults());
  }
}
