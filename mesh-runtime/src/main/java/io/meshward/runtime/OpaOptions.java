package io.meshward.runtime;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * How to ask OPA (Open Policy Agent) about calls: its REST API on a port of this machine or on a
 * Unix socket. Immutable.
 */
public final class OpaOptions {
  private static final Duration TIMEOUT = Duration.ofMillis(50);
  private static final Duration CACHED_FOR = Duration.ofSeconds(1);
  private static final Pattern PATH = Pattern.compile("[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*");

  private final SocketAddress address;
  private final String path;
  private final Duration timeout;
  private final Duration cachedFor;
  private final List<String> headers;

  private OpaOptions(
      SocketAddress address,
      String path,
      Duration timeout,
      Duration cachedFor,
      List<String> headers) {
    this.address = address;
    this.path = path;
    this.timeout = timeout;
    this.cachedFor = cachedFor;
    this.headers = headers;
  }

  /**
   * OPA at an address, asked for {@code envoy/authz/allow}, the default of its Envoy plugin.
   *
   * @param address {@code unix:/absolute/path}, or {@code http://127.0.0.1:8181}: plain HTTP, and
   *     so to this machine only
   * @throws IllegalArgumentException naming the address and the forms that exist
   */
  public static OpaOptions at(String address) {
    return new OpaOptions(socket(address), "envoy/authz/allow", TIMEOUT, CACHED_FOR, List.of());
  }

  /**
   * Asks for another document: package and rule, with slashes between.
   *
   * @throws IllegalArgumentException if it is none
   */
  public OpaOptions path(String document) {
    if (!PATH.matcher(document).matches()) {
      throw new IllegalArgumentException(
          "'" + document + "' is no path of OPA: expected one such as envoy/authz/allow");
    }
    return new OpaOptions(address, document, timeout, cachedFor, headers);
  }

  /** How long an answer may take before the call is refused. Default: 50 ms. */
  public OpaOptions timeout(Duration limit) {
    if (limit.isNegative() || limit.isZero() || limit.compareTo(Duration.ofSeconds(10)) > 0) {
      throw new IllegalArgumentException(
          "OPA's timeout is " + limit + ": expected more than 0 and at most 10 s");
    }
    return new OpaOptions(address, path, limit, cachedFor, headers);
  }

  /**
   * How long an answer is used again for the same method, connection, headers and risk score. Only
   * answers that name the revision of a bundle are, and only until another revision shows. Default:
   * 1 second; zero for never.
   */
  public OpaOptions cachedFor(Duration time) {
    if (time.isNegative() || time.compareTo(Duration.ofMinutes(5)) > 0) {
      throw new IllegalArgumentException(
          "OPA's answers are cached for " + time + ": expected 0 to 5 minutes");
    }
    return new OpaOptions(address, path, timeout, time, headers);
  }

  /** The metadata keys that the input shows. Default: none, so that no secret is told. */
  public OpaOptions headers(String... keys) {
    return new OpaOptions(
        address,
        path,
        timeout,
        cachedFor,
        List.of(keys).stream().map(key -> key.toLowerCase(Locale.ROOT)).toList());
  }

  SocketAddress address() {
    return address;
  }

  String path() {
    return path;
  }

  Duration timeout() {
    return timeout;
  }

  Duration cachedFor() {
    return cachedFor;
  }

  List<String> headers() {
    return headers;
  }

  private static SocketAddress socket(String address) {
    if (address.startsWith("unix:/")) {
      return UnixDomainSocketAddress.of(Path.of(address.substring("unix:".length())));
    }
    try {
      URI uri = new URI(address);
      String host = uri.getHost();
      boolean plain =
          "http".equals(uri.getScheme())
              && host != null
              && uri.getPort() > 0
              && uri.getRawPath().isEmpty()
              && uri.getRawQuery() == null
              && uri.getRawUserInfo() == null;
      // "localhost" is the only name: others could be looked up to be anywhere.
      if (plain && (host.equals("localhost") || host.equals("127.0.0.1") || host.equals("[::1]"))) {
        return new InetSocketAddress(
            host.equals("localhost") ? InetAddress.getLoopbackAddress().getHostAddress() : host,
            uri.getPort());
      }
    } catch (URISyntaxException e) {
      throw malformed(address, e);
    }
    throw malformed(address, null);
  }

  private static IllegalArgumentException malformed(String address, @Nullable Exception cause) {
    return new IllegalArgumentException(
        "OPA's address is '" + address + "': expected unix:/absolute/path or http://127.0.0.1:PORT",
        cause);
  }
}
