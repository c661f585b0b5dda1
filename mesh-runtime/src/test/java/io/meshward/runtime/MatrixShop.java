package io.meshward.runtime;

import io.grpc.Server;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslProvider;
import io.meshward.schemas.QuarantineKey;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.Subject;
import io.meshward.schemas.TlsHandshake.Role;
import io.meshward.testkit.SettableClock;
import io.meshward.testkit.TestTrustDomain;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Where the matrix of refusals takes place: {@code orders} serves and {@code frontend} calls, each
 * once with either TLS provider, and each of the four with events of its own. Whatever happens here
 * has reached all four before anybody attacks, and is undone at all four before the next one does.
 */
final class MatrixShop implements AutoCloseable {
  static final List<SslProvider> PROVIDERS = List.of(SslProvider.OPENSSL, SslProvider.JDK);

  /** The JDK would offer all that its peer, the attacker, has. */
  private static final String[] GROUPS = {"x25519", "secp256r1"};

  /** A little ahead, so that what is issued while this runs is valid already. */
  final SettableClock clock = new SettableClock(Instant.now().plus(Duration.ofMinutes(5)));

  final TestTrustDomain partner = TestTrustDomain.create("partner.test");

  /** A partner that changes its authorities. */
  final TestTrustDomain rotating = TestTrustDomain.create("rotating.test");

  final TestTrustDomain stranger = TestTrustDomain.create("stranger.test");
  final TestTrustDomain own;
  final SpiffeId orders;
  final SpiffeId frontend;
  final DelegationChains delegations;
  private final Shop shop = new Shop();
  private final List<Target> running = new ArrayList<>();

  MatrixShop() {
    own = shop.mesh.trustDomain();
    own.federateWith(partner);
    own.federateWith(rotating);
    orders = shop.orders;
    frontend = shop.frontend;
    delegations = new DelegationChains(own, clock);
  }

  /** Starts one of the four. */
  Target start(Role role, SslProvider provider) {
    Target target = start(role, provider, UnaryOperator.identity());
    running.add(target);
    return target;
  }

  /** Starts one more, which its starter closes. */
  Target start(Role role, SslProvider provider, UnaryOperator<MeshRuntimeBuilder> built) {
    RecordingSink events = new RecordingSink();
    TakenOverBundles bundles = new TakenOverBundles();
    UnaryOperator<MeshRuntimeBuilder> all =
        builder ->
            built.apply(
                builder
                    .clock(clock)
                    .tlsProvider(provider)
                    .tlsGroups(GROUPS)
                    .events(events)
                    .listener(bundles));
    MeshRuntime runtime = role == Role.SERVER ? shop.ordersRuntime(all) : shop.frontendRuntime(all);
    bundles.begin(runtime);
    return new Target(role, self(role), provider, runtime, bundles, events);
  }

  Server serve(Target target) {
    return shop.serve(target.runtime());
  }

  SpiffeId self(Role role) {
    return role == Role.SERVER ? orders : frontend;
  }

  HeldIdentities holds(Role role) {
    return role == Role.SERVER ? shop.serverHolds : shop.clientHolds;
  }

  /** A hold is placed at one side, and released. */
  Wrong.Event held(Role role, Subject subject, @Nullable Instant issuedBefore) {
    QuarantineKey key = new QuarantineKey(subject, "containment-1");
    return new Wrong.Event() {
      @Override
      public void happens() {
        holds(role).place(new Hold(key, Instant.now(), null, issuedBefore));
      }

      @Override
      public void undone() {
        holds(role).release(key);
      }
    };
  }

  /** It is later by our clock. */
  Wrong.Event later(Duration by) {
    return new Wrong.Event() {
      @Override
      public void happens() {
        clock.advance(by);
      }

      @Override
      public void undone() {
        clock.advance(by.negated());
      }
    };
  }

  /** This side's own SVID is taken away, and comes back. */
  Wrong.Event redacted(Role role) {
    return new Wrong.Event() {
      @Override
      public void happens() {
        shop.mesh.workload(self(role)).redact();
        awaitState(role, RuntimeState.Withdrawn.class::isInstance);
      }

      @Override
      public void undone() {
        shop.mesh.workload(self(role)).resume();
        awaitState(role, RuntimeState.Ready.class::isInstance);
      }
    };
  }

  private void awaitState(Role role, Predicate<RuntimeState> state) {
    for (Target target : running) {
      if (target.role() == role) {
        Eventually.await(
            "the state of " + target, () -> state.test(target.runtime().status().identity()));
      }
    }
  }

  /** The partner's bundle is taken away, and comes back. */
  Wrong.Event expelled() {
    return new Wrong.Event() {
      @Override
      public void happens() {
        own.stopFederatingWith(partner);
        awaitBundle(partner, Objects::isNull);
      }

      @Override
      public void undone() {
        own.federateWith(partner);
        awaitBundle(partner, Objects::nonNull);
      }
    };
  }

  /** The authority of {@link #rotating} is replaced by a new one, for good. */
  Wrong.Event rotated() {
    return () -> {
      rotating.prepareX509Authority();
      rotating.activateX509Authority();
      rotating.retireX509Authorities();
      awaitBundle(
          rotating,
          bundle -> bundle != null && bundle.authorities().equals(rotating.x509Authorities()));
    };
  }

  private void awaitBundle(TestTrustDomain foreign, Predicate<@Nullable TrustBundle> condition) {
    for (Target target : running) {
      Eventually.await(
          "the bundle of " + foreign + " at " + target,
          () -> condition.test(target.bundles().of(foreign.name())));
    }
  }

  @Override
  public void close() {
    shop.close();
  }
}
