package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.schemas.InvalidSpiffeIdException;
import io.meshward.schemas.SpiffeId;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Our reader of SPIFFE IDs beside java-spiffe's: over all combinations of schemes, trust domains
 * and paths they agree, but for what is written down here.
 */
class SpiffeIdDifferentialTest {

  /** A piece of an ID, and who takes it for good. */
  private record Piece(String text, boolean ours, boolean theirs) {}

  private static Piece good(String text) {
    return new Piece(text, true, true);
  }

  private static Piece bad(String text) {
    return new Piece(text, false, false);
  }

  private static Piece onlyTheirs(String text) {
    return new Piece(text, false, true);
  }

  private static final List<Piece> SCHEMES =
      List.of(
          good("spiffe://"),
          good("SPIFFE://"),
          good("sPiFfE://"),
          bad("spiffe:/"),
          bad("spiffe:"),
          bad("http://"),
          bad("//"),
          bad(" spiffe://"),
          bad(""));
  private static final List<Piece> TRUST_DOMAINS =
      List.of(
          good("shop.test"),
          good("SHOP.test"),
          good("1.2.3.4"),
          good("a_b-c.d"),
          good("."),
          good("a".repeat(255)),
          // SPIFFE-ID 2.3: at most 255 bytes.
          onlyTheirs("a".repeat(256)),
          // The Kelvin sign and the dotted I, of which Unicode's rules make ASCII letters.
          onlyTheirs("\u212A"),
          onlyTheirs("\u0130"),
          bad("me@shop.test"),
          bad("shop.test:1"),
          bad("sh%6fp.test"),
          bad("sh\u00f6p.test"),
          bad(" shop.test"));
  private static final List<Piece> PATHS =
      List.of(
          good(""),
          good("/a"),
          good("/A.b-C_d/..."),
          bad("/"),
          bad("/a/"),
          bad("//a"),
          bad("/a//b"),
          bad("/."),
          bad("/.."),
          bad("/a/../b"),
          bad("/a?b"),
          bad("/a?"),
          bad("/a#b"),
          bad("/a#"),
          bad("?"),
          bad("#"),
          bad("/%61"),
          bad("/a b"),
          bad("/a\n"),
          bad("/\u212A"),
          bad("/a~b"),
          bad("/a:b"),
          bad("/a@b"));

  @Test
  void agreesWithJavaSpiffeButWhereTheStandardSaysOtherwise() {
    for (Piece scheme : SCHEMES) {
      for (Piece trustDomain : TRUST_DOMAINS) {
        for (Piece path : PATHS) {
          String text = scheme.text() + trustDomain.text() + path.text();
          check(
              text,
              scheme.ours() && trustDomain.ours() && path.ours(),
              scheme.theirs() && trustDomain.theirs() && path.theirs());
        }
      }
    }
  }

  @Test
  void anIdWithoutATrustDomainIsNone() {
    for (String text : List.of("", "spiffe://", "spiffe:///", "spiffe:///a")) {
      check(text, false, false);
    }
  }

  @Test
  void anIdHasAtMost2048BytesWhichJavaSpiffeDoesNotLookAt() {
    String prefix = "spiffe://shop.test/";
    check(prefix + "a".repeat(2048 - prefix.length()), true, true);
    check(prefix + "a".repeat(2049 - prefix.length()), false, true);
  }

  private static void check(String text, boolean ours, boolean theirs) {
    String read = read(text);
    String readByThem = readByThem(text);
    assertThat(!read.isEmpty()).as("we accept '%s'", text).isEqualTo(ours);
    assertThat(!readByThem.isEmpty()).as("java-spiffe accepts '%s'", text).isEqualTo(theirs);
    if (ours && theirs) {
      assertThat(read).isEqualTo(readByThem);
    }
  }

  private static String read(String text) {
    try {
      return SpiffeId.parse(text).toString();
    } catch (InvalidSpiffeIdException e) {
      return "";
    }
  }

  private static String readByThem(String text) {
    try {
      return io.spiffe.spiffeid.SpiffeId.parse(text).toString();
    } catch (io.spiffe.exception.InvalidSpiffeIdException | IllegalArgumentException e) {
      return "";
    }
  }
}
