package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.grpc.netty.shaded.io.netty.util.NetUtil;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.naming.InvalidNameException;
import javax.naming.ldap.LdapName;
import javax.security.auth.x500.X500Principal;

/**
 * The names that an authority may certify (RFC 5280 4.2.1.10). The JDK judges them by other rules:
 * it takes a common name for a host name, fails on a trust domain that is no host name, such as one
 * with an underscore (SPIFFE-ID 2.1), and where what is permitted is excluded too, it forgets that
 * only that was permitted. Immutable.
 *
 * @param permitted of the names of a kind that occurs here, each has to lie in one of these
 * @param excluded no name may lie in one of these
 */
record NameConstraints(List<Subtree> permitted, List<Subtree> excluded) {
  static final String EXTENSION = "2.5.29.30";

  private static final int SEQUENCE = 0x30;
  private static final int PERMITTED = 0xa0;
  private static final int EXCLUDED = 0xa1;
  private static final int TAG_NUMBER = 0x1f;
  private static final int MAIL = 1;
  private static final int DNS = 2;
  private static final int DIRECTORY = 4;
  private static final int URI = 6;
  private static final int ADDRESS = 7;
  private static final Pattern AUTHORITY =
      Pattern.compile("[^:/?#]+://(?:[^/?#]*@)?([^/?#:@]+|\\[[^/?#]*])(?::[0-9]*)?(?![^/?#])");
  private static final String MAIL_ATTRIBUTE = "1.2.840.113549.1.9.1=";

  /**
   * All names of one kind that lie below a base.
   *
   * @param kind the tag of a GeneralName
   * @param base of an address and its mask the bytes in hexadecimal; else the name in lower case
   */
  record Subtree(int kind, String base) {
    private boolean contains(String name) throws CertificateParsingException {
      return switch (kind) {
        case MAIL -> isMailIn(name, base);
        case DNS -> base.isEmpty() || isHostIn(name, base, true);
        case URI -> isHostIn(host(name), base, false);
        case DIRECTORY ->
            directory(new X500Principal(name).getName(X500Principal.CANONICAL))
                .startsWith(directory(base));
        case ADDRESS -> isAddressIn(name, HexFormat.of().parseHex(base));
        default ->
            throw new CertificateParsingException("names of kind " + kind + " are constrained");
      };
    }
  }

  NameConstraints {
    permitted = List.copyOf(permitted);
    excluded = List.copyOf(excluded);
  }

  /** Whether a certificate has any. */
  static boolean areIn(X509Certificate authority) {
    return authority.getExtensionValue(EXTENSION) != null;
  }

  /**
   * Those of an authority; empty ones if it has none.
   *
   * @throws CertificateParsingException if they cannot be read
   */
  static NameConstraints of(X509Certificate authority) throws CertificateParsingException {
    byte[] extension = authority.getExtensionValue(EXTENSION);
    List<Subtree> permitted = new ArrayList<>();
    List<Subtree> excluded = new ArrayList<>();
    if (extension != null) {
      byte[] sequence = Certificates.value(Certificates.unwrapOctetString(extension), SEQUENCE);
      if (sequence == null) {
        throw new CertificateParsingException("name constraints that are no sequence");
      }
      for (byte[] part : elements(sequence)) {
        switch (tag(part)) {
          case PERMITTED -> permitted.addAll(subtrees(content(part)));
          case EXCLUDED -> excluded.addAll(subtrees(content(part)));
          default -> throw new CertificateParsingException("neither permitted nor excluded");
        }
      }
    }
    return new NameConstraints(permitted, excluded);
  }

  /**
   * Whether they allow every name of a certificate below.
   *
   * @throws CertificateParsingException if a name is of a kind that is constrained and cannot be
   *     judged; it must then be refused
   */
  boolean allow(X509Certificate certificate) throws CertificateParsingException {
    X500Principal subject = certificate.getSubjectX500Principal();
    if (!subject.getName().isEmpty() && !allow(DIRECTORY, subject.getName())) {
      return false;
    }
    Collection<List<?>> names = certificate.getSubjectAlternativeNames();
    if (names == null) {
      // An address in the subject counts then. Nobody needs one in a mesh: any is one too many.
      return !constrain(MAIL) || !subject.getName().contains(MAIL_ATTRIBUTE);
    }
    for (List<?> name : names) {
      int kind = (Integer) name.get(0);
      if (constrain(kind) && !(name.get(1) instanceof String text && allow(kind, text))) {
        return false;
      }
    }
    return true;
  }

  private boolean constrain(int kind) {
    return permitted.stream().anyMatch(each -> each.kind() == kind)
        || excluded.stream().anyMatch(each -> each.kind() == kind);
  }

  private boolean allow(int kind, String name) throws CertificateParsingException {
    for (Subtree each : excluded) {
      if (each.kind() == kind && each.contains(name)) {
        return false;
      }
    }
    boolean free = true;
    for (Subtree each : permitted) {
      if (each.kind() == kind) {
        if (each.contains(name)) {
          return true;
        }
        free = false;
      }
    }
    return free;
  }

  private static boolean isMailIn(String mail, String base) {
    int at = mail.lastIndexOf('@');
    return base.contains("@")
        ? mail.equalsIgnoreCase(base)
        : at >= 0 && isHostIn(mail.substring(at + 1), base, false);
  }

  /**
   * @param withSubdomains whether a base without a dot before it includes what is below it, as for
   *     names of the DNS; else it is that host alone
   */
  private static boolean isHostIn(String host, String base, boolean withSubdomains) {
    String name = host.toLowerCase(Locale.ROOT);
    return base.startsWith(".")
        ? name.endsWith(base) && name.length() > base.length()
        : name.equals(base) || (withSubdomains && name.endsWith("." + base));
  }

  private static String host(String uri) throws CertificateParsingException {
    Matcher authority = AUTHORITY.matcher(uri);
    if (!authority.lookingAt()) {
      throw new CertificateParsingException("a URI without a host, and URIs are constrained");
    }
    return authority.group(1);
  }

  private static boolean isAddressIn(String name, byte[] base) {
    byte[] address = NetUtil.createByteArrayFromIpAddressString(name);
    if (address == null || base.length != 2 * address.length) {
      return false;
    }
    for (int i = 0; i < address.length; i++) {
      if (((address[i] ^ base[i]) & base[address.length + i]) != 0) {
        return false;
      }
    }
    return true;
  }

  /** The most significant part first. */
  private static LdapName directory(String name) throws CertificateParsingException {
    try {
      return new LdapName(name);
    } catch (InvalidNameException e) {
      throw new CertificateParsingException("a directory name that cannot be read", e);
    }
  }

  private static List<Subtree> subtrees(byte[] der) throws CertificateParsingException {
    List<Subtree> subtrees = new ArrayList<>();
    for (byte[] subtree : elements(der)) {
      List<byte[]> parts = elements(content(subtree));
      if (tag(subtree) != SEQUENCE || parts.size() != 1) {
        throw new CertificateParsingException("a subtree that is more than its base");
      }
      int kind = tag(parts.get(0)) & TAG_NUMBER;
      byte[] base = content(parts.get(0));
      subtrees.add(
          new Subtree(
              kind,
              switch (kind) {
                case DIRECTORY -> new X500Principal(base).getName(X500Principal.CANONICAL);
                case ADDRESS -> HexFormat.of().formatHex(base);
                default -> new String(base, US_ASCII).toLowerCase(Locale.ROOT);
              }));
    }
    return subtrees;
  }

  /** The DER elements that follow one another. */
  private static List<byte[]> elements(byte[] der) throws CertificateParsingException {
    List<byte[]> elements = new ArrayList<>();
    for (int start = 0; start < der.length; ) {
      int end = Certificates.end(der, start, der[start] & 0xff);
      if (end < 0) {
        throw new CertificateParsingException("name constraints that are no DER");
      }
      elements.add(Arrays.copyOfRange(der, start, end));
      start = end;
    }
    return elements;
  }

  private static int tag(byte[] element) {
    return element[0] & 0xff;
  }

  private static byte[] content(byte[] element) {
    byte[] content = Certificates.value(element, tag(element));
    return content == null ? new byte[0] : content;
  }
}
