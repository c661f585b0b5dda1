package io.meshward.runtime;

import io.grpc.Metadata;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One thing that a rule asks of a call. Immutable; only headers and claims allocate when they are
 * tested.
 */
sealed interface Condition {

  /** What the call says to a condition. */
  enum Answer {
    YES,
    NO,
    /**
     * The fact that it takes is absent or stale: an allow rule must not match, a deny rule must.
     */
    UNKNOWN
  }

  Answer test(CallFacts call);

  private static Answer answer(boolean found, boolean negated) {
    return found == negated ? Answer.NO : Answer.YES;
  }

  /** What is not there is none of some values; whether it is another one cannot be said. */
  private static Answer absent(boolean negated) {
    return negated ? Answer.UNKNOWN : Answer.NO;
  }

  private static boolean any(List<TextPattern> patterns, String text) {
    for (int i = 0; i < patterns.size(); i++) {
      if (patterns.get(i).matches(text)) {
        return true;
      }
    }
    return false;
  }

  /**
   * The principal's SPIFFE ID.
   *
   * @param byRole whether the patterns are those of roles
   */
  record Identity(IdentityPatterns patterns, boolean negated, boolean byRole) implements Condition {
    @Override
    public Answer test(CallFacts call) {
      return answer(patterns.matches(call.principal().id()), negated);
    }
  }

  /** The method, as {@code /package.Service/Method}. */
  record Method(List<TextPattern> patterns, boolean negated) implements Condition {
    @Override
    public Answer test(CallFacts call) {
      for (int i = 0; i < patterns.size(); i++) {
        if (patterns.get(i).matches('/', call.method())) {
          return answer(true, negated);
        }
      }
      return answer(false, negated);
    }
  }

  /** A metadata key; several values count as one with commas between them, as in gRFC A43. */
  record Header(Metadata.Key<String> key, List<TextPattern> patterns, boolean negated)
      implements Condition {
    @Override
    public Answer test(CallFacts call) {
      Iterable<String> values = call.metadata().getAll(key);
      if (values == null) {
        return absent(negated);
      }
      List<String> present = new ArrayList<>();
      values.forEach(present::add);
      return answer(any(patterns, String.join(",", present)), negated);
    }
  }

  /** A claim of the caller's JWT-SVID; one of several texts is enough. */
  record Claim(String name, List<TextPattern> patterns, boolean negated) implements Condition {
    @Override
    public Answer test(CallFacts call) {
      List<String> texts = call.claims().texts(name);
      return texts.isEmpty()
          ? absent(negated)
          : answer(texts.stream().anyMatch(text -> any(patterns, text)), negated);
    }
  }

  /** The address that the caller's packets come from. */
  record Address(List<AddressBlock> blocks, boolean negated) implements Condition {
    @Override
    public Answer test(CallFacts call) {
      if (!call.connection().hasAddress()) {
        return absent(negated);
      }
      for (int i = 0; i < blocks.size(); i++) {
        if (call.connection().comesFrom(blocks.get(i))) {
          return answer(true, negated);
        }
      }
      return answer(false, negated);
    }
  }

  /** A text that is known of the connection. */
  record Text(TextFact fact, List<TextPattern> patterns, boolean negated) implements Condition {
    @Override
    public Answer test(CallFacts call) {
      String text = fact.of(call);
      return text == null ? absent(negated) : answer(any(patterns, text), negated);
    }
  }

  /** A number within bounds. */
  record Quantity(NumberFact fact, Bounds bounds) implements Condition {
    @Override
    public Answer test(CallFacts call) {
      double number = fact.of(call);
      return Double.isNaN(number) ? Answer.UNKNOWN : answer(bounds.hold(number), false);
    }
  }

  /**
   * Bounds of a number; infinite where there is none.
   *
   * @param aboveLow whether {@code low} itself is out
   * @param belowHigh whether {@code high} itself is out
   */
  record Bounds(double low, boolean aboveLow, double high, boolean belowHigh) {
    boolean hold(double number) {
      return (aboveLow ? number > low : number >= low)
          && (belowHigh ? number < high : number <= high);
    }
  }

  /** The texts of a call, by the paths that events have them under. */
  enum TextFact {
    PEER_TRUST_DOMAIN("peer.trust_domain"),
    PEER_NAMESPACE("peer.namespace"),
    PEER_SERVICE_ACCOUNT("peer.service_account"),
    LOCAL_PORT("local.port"),
    TLS_MUTUAL("tls.mutual"),
    TLS_VERSION("tls.version"),
    TLS_CIPHER("tls.cipher");

    private final String key;

    TextFact(String key) {
      this.key = key;
    }

    String key() {
      return key;
    }

    @Nullable String of(CallFacts call) {
      return switch (this) {
        case PEER_TRUST_DOMAIN -> call.principal().id().trustDomain().name();
        case PEER_NAMESPACE -> call.principal().namespace();
        case PEER_SERVICE_ACCOUNT -> call.principal().serviceAccount();
        case LOCAL_PORT -> call.connection().localPort();
        // No call is judged by a policy before both sides have proved who they are; by TLS, if it
        // has a certificate.
        case TLS_MUTUAL -> call.connection().peer() == null ? null : "true";
        case TLS_VERSION -> call.connection().tlsVersion();
        case TLS_CIPHER -> call.connection().tlsCipher();
      };
    }
  }

  /** The numbers of a call; {@link Double#NaN} is an unknown one. */
  enum NumberFact {
    RISK_SCORE("risk.score"),
    CERT_AGE_MS("cert.age_ms"),
    CERT_TTL_LEFT_MS("cert.ttl_left_ms"),
    CERT_LIFETIME_MS("cert.lifetime_ms");

    private final String key;

    NumberFact(String key) {
      this.key = key;
    }

    String key() {
      return key;
    }

    double of(CallFacts call) {
      return switch (this) {
        case RISK_SCORE -> call.risk().score(call.principal().id());
        case CERT_AGE_MS -> call.connection().ageMs(call.clock().millis());
        case CERT_TTL_LEFT_MS -> call.connection().ttlLeftMs(call.clock().millis());
        case CERT_LIFETIME_MS -> call.connection().lifetimeMs();
      };
    }
  }
}
