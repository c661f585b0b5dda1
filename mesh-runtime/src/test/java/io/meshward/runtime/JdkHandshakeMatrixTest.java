package io.meshward.runtime;

import io.grpc.netty.shaded.io.netty.handler.ssl.SslProvider;

class JdkHandshakeMatrixTest extends HandshakeMatrix {
  JdkHandshakeMatrixTest() {
    super(SslProvider.JDK);
  }
}
