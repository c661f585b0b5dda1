package io.meshward.runtime;

import io.grpc.netty.shaded.io.netty.handler.ssl.SslProvider;

/** Which implementation of TLS a runtime uses; users have no choice but by what is installed. */
public enum ForcedTls {
  BORINGSSL(SslProvider.OPENSSL),
  JDK(SslProvider.JDK);

  private final SslProvider provider;

  ForcedTls(SslProvider provider) {
    this.provider = provider;
  }

  /** Netty's name for it. */
  public SslProvider netty() {
    return provider;
  }

  /** Makes a runtime use it. */
  public MeshRuntimeBuilder of(MeshRuntimeBuilder builder) {
    return builder.tlsProvider(provider);
  }
}
