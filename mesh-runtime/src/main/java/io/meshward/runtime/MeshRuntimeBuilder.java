package io.meshward.runtime;

import io.grpc.netty.shaded.io.netty.handler.ssl.SslProvider;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TopicCatalogue;
import io.opentelemetry.api.OpenTelemetry;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * Says what a {@link MeshRuntime} needs. Events and quarantine have to be given, by {@link #kafka}
 * or one by one, or declined in so many words.
 */
public final class MeshRuntimeBuilder {
  @Nullable String workloadApi;
  FileSource.@Nullable Paths files;
  final List<IdentityListener> listeners = new ArrayList<>();
  @Nullable SpiffeId spiffeId;
  @Nullable String hint;
  @Nullable Path policy;
  @Nullable Path shadowPolicy;
  @Nullable Path roles;
  @Nullable Path services;
  @Nullable String policyBundle;
  @Nullable PolicySource policySource;
  @Nullable RiskSource risk;
  @Nullable KubernetesWorkload workload;
  @Nullable OpaOptions opa;
  @Nullable JwtOptions jwt;
  final List<String> trustedProxies = new ArrayList<>();
  int allowsOneIn = 1;
  @Nullable OpenTelemetry openTelemetry;
  @Nullable EventSink events;
  @Nullable QuarantineSource quarantine;
  @Nullable Map<String, Object> kafkaProperties;
  String kafkaPrefix = TopicCatalogue.DEFAULT_PREFIX;
  boolean withoutEvents;
  boolean withoutQuarantine;
  boolean openWhileQuarantineUnread;
  QuarantineSnapshot.@Nullable Place quarantineSnapshot;
  final List<String> protectedIdentities = new ArrayList<>();
  @Nullable String node;
  @Nullable String pod;
  Duration startDeadline = Duration.ofSeconds(30);
  Duration quarantineDeadline = Duration.ofSeconds(10);
  SvidProfile profile = SvidProfile.STRICT_AT_HOME;
  Duration jwtLeeway = Duration.ZERO;
  Clock clock = Clock.systemUTC();
  TransportLimits limits = TransportLimits.defaults();
  @Nullable SslProvider tlsProvider;
  List<String> tlsGroups = List.of();
  RevocationOptions revocation = RevocationOptions.DEFAULT;
  final List<BundleEndpoint> bundleEndpoints = new ArrayList<>();
  @Nullable SSLContext webTls;
  final SecureRandom random = new SecureRandom();

  MeshRuntimeBuilder() {}

  /**
   * Where the SPIFFE Workload API listens, as {@code unix:/absolute/path} or {@code tcp://ip:port}.
   * Default: the environment variable {@code SPIFFE_ENDPOINT_SOCKET}.
   */
  public MeshRuntimeBuilder workloadApi(String address) {
    this.workloadApi = address;
    return this;
  }

  /**
   * Takes the SVID from files in the place of the Workload API, as cert-manager's CSI driver for
   * SPIFFE mounts them. They are read again when they change; JWT-SVIDs need the Workload API.
   *
   * @param certificates the leaf, then its intermediates, in PEM
   * @param privateKey the leaf's key as PKCS #8, in PEM
   * @param bundle the authorities of the SVID's trust domain in PEM, or a SPIFFE bundle map in JSON
   *     ({@code {"trust_domains": {…}}}) for several trust domains
   */
  public MeshRuntimeBuilder files(Path certificates, Path privateKey, Path bundle) {
    this.files = new FileSource.Paths(certificates, privateKey, bundle);
    return this;
  }

  /**
   * Fetches the bundle of another trust domain, again and again, and lets its workloads in as far
   * as the policy does. For one trust domain at most once; what the Workload API says of a trust
   * domain comes first.
   *
   * @throws IllegalArgumentException if its bundle is fetched from elsewhere already
   */
  public MeshRuntimeBuilder federate(BundleEndpoint endpoint) {
    if (bundleEndpoints.stream()
        .anyMatch(other -> other.trustDomain().equals(endpoint.trustDomain()))) {
      throw new IllegalArgumentException(
          "the bundle of " + endpoint.trustDomain() + " has two endpoints: expected one");
    }
    this.bundleEndpoints.add(endpoint);
    return this;
  }

  /**
   * Judges the servers of bundle endpoints by https_web, where a private authority certifies them;
   * their hosts are checked in any case. Default: the JDK's, which trusts the public authorities.
   */
  public MeshRuntimeBuilder webTls(SSLContext tls) {
    this.webTls = tls;
    return this;
  }

  /** Tells a listener how the identity stands, from the start on. */
  public MeshRuntimeBuilder listener(IdentityListener hears) {
    this.listeners.add(hears);
    return this;
  }

  /** Uses the SVID of this ID where several are offered. Default: the first one. */
  public MeshRuntimeBuilder spiffeId(SpiffeId id) {
    this.spiffeId = id;
    return this;
  }

  /** Uses the first SVID with this hint where several are offered. Default: the first one. */
  public MeshRuntimeBuilder hint(String text) {
    this.hint = text;
    return this;
  }

  /**
   * The policy of this workload's servers: a file that may change while it is used, in JSON or YAML
   * as gRFC A43 has it and with more that a rule can ask, or with AuthorizationPolicies of Istio.
   * Principals are SPIFFE IDs, also with {@code /*} at their end for all below, or {@code *}.
   * Without a policy every call is refused.
   */
  public MeshRuntimeBuilder policy(Path file) {
    this.policy = file;
    return this;
  }

  /** A policy on trial, in a file as {@link #policy}: events show what it would have decided. */
  public MeshRuntimeBuilder shadowPolicy(Path file) {
    this.shadowPolicy = file;
    return this;
  }

  /**
   * Which identities have which role, for rules that look at {@code peer.role}: {@code roles:
   * {clerk: [spiffe://…]}} in JSON or YAML. May change while it is used.
   */
  public MeshRuntimeBuilder roles(Path file) {
    this.roles = file;
    return this;
  }

  /**
   * What is agreed for each service, in JSON or YAML: where its identity comes from, how long its
   * SVIDs may live, how they are replaced, and how closely its policy looks at callers. May change
   * while it is used.
   */
  public MeshRuntimeBuilder services(Path file) {
    this.services = file;
    return this;
  }

  /** Takes the policy from the topic of policies, in place of a file; needs {@link #kafka}. */
  public MeshRuntimeBuilder policyBundle(String name) {
    this.policyBundle = name;
    return this;
  }

  /** Takes the policy from there instead. The runtime closes it. */
  public MeshRuntimeBuilder policySource(PolicySource source) {
    this.policySource = source;
    return this;
  }

  /**
   * Takes {@code risk.score} from there. The runtime closes it. Default: from Kafka, if {@link
   * #kafka} is set; else no identity has a score.
   */
  public MeshRuntimeBuilder risk(RiskSource source) {
    this.risk = source;
    return this;
  }

  /**
   * Asks OPA about every call that the policy allows, and then both have to allow it; without a
   * policy OPA decides alone.
   */
  public MeshRuntimeBuilder opa(OpaOptions options) {
    this.opa = options;
    return this;
  }

  /**
   * Verifies the JWT-SVIDs that come with calls to this workload's servers: a call with a bad one
   * is refused, and policies can ask for {@code jwt.CLAIM} of a good one. Default: {@code
   * authorization} is left to the service.
   */
  public MeshRuntimeBuilder jwt(JwtOptions options) {
    this.jwt = options;
    return this;
  }

  /**
   * Proxies whose {@code x-forwarded-client-cert} is believed: their calls are made on behalf of
   * the client that it names, and the policy has to allow them to both. From everybody else the
   * header is a false claim. Default: none.
   *
   * @param patterns SPIFFE IDs, also with {@code /*} at their end for all below
   */
  public MeshRuntimeBuilder trustedProxies(String... patterns) {
    this.trustedProxies.addAll(List.of(patterns));
    return this;
  }

  /** The Kubernetes namespace and labels of this workload, by which Istio's policies choose. */
  public MeshRuntimeBuilder kubernetesWorkload(String namespace, Map<String, String> labels) {
    this.workload = new KubernetesWorkload(namespace, labels);
    return this;
  }

  /**
   * Sends events and enforcement reports to Kafka, and takes holds from it.
   *
   * <p>With {@link MeshSslEngineFactory} or {@link JwtSvidLoginHandler} among the properties, and
   * no {@link KafkaSettings#WORKLOAD_API}, these clients are this workload to the brokers.
   *
   * @param clientProperties settings of Kafka clients, {@code bootstrap.servers} at least; what the
   *     contracts of Meshward need is set over them
   * @param prefix what the topics' names begin with
   */
  public MeshRuntimeBuilder kafka(Map<String, Object> clientProperties, String prefix) {
    this.kafkaProperties = new HashMap<>(clientProperties);
    this.kafkaPrefix = TopicCatalogue.requirePrefix(prefix);
    return this;
  }

  /**
   * Reports one in so many plain allows of each caller and method, and always the first; how many
   * are left out is reported once a second. What is refused, carries credentials or claims, or
   * would have been refused by the policy on trial is always reported. Default: all.
   *
   * @throws IllegalArgumentException if it is not positive
   */
  public MeshRuntimeBuilder sampleAllows(int oneIn) {
    if (oneIn < 1) {
      throw new IllegalArgumentException(
          "one in " + oneIn + " allows is to be reported: expected at least 1");
    }
    this.allowsOneIn = oneIn;
    return this;
  }

  /**
   * Tells OpenTelemetry of calls and handshakes: spans with the identities and the decision, and
   * metrics. A span that an instrumentation has begun is used, else each call gets one. Default:
   * nothing is told.
   */
  public MeshRuntimeBuilder openTelemetry(OpenTelemetry api) {
    this.openTelemetry = api;
    return this;
  }

  /** Sends events and enforcement reports there instead. The runtime closes it. */
  public MeshRuntimeBuilder events(EventSink sink) {
    this.events = new GuardedEventSink(sink);
    return this;
  }

  /** Takes holds from there instead. The runtime closes it. */
  public MeshRuntimeBuilder quarantine(QuarantineSource source) {
    this.quarantine = source;
    return this;
  }

  /** Runs blind: nothing this workload sees is reported. Loud. */
  public MeshRuntimeBuilder withoutEvents() {
    this.withoutEvents = true;
    return this;
  }

  /** Runs without holds: a stolen SVID is good until it expires. Loud. */
  public MeshRuntimeBuilder withoutQuarantine() {
    this.withoutQuarantine = true;
    return this;
  }

  /** Serves and dials before the holds could be read for the first time. Loud; default: closed. */
  public MeshRuntimeBuilder openWhileQuarantineUnread() {
    this.openWhileQuarantineUnread = true;
    return this;
  }

  /**
   * Keeps the holds in a file, and starts with those when they cannot be read in time and are not
   * too old. Default: none are kept, and such a start is closed.
   *
   * @param file replaced as a whole; its folder must exist
   * @throws IllegalArgumentException if the age is not positive
   */
  public MeshRuntimeBuilder quarantineSnapshot(Path file, Duration maxAge) {
    if (!maxAge.isPositive()) {
      throw new IllegalArgumentException(
          "the snapshot's age is " + maxAge + ": expected a positive one");
    }
    this.quarantineSnapshot = new QuarantineSnapshot.Place(file, maxAge);
    return this;
  }

  /**
   * Identities that are never refused, whatever a hold says: patterns as a policy's principals. For
   * what would take the mesh down with it.
   */
  public MeshRuntimeBuilder protectedIdentities(String... patterns) {
    this.protectedIdentities.addAll(List.of(patterns));
    return this;
  }

  /** The node and pod this process runs in, for its events. */
  public MeshRuntimeBuilder local(@Nullable String nodeName, @Nullable String podName) {
    this.node = nodeName;
    this.pod = podName;
    return this;
  }

  /** How long {@link #start} waits for the first SVID before it throws. Default: 30 seconds. */
  public MeshRuntimeBuilder startDeadline(Duration deadline) {
    this.startDeadline = deadline;
    return this;
  }

  /**
   * How long {@link #start} then waits for the holds before it returns with everything refused.
   * Default: 10 seconds.
   */
  public MeshRuntimeBuilder quarantineDeadline(Duration deadline) {
    this.quarantineDeadline = deadline;
    return this;
  }

  /**
   * Of whose X.509-SVIDs the standard's rules for issuers are enforced, beside those for
   * validators. Default: of this workload's own trust domain.
   */
  public MeshRuntimeBuilder profile(SvidProfile rules) {
    this.profile = rules;
    return this;
  }

  /**
   * By how much the clock of a JWT-SVID's issuer may differ from ours (JWT-SVID, appendix A).
   * Default: not at all.
   *
   * @throws IllegalArgumentException if it is negative or more than a minute
   */
  public MeshRuntimeBuilder jwtLeeway(Duration leeway) {
    if (leeway.isNegative() || leeway.compareTo(Duration.ofMinutes(1)) > 0) {
      throw new IllegalArgumentException(
          "the leeway is " + leeway + ": expected from none to a minute");
    }
    this.jwtLeeway = leeway;
    return this;
  }

  /**
   * Which groups gRPC's key exchange may use, by their IANA names, the most wanted first. Default:
   * {@code X25519MLKEM768} (hybrid post-quantum), {@code x25519}, {@code secp256r1} with BoringSSL,
   * the JDK's own without. {@link #start} throws if whoever does TLS here lacks one.
   */
  public MeshRuntimeBuilder tlsGroups(String... names) {
    this.tlsGroups = List.of(names);
    return this;
  }

  /** How to learn of revoked certificates, beside the quarantine. */
  public MeshRuntimeBuilder revocation(RevocationOptions options) {
    this.revocation = options;
    return this;
  }

  MeshRuntimeBuilder clock(Clock source) {
    this.clock = source;
    return this;
  }

  MeshRuntimeBuilder limits(TransportLimits bounds) {
    this.limits = bounds;
    return this;
  }

  MeshRuntimeBuilder tlsProvider(SslProvider provider) {
    this.tlsProvider = provider;
    return this;
  }

  /**
   * Opens the Workload API and waits for the first SVID, and for the holds.
   *
   * <p>Without the holds the runtime starts closed, and opens when they have been read.
   *
   * <p>A start that fails leaves nothing open: the sources and the sink that were given are closed.
   *
   * @throws MeshRuntimeException if no SVID comes in time, or the policy is unusable; it says what
   *     to check
   * @throws IllegalArgumentException if a setting is missing or wrong
   */
  public MeshRuntime start() {
    return MeshRuntime.start(this);
  }
}
