package io.meshward.runtime;

import io.grpc.ServerCredentials;
import io.meshward.schemas.SpiffeId;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.List;
import java.util.Map;
import javax.net.ssl.SSLContext;

/**
 * A workload's place in the mesh: its SVID, servers and channels that speak mTLS with it, and what
 * they see as events.
 *
 * <p>The SVID is rotated without a restart. Peers that have no valid SVID, are held in quarantine,
 * or are refused by the policy are kept out; connections of a peer that becomes held are cut.
 * Whatever is in doubt is refused. Thread-safe.
 */
public final class MeshRuntime implements AutoCloseable {
  private final RuntimeAssembly assembly;

  private MeshRuntime(RuntimeAssembly assembly) {
    this.assembly = assembly;
  }

  /** Says what a runtime needs, then starts it. */
  public static MeshRuntimeBuilder builder() {
    return new MeshRuntimeBuilder();
  }

  static MeshRuntime start(MeshRuntimeBuilder settings) {
    RuntimeAssembly assembly = RuntimeAssembly.of(settings);
    try {
      assembly.open(settings.startDeadline, settings.quarantineDeadline);
      return new MeshRuntime(assembly);
    } catch (RuntimeException | Error e) {
      assembly.close();
      throw e;
    }
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
    return assembly.serverBuilder(address);
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
    return assembly.serverBuilder(address, credentials, peers);
  }

  /**
   * A channel to a server of one identity. Whoever else answers is refused, whatever the address.
   *
   * @param target as gRPC names it, such as {@code dns:///orders:8443} or {@code unix:/run/orders}
   */
  public MeshChannelBuilder channelBuilder(String target, SpiffeId expectedPeer) {
    return assembly.channelBuilder(target, expectedPeer);
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
    return assembly.identity();
  }

  /** TLS with this workload's SVID for what is not gRPC. */
  public MeshTls tls() {
    return assembly.tls();
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
    return assembly.kafkaClient(List.of(brokers));
  }

  /**
   * JWT-SVIDs, fetched and verified. The first call begins to watch the JWT bundles of the Workload
   * API; without one they are not asked for.
   */
  public JwtSvids jwtSvids() {
    return assembly.jwtSvids();
  }

  /**
   * Signs what this workload knows of certificates as OCSP responses: a status responder, for whom
   * its clients name this workload's SPIFFE ID. Needs BouncyCastle on the class path.
   */
  public StatusSigner statusSigner() {
    return assembly.statusSigner();
  }

  /**
   * Serves the bundle of this workload's trust domain to other trust domains, by the profile
   * https_spiffe: the server shows this workload's SVID. The caller closes it.
   */
  public BundleServer serveBundle(InetSocketAddress address) {
    return assembly.serveBundle(address, null);
  }

  /**
   * The same by the profile https_web.
   *
   * @param tls shows a certificate of a public authority for the host
   */
  public BundleServer serveBundle(InetSocketAddress address, SSLContext tls) {
    return assembly.serveBundle(address, tls);
  }

  /** How this runtime stands. */
  public RuntimeStatus status() {
    return assembly.status();
  }

  /**
   * Ends all connections, sends the events that wait (for some seconds at most), and frees
   * everything. Servers and channels should be shut down before. Idempotent.
   */
  @Override
  public void close() {
    assembly.close();
  }
}
