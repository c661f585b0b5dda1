package io.meshward.alts;

import io.grpc.ServerCredentials;
import io.grpc.alts.AltsServerCredentials;
import io.grpc.alts.InternalCheckGcpEnvironment;
import io.meshward.runtime.MeshRuntime;
import io.meshward.runtime.MeshRuntimeException;
import io.meshward.runtime.MeshServerBuilder;
import io.meshward.schemas.SpiffeId;
import java.net.InetSocketAddress;
import java.util.Map;

/** Servers for callers whom ALTS authenticates, on Google Cloud only. */
public final class AltsServer {
  private AltsServer() {}

  /**
   * A server on a port of every address of the machine; 0 picks a free one. Its calls pass the same
   * gate as those of every other server of the runtime: the policy is asked about the SPIFFE ID
   * that a caller's service account stands for, holds on it cut its connections, and handshakes and
   * decisions are events.
   *
   * @param accounts which SPIFFE ID each service account stands for; others are refused
   * @throws MeshRuntimeException if this is not a machine of Google Cloud
   * @throws IllegalArgumentException if no service account is named
   */
  public static MeshServerBuilder builder(
      MeshRuntime mesh, int port, Map<String, SpiffeId> accounts) {
    if (!InternalCheckGcpEnvironment.isOnGcp()) {
      throw new MeshRuntimeException(
          "ALTS works on Google Cloud only, and this machine does not look like one of it"
              + " (/sys/class/dmi/id/product_name): use MeshRuntime.serverBuilder");
    }
    return builder(mesh, port, accounts, AltsServerCredentials.create());
  }

  static MeshServerBuilder builder(
      MeshRuntime mesh, int port, Map<String, SpiffeId> accounts, ServerCredentials credentials) {
    if (accounts.isEmpty()) {
      throw new IllegalArgumentException(
          "no service account is named: expected those that may call");
    }
    AltsPeers peers = new AltsPeers(accounts);
    return mesh.serverBuilder(new InetSocketAddress(port), credentials, peers).intercept(peers);
  }
}
