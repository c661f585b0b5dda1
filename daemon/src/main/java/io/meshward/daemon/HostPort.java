package io.meshward.daemon;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where to listen or to connect: {@code 127.0.0.1:2801}, {@code [::1]:0}, {@code localhost:80}.
 *
 * @param host a name or an IP address, an IPv6 address without brackets
 * @param port 0 to 65535; to listen on 0 is to take any free port
 */
public record HostPort(String host, int port) {
  private static final Pattern FORM =
      Pattern.compile("(?:\\[([0-9a-fA-F:.%]+)]|([^:\\[\\]\\s/]+)):(\\d{1,5})");
  private static final Pattern IPV4 = Pattern.compile("\\d{1,3}(?:\\.\\d{1,3}){3}");

  public HostPort {
    if (host.isBlank() || port < 0 || port > 65_535) {
      throw new IllegalArgumentException(
          "host:port such as 127.0.0.1:2801, with a port from 0 to 65535");
    }
  }

  /**
   * Reads an address.
   *
   * @throws IllegalArgumentException saying what was expected
   */
  public static HostPort parse(String text) {
    Matcher matcher = FORM.matcher(text);
    if (!matcher.matches()) {
      throw new IllegalArgumentException("host:port such as 127.0.0.1:2801 or [::1]:2801");
    }
    String host = matcher.group(1) == null ? matcher.group(2) : matcher.group(1);
    return new HostPort(host, Integer.parseInt(matcher.group(3)));
  }

  /**
   * Whether only this machine reaches it. Of names only {@code localhost} counts: what another name
   * resolves to may change.
   */
  public boolean isLoopback() {
    if (host.equals("localhost")) {
      return true;
    }
    boolean literal = host.indexOf(':') >= 0 || IPV4.matcher(host).matches();
    return literal && InetAddress.ofLiteral(host).isLoopbackAddress();
  }

  /** The socket address, its name resolved. */
  public InetSocketAddress socketAddress() {
    return new InetSocketAddress(host, port);
  }

  @Override
  public String toString() {
    return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
  }
}
