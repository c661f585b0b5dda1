package io.meshward.runtime;

import static java.util.Objects.requireNonNull;

import io.grpc.ServerCredentials;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.meshward.schemas.SpiffeId;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Clock;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A workload's place in the mesh: its SVID, servers and channels that speak mTLS with it, and what
 * they see as events.
 *
 * <p>The SVID is rotated without a restart. Peers that have no valid SVID, are held in quarantine,
 * or are refused by the policy are kept out; connections of a peer that becomes held are cut.
 * Whatever is in doubt is refused. Thread-safe.
 */
public final class MeshRuntime implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(MeshRuntime.class);

  private final Clock clock;
  private final @Nullable WorkloadApi workloadApi;
  private final IdentityListeners listeners;
  private final IdentitySource identitySource;
  private final EventSink sink;
  private final PolicyStore policies;
  private final @Nullable PolicySource policySource;
  private final RiskSource risk;
  private final @Nullable DecisionPoint decisionPoint;
  private final @Nullable MeshTelemetry telemetry;
  private final @Nullable StatusMetrics statusMetrics;
  private final AllowSampler sampler;
  private final EvidenceVerifier evidence;
  private final DelegationIssuer delegations;
  private final ExecutorService waitedFor;
  private final OwnIdentity own;
  private final Trust trust = new Trust();
  private final Admission admission;
  private final EventReporter reporter;
  private final LifecycleEvents lifecycle;
  private final HandshakeEvents handshakes;
  private final ConnectionTracker tracker;
  private final QuarantineEnforcer quarantine;
  private final QuarantineReading holds;
  private final TlsProvider tlsProvider;
  private final Revocations revocations;
  private final ServerStaples staples;
  private final MeshTransport transport;
  private final SvidEngines engines;
  private final MeshTls plainTls;
  private final KafkaIdentity kafka;
  private final MeshTls brokerTls;
  private final Federation federation;
  private final Lazy<JwtSvids> jwtSvids;
  private final StaleWatchdog watchdog;
  private final BundleTrust bundles;
  private final DialledChannels channels = new DialledChannels();
  private final ScheduledExecutorService timer;
  private final PeriodicLooks looks = new PeriodicLooks();
  private final AtomicBoolean closed = new AtomicBoolean();

  /** Says what a runtime needs, then starts it. */
  public static MeshRuntimeBuilder builder() {
    return new MeshRuntimeBuilder();
  }

  static MeshRuntime start(MeshRuntimeBuilder settings) {
    MeshRuntime runtime = new MeshRuntime(settings);
    try {
      runtime.open(settings.startDeadline, settings.quarantineDeadline);
      return runtime;
    } catch (RuntimeException e) {
      runtime.close();
      throw e;
    }
  }

  private MeshRuntime(MeshRuntimeBuilder settings) {
    RuntimeParts parts = new RuntimeParts(settings);
    FileSource.Paths files = settings.files;
    WorkloadApiEndpoint endpoint =
        files == null ? WorkloadApiEndpoint.parse(settings.workloadApi, System.getenv()) : null;
    IdentityPatterns protectedIdentities = IdentityPatterns.parse(settings.protectedIdentities);
    clock = settings.clock;
    tlsProvider = TlsProvider.choose(settings.tlsProvider, settings.tlsGroups);
    own = new OwnIdentity(clock);
    admission = new Admission(own, trust, clock, settings.profile);
    String instance = parts.instance();
    policies = new PolicyStore(parts.policyFiles(), settings.workload, parts.withoutPolicy());
    policies.load();
    listeners = new IdentityListeners(settings.listeners);
    workloadApi = endpoint == null ? null : new WorkloadApi(endpoint);
    SvidChoice choice = new SvidChoice(settings.spiffeId, settings.hint);
    timer = RuntimeParts.timer();
    kafka = KafkaIdentity.of(own, workloadApi, choice, clock, settings.profile, timer);
    parts.shareWithKafka(kafka);
    federation =
        new Federation(
            settings.bundleEndpoints,
            () -> trust.current().bundles(),
            clock,
            settings.random,
            settings.webTls);
    sink = openSink(parts, own, workloadApi);
    telemetry = parts.telemetry(own);
    sampler = new AllowSampler(settings.allowsOneIn);
    reporter = new EventReporter(sink, clock, own::id, settings.node, settings.pod, instance);
    identitySource =
        files != null
            ? new FileSource(files, clock)
            : new WorkloadApiSource(requireNonNull(workloadApi), choice, clock, settings.random);
    watchdog = new StaleWatchdog(identitySource, clock);
    policySource = parts.policySource(reporter);
    risk = parts.riskSource(reporter);
    lifecycle = new LifecycleEvents(reporter, identitySource, clock);
    FullHandshakes fullHandshakes = new FullHandshakes();
    jwtSvids =
        Lazy.of(
            () ->
                new JwtSvids(
                    workloadApi(),
                    clock,
                    settings.jwtLeeway,
                    settings.random,
                    lifecycle::jwtFetched,
                    bundles -> federation.joinJwt(bundles, own.id()),
                    own,
                    choice));
    staples =
        ServerStaples.of(
            settings.revocation,
            admission,
            (target, responder) -> StatusService.ask(channelBuilder(target, responder)));
    tlsProvider.requireCanStaple(staples);
    handshakes =
        new HandshakeEvents(
            reporter,
            admission,
            telemetry == null ? event -> {} : telemetry::handshake,
            staples,
            clock);
    tracker =
        new ConnectionTracker(admission, handshakes, fullHandshakes, settings.limits, instance);
    transport =
        new MeshTransport(
            tracker,
            admission,
            new TlsContexts(own, admission, fullHandshakes, tlsProvider, staples),
            settings.limits);
    engines = new SvidEngines(own, admission, fullHandshakes, staples);
    plainTls = new MeshTls(engines, admission, tracker, timer);
    brokerTls = kafka.clientTls(handshakes, settings.limits, instance + "-kafka");
    revocations =
        new Revocations(settings.revocation, new RevokedPeers(trust, kafka, tracker, lifecycle));
    bundles = new BundleTrust(own, federation, trust, kafka, lifecycle, tracker);
    quarantine =
        new QuarantineEnforcer(
            admission, tracker, brokerTls::cutAll, reporter, protectedIdentities, clock, timer);
    holds =
        new QuarantineReading(
            parts.quarantineSource(reporter),
            quarantine,
            settings.quarantineSnapshot == null
                ? null
                : new QuarantineSnapshot(settings.quarantineSnapshot, clock),
            clock);
    waitedFor = Executors.newVirtualThreadPerTaskExecutor();
    decisionPoint = parts.decisionPoint(own::id, waitedFor);
    evidence = parts.evidence(own, admission, trust, jwtSvids, waitedFor);
    delegations = new DelegationIssuer(own, clock);
    if (settings.openWhileQuarantineUnread) {
      log.atWarn().log("peers are served although it is unknown yet which are held in quarantine");
      trust.holds(Holds.of(List.of(), protectedIdentities));
    }
    statusMetrics =
        telemetry == null ? null : new StatusMetrics(telemetry.openTelemetry(), this::status);
  }

  private void open(Duration svidDeadline, Duration quarantineDeadline) {
    own.addListener(
        (before, update) -> {
          switch (update) {
            case IdentityUpdate.Issued issued -> {
              revocations.issued(issued.revocations());
              renewStaple();
              bundles.renew();
              channels.tryAgain();
            }
            case IdentityUpdate.Withdrawn withdrawn -> {
              tracker.cutAll();
              // The runtime's own are left: the event that tells of it goes by them.
              brokerTls.cutAll();
            }
            case IdentityUpdate.Failed failed -> {}
          }
        });
    own.addListener(lifecycle);
    own.addListener((before, update) -> listeners.tell(own::state));
    revocations.start();
    identitySource.watch(own::accept);
    holds.begin();
    own.awaitFirst(svidDeadline, identitySource);
    SpiffeId id = svid().id();
    policies.servedBy(id);
    policies
        .current()
        .services()
        .requireOwn(
            svid(),
            workloadApi == null ? ServiceTable.Source.FILES : ServiceTable.Source.WORKLOAD_API);
    try {
      awaitPolicy(quarantineDeadline);
      startRisk();
      holds.await(quarantineDeadline);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new MeshRuntimeException("interrupted while reading quarantine and policy", e);
    }
    policies.listen(lifecycle);
    observeOwnHold();
    lifecycle.tlsFallback(tlsProvider);
    federation.start(bundles::renew, lifecycle::bundleRefused);
    if (policies.current().enforced().equals(AuthorizationPolicy.REFUSE_ALL)) {
      log.atWarn().log("there is no policy: servers refuse every call");
    }
    looks.start(
        List.of(
            this::observeState,
            this::observeOwnHold,
            this::reportMissing,
            channels::tryAgain,
            holds::keep,
            policies::reload,
            revocations::look,
            this::renewStaple,
            this::startRisk));
  }

  private void awaitPolicy(Duration deadline) throws InterruptedException {
    if (policySource == null) {
      return;
    }
    policySource.watch(policies);
    if (policySource.awaitRead(deadline)) {
      policies.requirePublished(policySource.toString());
    } else {
      log.atError().log("the policy could not be read yet: every call is refused until then");
    }
  }

  /** Scores are read once somebody asks for them. */
  private void startRisk() {
    if (decisionPoint != null || policies.current().asksForRisk()) {
      risk.start();
    }
  }

  private void observeState() {
    boolean rotates = policies.current().services().rotates(own.id());
    if (lifecycle.observe(own.state(), rotates)) {
      listeners.tell(own::state);
    }
    watchdog.observe(own.state());
  }

  private void observeOwnHold() {
    lifecycle.observeOwn(admission.ownHold().orElse(null));
  }

  private void reportMissing() {
    lifecycle.reportDrops(sink);
    lifecycle.reportLeftOut(EventClass.ALLOW, sampler.leftOut());
    lifecycle.reportLeftOut(EventClass.HANDSHAKE, handshakes.leftOut());
    lifecycle.reportRefusedConnections(tracker.refused());
  }

  private void renewStaple() {
    if (staples.areServed() && !closed.get()) {
      waitedFor.execute(
          () -> own.usable().ifPresent(identity -> staples.renew(identity, clock.instant())));
    }
  }

  private WorkloadApi workloadApi() {
    WorkloadApi api = workloadApi;
    if (api == null) {
      throw new MeshRuntimeException(
          "JWT-SVIDs come from the Workload API, and this workload's SVID comes from files");
    }
    return api;
  }

  /** A server on a port of every address of the machine; 0 picks a free one. */
  public MeshServerBuilder serverBuilder(int port) {
    return serverBuilder(new InetSocketAddress(port));
  }

  /**
   * A server on an address: an {@link InetSocketAddress}, or a {@link
   * java.net.UnixDomainSocketAddress}, whose socket a server that is gone may have left behind.
   *
   * @throws IllegalStateException if a server listens on that Unix socket already
   */
  public MeshServerBuilder serverBuilder(SocketAddress address) {
    return gated(transport.server(address, svid().lifetime()));
  }

  /**
   * A server whose peers something else than this runtime's TLS authenticates; all else is as for
   * every other server: the same policy, quarantine, cuts, limits and events. There is no
   * certificate, so holds on a serial number or a key, and those with {@code issuedBefore}, do not
   * apply, a rule that looks at the SVID or at TLS is undecided, and there is no {@link
   * PeerIdentity#current()}.
   *
   * @param credentials secure the connections; they may block their event loop
   */
  public MeshServerBuilder serverBuilder(
      InetSocketAddress address, ServerCredentials credentials, PeerAuthentication peers) {
    return gated(transport.server(address, credentials, peers, svid().lifetime()));
  }

  private MeshServerBuilder gated(NettyServerBuilder server) {
    return new MeshServerBuilder(
        server,
        telemetry == null ? null : new CallSpans(telemetry.openTelemetry()),
        new CallGate(
            admission,
            evidence,
            policies::current,
            risk,
            decisionPoint,
            waitedFor,
            new DecisionEvents(reporter, admission, sampler, telemetry),
            clock));
  }

  /**
   * A channel to a server of one identity. Whoever else answers is refused, whatever the address.
   *
   * @param target as gRPC names it, such as {@code dns:///orders:8443} or {@code unix:/run/orders}
   */
  public MeshChannelBuilder channelBuilder(String target, SpiffeId expectedPeer) {
    NettyChannelBuilder netty =
        transport.channel(target, expectedPeer).intercept(new DialGate(admission, expectedPeer));
    if (telemetry != null) {
      // What is added later runs before: the service's own instrumentation is around this.
      netty.intercept(new DialledSpans(telemetry, expectedPeer));
    }
    return new MeshChannelBuilder(netty, channels, new DelegatingCalls(delegations, expectedPeer));
  }

  /**
   * The SVID in use.
   *
   * @throws MeshRuntimeException if it is withdrawn or expired
   */
  public X509Svid svid() {
    return identity().svid();
  }

  /**
   * The SVID in use with the bundles that came with it, as one snapshot.
   *
   * @throws MeshRuntimeException if it is withdrawn or expired
   */
  public WorkloadIdentity identity() {
    return own.usable()
        .orElseThrow(() -> new MeshRuntimeException("no SVID can be used now: " + own.state()));
  }

  /** TLS with this workload's SVID for what is not gRPC. */
  public MeshTls tls() {
    return plainTls;
  }

  /**
   * Properties with which a Kafka client of this service speaks to brokers as this workload, by
   * mutual TLS; they are added to others, such as {@code bootstrap.servers}. A client does not
   * outlive the runtime.
   *
   * @param brokers who may answer: SPIFFE IDs, also with {@code /*} at their end for all below
   * @throws IllegalArgumentException if a pattern is none, or none is given
   */
  public Map<String, Object> kafkaClient(String... brokers) {
    return kafka.client(List.of(brokers), this::watchedByBrokerTls);
  }

  private SSLEngine watchedByBrokerTls(SSLEngine dialled) {
    admission
        .ownHold()
        .ifPresent(
            hold -> {
              throw new MeshRuntimeException(
                  "own identity is quarantined by containment " + hold.key().containment());
            });
    return brokerTls.dialled(dialled);
  }

  /**
   * JWT-SVIDs, fetched and verified. The first call begins to watch the JWT bundles of the Workload
   * API; without one they are not asked for.
   */
  public JwtSvids jwtSvids() {
    return jwtSvids.get();
  }

  /**
   * Signs what this workload knows of certificates as OCSP responses: a status responder, for whom
   * its clients name this workload's SPIFFE ID. Needs BouncyCastle on the class path.
   */
  public StatusSigner statusSigner() {
    return new StatusSigner(this::svid, admission, clock);
  }

  /**
   * Serves the bundle of this workload's trust domain to other trust domains, by the profile
   * https_spiffe: the server shows this workload's SVID. The caller closes it.
   */
  public BundleServer serveBundle(InetSocketAddress address) {
    return serveBundle(address, engines.contextWithoutClients());
  }

  /**
   * The same by the profile https_web.
   *
   * @param tls shows a certificate of a public authority for the host
   */
  public BundleServer serveBundle(InetSocketAddress address, SSLContext tls) {
    return BundleServer.start(
        address,
        tls,
        new BundleDocument(
            this::identity,
            domain -> workloadApi == null ? List.of() : jwtSvids().authorities(domain)));
  }

  /** How this runtime stands. */
  public RuntimeStatus status() {
    Map<EventClass, Long> dropped = new EnumMap<>(EventClass.class);
    for (EventClass eventClass : EventClass.values()) {
      dropped.put(eventClass, sink.dropped(eventClass));
    }
    Holds known = trust.current().holds();
    return new RuntimeStatus(
        own.state(),
        known.read(),
        holds.ageMs(),
        known.size(),
        admission.ownHold().map(hold -> hold.key().containment()).orElse(null),
        tracker.size(),
        tracker.refused(),
        policies.current().enforced().id(),
        policies.problem(),
        policySource == null ? 0 : policySource.ageMs(),
        risk.ageMs(),
        dropped);
  }

  /**
   * Ends all connections, sends the events that wait (for some seconds at most), and frees
   * everything. Servers and channels should be shut down before. Idempotent.
   */
  @Override
  public void close() {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    federation.close();
    holds.close();
    if (policySource != null) {
      policySource.close();
    }
    risk.close();
    identitySource.close();
    if (workloadApi != null) {
      workloadApi.close();
    }
    looks.close();
    tracker.cutAll();
    brokerTls.cutAll();
    transport.close();
    waitedFor.shutdown();
    if (decisionPoint != null) {
      decisionPoint.close();
    }
    reportMissing();
    if (statusMetrics != null) {
      statusMetrics.close();
    }
    if (telemetry != null) {
      telemetry.close();
    }
    sink.close();
    // The connections by which the sink sends need it to the last.
    timer.shutdown();
  }

  /** Kafka's clients look at their settings here: what is open already must not stay so. */
  private static EventSink openSink(
      RuntimeParts parts, OwnIdentity own, @Nullable WorkloadApi open) {
    try {
      return parts.sink(own);
    } catch (RuntimeException e) {
      if (open != null) {
        open.close();
      }
      throw e;
    }
  }
}
