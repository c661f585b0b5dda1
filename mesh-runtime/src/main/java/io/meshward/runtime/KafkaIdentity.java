package io.meshward.runtime;

import static java.util.Objects.requireNonNull;

import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TrustDomain;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.UnaryOperator;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.config.SslConfigs;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * This workload's identity as its Kafka clients, or its broker, use it.
 *
 * <p>Clients do not apply the quarantine to brokers: it comes from them. A broker applies it to
 * each request, and not to itself. Thread-safe.
 */
final class KafkaIdentity implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(KafkaIdentity.class);
  private static final Duration SVID_DEADLINE = Duration.ofSeconds(30);
  private static final String JUDGED = "meshward.judged";

  /** A peer that was let in, under one generation of trust. */
  private record Judged(SpiffeId id, long generation, Instant notAfter) {}

  private final OwnIdentity own;
  private final Clock clock;
  private final Trust bundles = new Trust();
  private final Trust peers = new Trust();
  private final Admission admission;
  private final SvidEngines engines;
  private final ScheduledExecutorService timer;
  private final MeshTls unreported;
  private final List<MeshTls> dialled = new CopyOnWriteArrayList<>();
  private final List<AutoCloseable> parts = new ArrayList<>();
  private final Lazy<JwtSvids> jwtSvids;
  private @Nullable StaleWatchdog watchdog;
  private volatile IdentityPatterns exempt = IdentityPatterns.NONE;

  private KafkaIdentity(
      OwnIdentity own,
      @Nullable WorkloadApi api,
      SvidChoice choice,
      Clock clock,
      SvidProfile profile,
      ScheduledExecutorService timer) {
    this.own = own;
    this.clock = clock;
    this.timer = timer;
    this.admission = new Admission(own, bundles, clock, profile);
    this.engines = new SvidEngines(own, admission, new FullHandshakes(), ServerStaples.OFF);
    this.unreported =
        clientTls(
            new HandshakeEvents(unheard(), admission, event -> {}, ServerStaples.OFF, clock),
            TransportLimits.defaults(),
            "kafka");
    this.jwtSvids =
        Lazy.of(
            () -> {
              if (api == null) {
                throw new MeshRuntimeException(
                    "JWT-SVIDs come from the Workload API, and this workload's SVID from files");
              }
              return new JwtSvids(
                  api,
                  clock,
                  Duration.ZERO,
                  new SecureRandom(),
                  token -> {},
                  UnaryOperator.identity(),
                  own,
                  choice);
            });
    bundles.holds(Holds.of(List.of(), IdentityPatterns.NONE));
  }

  /** A broker or client of its own: nobody is told of lists but the log. */
  private final class Revoked implements Revocations.Follower {
    @Override
    public void follow(RevocationLists lists, boolean changed) {
      revoke(lists);
      if (changed) {
        log.atInfo()
            .addKeyValue("lists", lists.lists().size())
            .log("other revocation lists are in force");
      }
    }

    @Override
    public void unreadable(String problem, RevocationLists inForce) {
      log.atError()
          .addKeyValue("problem", problem)
          .log("revocation lists cannot be read: those of before stay in force");
    }
  }

  /** The identity of a runtime, which says whom to {@link #trust}; closing it closes nothing. */
  static KafkaIdentity of(
      OwnIdentity own,
      @Nullable WorkloadApi api,
      SvidChoice choice,
      Clock clock,
      SvidProfile profile,
      ScheduledExecutorService timer) {
    return new KafkaIdentity(own, api, choice, clock, profile, timer);
  }

  /**
   * Opens an identity of its own and waits for its SVID.
   *
   * @throws ConfigException if a setting is wrong
   * @throws MeshRuntimeException if no SVID comes in time; it says what to check
   */
  static KafkaIdentity open(KafkaSettings.Source settings) {
    WorkloadApiEndpoint endpoint;
    try {
      endpoint = WorkloadApiEndpoint.parse(settings.workloadApi(), System.getenv());
    } catch (IllegalArgumentException e) {
      throw new ConfigException(KafkaSettings.WORKLOAD_API + ": " + e.getMessage());
    }
    Clock clock = Clock.systemUTC();
    WorkloadApi api = new WorkloadApi(endpoint);
    SvidChoice choice = new SvidChoice(settings.spiffeId(), null);
    ScheduledExecutorService timer = RuntimeParts.timer();
    KafkaIdentity identity =
        new KafkaIdentity(
            new OwnIdentity(clock), api, choice, clock, SvidProfile.STRICT_AT_HOME, timer);
    identity.parts.add(timer::shutdownNow);
    identity.parts.add(api);
    try {
      identity.start(api, choice, settings);
      return identity;
    } catch (RuntimeException e) {
      identity.close();
      throw e;
    }
  }

  private void start(WorkloadApi api, SvidChoice choice, KafkaSettings.Source settings) {
    IdentitySource source = new WorkloadApiSource(api, choice, clock, new SecureRandom());
    parts.add(source);
    watchdog = new StaleWatchdog(source, clock);
    Revocations revocations = new Revocations(settings.revocation(), new Revoked());
    own.addListener(
        (before, update) -> {
          switch (update) {
            case IdentityUpdate.Issued issued -> {
              revocations.issued(issued.revocations());
              trust(issued.identity().bundles());
            }
            case IdentityUpdate.Withdrawn withdrawn ->
                unreported.cutAll(
                    Refusal.unavailable("the SVID was withdrawn: " + withdrawn.reason()));
            case IdentityUpdate.Failed failed -> {}
          }
        });
    revocations.start();
    if (settings.crlDirectory() != null) {
      PeriodicLooks looks = new PeriodicLooks();
      parts.add(looks);
      looks.start(List.of(revocations::look));
    }
    source.watch(own::accept);
    own.awaitFirst(SVID_DEADLINE, source);
    List<String> patterns = new ArrayList<>(settings.protectedIdentities());
    patterns.add(requireNonNull(own.id()).toString());
    try {
      exempt = IdentityPatterns.parse(patterns);
    } catch (IllegalArgumentException e) {
      throw new ConfigException(KafkaSettings.PROTECTED + ": " + e.getMessage());
    }
    if (settings.quarantine().isEmpty()) {
      peers.holds(Holds.of(List.of(), exempt));
    } else {
      readQuarantine(settings);
    }
  }

  private void readQuarantine(KafkaSettings.Source settings) {
    KafkaQuarantineSource quarantine =
        new KafkaQuarantineSource(
            withIdentity(settings.quarantine()), settings.topicPrefix(), unheard());
    parts.add(quarantine);
    quarantine.watch(holds -> peers.holds(Holds.of(holds, exempt)));
  }

  /** Client properties with which plugins take this identity. */
  Map<String, Object> withIdentity(Map<String, Object> properties) {
    Map<String, Object> all = new HashMap<>(properties);
    all.put(KafkaSettings.SHARED, this);
    return all;
  }

  /** The authorities and revocation lists that came last with the SVID, without any hold. */
  Trust.Snapshot knownToClients() {
    return bundles.current();
  }

  private EventReporter unheard() {
    return new EventReporter(new NoEvents(), clock, own::id, null, null, "kafka");
  }

  /**
   * Watches connections of clients until an SVID of one ends: brokers, whom no hold refuses, are
   * judged again whenever trust changes.
   *
   * @param events hears of their handshakes
   * @param name what the names of the connections begin with
   */
  MeshTls clientTls(HandshakeEvents events, TransportLimits limits, String name) {
    MeshTls watched =
        new MeshTls(
            engines,
            admission,
            new ConnectionTracker(admission, events, new FullHandshakes(), limits, name),
            timer);
    dialled.add(watched);
    return watched;
  }

  /**
   * See {@link MeshRuntime#kafkaClient}.
   *
   * @param watch sees the client's connections
   */
  Map<String, Object> client(List<String> brokers, DialledEngines watch) {
    if (brokers.isEmpty()) {
      throw new IllegalArgumentException("no broker is named: expected their SPIFFE IDs");
    }
    IdentityPatterns unused = IdentityPatterns.parse(brokers);
    return withIdentity(
        Map.of(
            CommonClientConfigs.SECURITY_PROTOCOL_CONFIG,
            "SSL",
            SslConfigs.SSL_ENGINE_FACTORY_CLASS_CONFIG,
            MeshSslEngineFactory.class.getName(),
            KafkaSettings.BROKERS,
            String.join(",", brokers),
            KafkaSettings.WATCHED_BY,
            watch));
  }

  /** Takes over whose certificates are revoked. */
  void revoke(RevocationLists lists) {
    peers.revocations(lists);
    if (bundles.revocations(lists)) {
      dialled.forEach(MeshTls::judgeAgain);
    }
  }

  /** Takes over whom to trust from now on. */
  void trust(Map<TrustDomain, TrustBundle> byTrustDomain) {
    peers.bundles(byTrustDomain);
    if (bundles.bundles(byTrustDomain)) {
      dialled.forEach(MeshTls::judgeAgain);
    }
  }

  /**
   * An engine for one connection to a broker.
   *
   * @param watch sees the connection; none if nobody is to hear of it
   * @throws MeshRuntimeException while this workload has no SVID: clients try again later
   * @throws IllegalStateException if there are too many connections
   */
  SSLEngine clientEngine(
      String host, int port, IdentityPatterns brokers, @Nullable DialledEngines watch) {
    look();
    SSLEngine engine = engines.client(host, port, brokers::matches);
    return watch == null ? unreported.dialled(engine) : watch.watched(engine);
  }

  /** An engine for one connection that this broker accepted. */
  SSLEngine serverEngine(String peerAddress, int port) {
    look();
    return engines.server(peerAddress, port);
  }

  private void look() {
    synchronized (parts) {
      if (watchdog != null) {
        watchdog.observe(own.state());
      }
    }
    if (!admission.hasOwnSvid()) {
      throw new MeshRuntimeException("no SVID can be used now: " + own.state());
    }
  }

  /**
   * The peer of a connection as of now. What was decided holds until trust changes or an SVID ends.
   *
   * @throws SSLPeerUnverifiedException saying why it is refused
   */
  SpiffeId peer(SSLSession session, String ip) throws SSLPeerUnverifiedException {
    Trust.Snapshot now = peers.current();
    if (session.getValue(JUDGED) instanceof Judged before
        && before.generation() == now.generation()
        && before.notAfter().isAfter(clock.instant())
        && admission.hasOwnSvid()) {
      return before.id();
    }
    List<X509Certificate> chain = HandshakeFacts.peerChain(session);
    Trust.Snapshot judgedBy =
        now.holds().read()
            ? now
            : new Trust.Snapshot(
                now.generation(), now.bundles(), bundles.current().holds(), now.revocations());
    return switch (admission.judge(chain, ip, null, judgedBy)) {
      case Verdict.Rejected rejected ->
          throw new SSLPeerUnverifiedException(rejected.reason().code() + ": " + rejected.words());
      case Verdict.Accepted accepted -> {
        requireHoldsRead(accepted.id(), now);
        Instant notAfter = chain.get(0).getNotAfter().toInstant();
        session.putValue(JUDGED, new Judged(accepted.id(), now.generation(), notAfter));
        yield accepted.id();
      }
    };
  }

  /**
   * Judges an ID that a token proved.
   *
   * @param issuedAt when the token was issued; if it does not say so, every hold on the ID counts
   * @throws SSLPeerUnverifiedException saying why it is refused
   */
  void requireNotHeld(SpiffeId id, @Nullable Instant issuedAt, String ip)
      throws SSLPeerUnverifiedException {
    Trust.Snapshot now = peers.current();
    requireHoldsRead(id, now);
    Instant instant = clock.instant();
    Optional<Hold> hold =
        now.holds()
            .againstClaim(id, issuedAt, instant)
            .or(
                () ->
                    exempt.matches(id)
                        ? Optional.empty()
                        : now.holds().againstAddress(ip, instant));
    if (hold.isPresent()) {
      throw new SSLPeerUnverifiedException(
          RejectionReason.QUARANTINED.code()
              + ": held by containment "
              + hold.get().key().containment());
    }
  }

  /** Who the broker itself needs is served while the quarantine is unread: it is read from it. */
  private void requireHoldsRead(SpiffeId id, Trust.Snapshot now) throws SSLPeerUnverifiedException {
    if (!now.holds().read() && !exempt.matches(id)) {
      throw new SSLPeerUnverifiedException(
          RejectionReason.QUARANTINE_UNREAD.code()
              + ": the quarantine has not been read to its end yet");
    }
  }

  JwtSvids jwtSvids() {
    return jwtSvids.get();
  }

  @Override
  public void close() {
    for (int i = parts.size() - 1; i >= 0; i--) {
      try {
        parts.get(i).close();
      } catch (Exception e) {
        log.atWarn().setCause(e).log("a part of a Kafka identity could not be closed");
      }
    }
  }
}
