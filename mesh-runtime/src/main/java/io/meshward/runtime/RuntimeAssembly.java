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
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The parts of one runtime: put together, opened, looked after, and closed. What a service may ask
 * of them is {@link MeshRuntime}. Thread-safe.
 */
final class RuntimeAssembly implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(RuntimeAssembly.class);

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
  private final OpenParts open;

  /**
   * Puts the parts together; nothing is read yet.
   *
   * @throws IllegalArgumentException if a setting is missing or wrong; what was given is closed
   */
  static RuntimeAssembly of(MeshRuntimeBuilder settings) {
    OpenParts open = new OpenParts();
    try {
      RuntimeParts.given(settings, open);
      RuntimeParts.requireComplete(settings);
      return new RuntimeAssembly(settings, open);
    } catch (RuntimeException | Error e) {
      open.close();
      throw e;
    }
  }

  private RuntimeAssembly(MeshRuntimeBuilder settings, OpenParts open) {
    this.open = open;
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
    staples =
        ServerStaples.of(
            settings.revocation,
            admission,
            (target, responder) -> StatusService.ask(channelBuilder(target, responder)));
    tlsProvider.requireCanStaple(staples);
    workloadApi = endpoint == null ? null : open.add(new WorkloadApi(endpoint));
    SvidChoice choice = new SvidChoice(settings.spiffeId, settings.hint);
    timer = RuntimeParts.timer();
    // The connections by which the sink sends need it to the last.
    open.addIfAny(timer::shutdown);
    kafka = KafkaIdentity.of(own, workloadApi, choice, clock, settings.profile, timer);
    parts.shareWithKafka(kafka);
    federation =
        new Federation(
            settings.bundleEndpoints,
            () -> trust.current().bundles(),
            clock,
            settings.random,
            settings.webTls);
    sink = open.add(parts.sink(own));
    telemetry = parts.telemetry(own);
    open.addIfAny(telemetry);
    sampler = new AllowSampler(settings.allowsOneIn);
    reporter = new EventReporter(sink, clock, own::id, settings.node, settings.pod, instance);
    identitySource =
        files != null
            ? new FileSource(files, clock)
            : new WorkloadApiSource(requireNonNull(workloadApi), choice, clock, settings.random);
    watchdog = new StaleWatchdog(identitySource, clock);
    policySource = parts.policySource(reporter);
    risk = open.add(parts.riskSource(reporter));
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
    handshakes =
        new HandshakeEvents(
            reporter,
            admission,
            telemetry == null ? event -> {} : telemetry::handshake,
            staples,
            clock);
    waitedFor = Executors.newVirtualThreadPerTaskExecutor();
    open.addIfAny(waitedFor::shutdown);
    decisionPoint = parts.decisionPoint(own::id, waitedFor);
    open.addIfAny(decisionPoint);
    tracker =
        new ConnectionTracker(admission, handshakes, fullHandshakes, settings.limits, instance);
    open.addIfAny(this::reportMissing);
    transport =
        open.add(
            new MeshTransport(
                tracker,
                admission,
                new TlsContexts(own, admission, fullHandshakes, tlsProvider, staples),
                settings.limits));
    engines = new SvidEngines(own, admission, fullHandshakes, staples);
    plainTls = new MeshTls(engines, admission, tracker, timer);
    brokerTls = kafka.clientTls(handshakes, settings.limits, instance + "-kafka");
    open.addIfAny(() -> brokerTls.cutAll(Refusal.CLOSED));
    open.addIfAny(() -> tracker.cutAll(Refusal.CLOSED));
    revocations =
        new Revocations(settings.revocation, new RevokedPeers(trust, kafka, tracker, lifecycle));
    bundles = new BundleTrust(own, federation, trust, kafka, lifecycle, tracker);
    quarantine =
        new QuarantineEnforcer(
            admission, tracker, brokerTls::cutAll, reporter, protectedIdentities, clock, timer);
    holds =
        new QuarantineReading(
            open.add(parts.quarantineSource(reporter)),
            quarantine,
            settings.quarantineSnapshot == null
                ? null
                : new QuarantineSnapshot(settings.quarantineSnapshot, clock),
            clock);
    evidence = parts.evidence(own, admission, trust, jwtSvids, waitedFor);
    delegations = new DelegationIssuer(own, clock);
    if (settings.openWhileQuarantineUnread) {
      log.atWarn().log("peers are served although it is unknown yet which are held in quarantine");
      trust.holds(Holds.of(List.of(), protectedIdentities));
    }
    statusMetrics =
        telemetry == null ? null : new StatusMetrics(telemetry.openTelemetry(), this::status);
    open.addIfAny(statusMetrics);
  }

  /**
   * Begins to read who this workload is, whom it trusts and who is held, and waits for that.
   *
   * @throws MeshRuntimeException if no SVID comes in time, or the policy is unusable
   */
  void open(Duration svidDeadline, Duration quarantineDeadline) {
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
              Refusal why = Refusal.unavailable("the SVID was withdrawn: " + withdrawn.reason());
              tracker.cutAll(why);
              // The runtime's own are left: the event that tells of it goes by them.
              brokerTls.cutAll(why);
            }
            case IdentityUpdate.Failed failed -> {}
          }
        });
    own.addListener(lifecycle);
    own.addListener((before, update) -> listeners.tell(own::state));
    revocations.start();
    open.addIfAny(identitySource);
    identitySource.watch(own::accept);
    holds.begin();
    own.awaitFirst(svidDeadline, identitySource);
    X509Svid svid = identity().svid();
    policies.servedBy(svid.id());
    policies
        .current()
        .services()
        .requireOwn(
            svid,
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
    open.addIfAny(federation);
    federation.start(bundles::renew, lifecycle::bundleRefused);
    if (policies.current().enforced().equals(AuthorizationPolicy.REFUSE_ALL)) {
      log.atWarn().log("there is no policy: servers refuse every call");
    }
    open.addIfAny(looks);
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
    open.addIfAny(policySource);
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
    if (staples.areServed() && !open.isClosed()) {
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

  MeshServerBuilder serverBuilder(SocketAddress address) {
    return gated(transport.server(address, identity().svid().lifetime()));
  }

  MeshServerBuilder serverBuilder(
      InetSocketAddress address, ServerCredentials credentials, PeerAuthentication peers) {
    return gated(transport.server(address, credentials, peers, identity().svid().lifetime()));
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

  MeshChannelBuilder channelBuilder(String target, SpiffeId expectedPeer) {
    NettyChannelBuilder netty =
        transport.channel(target, expectedPeer).intercept(new DialGate(admission, expectedPeer));
    if (telemetry != null) {
      // What is added later runs before: the service's own instrumentation is around this.
      netty.intercept(new DialledSpans(telemetry, expectedPeer));
    }
    return new MeshChannelBuilder(netty, channels, new DelegatingCalls(delegations, expectedPeer));
  }

  WorkloadIdentity identity() {
    return own.usable()
        .orElseThrow(() -> new MeshRuntimeException("no SVID can be used now: " + own.state()));
  }

  MeshTls tls() {
    return plainTls;
  }

  Map<String, Object> kafkaClient(List<String> brokers) {
    return kafka.client(brokers, this::watchedByBrokerTls);
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

  JwtSvids jwtSvids() {
    return jwtSvids.get();
  }

  StatusSigner statusSigner() {
    return new StatusSigner(() -> identity().svid(), admission, clock);
  }

  BundleServer serveBundle(InetSocketAddress address, @Nullable SSLContext tls) {
    return BundleServer.start(
        address,
        tls == null ? engines.contextWithoutClients() : tls,
        new BundleDocument(
            this::identity,
            domain -> workloadApi == null ? List.of() : jwtSvids().authorities(domain)));
  }

  RuntimeStatus status() {
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

  @Override
  public void close() {
    open.close();
  }
}
