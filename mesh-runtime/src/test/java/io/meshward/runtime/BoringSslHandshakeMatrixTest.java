package io.meshward.runtime;

import io.grpc.netty.shaded.io.netty.handler.ssl.SslProvider;

class BoringSslHandshakeMatrixTest extends HandshakeMatrix {
  BoringSslHandshakeMatrixTest() {
    super(SslProvider.OPENSSL);
  }
}
