package io.meshward.runtime;

import java.nio.ByteBuffer;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLException;

/** TLS without a network between its two sides. */
final class Engines {
  private Engines() {}

  static void shakeHands(SSLEngine client, SSLEngine server) throws SSLException {
    ByteBuffer toServer = ByteBuffer.allocate(64 * 1024);
    ByteBuffer toClient = ByteBuffer.allocate(64 * 1024);
    client.beginHandshake();
    server.beginHandshake();
    for (int round = 0; round < 50; round++) {
      step(client, toServer, toClient);
      step(server, toClient, toServer);
      if (isDone(client) && isDone(server) && toServer.position() + toClient.position() == 0) {
        return;
      }
    }
    throw new AssertionError("no end of the handshake");
  }

  private static boolean isDone(SSLEngine engine) {
    return engine.getHandshakeStatus() == HandshakeStatus.NOT_HANDSHAKING;
  }

  private static void step(SSLEngine engine, ByteBuffer out, ByteBuffer in) throws SSLException {
    for (Runnable task = engine.getDelegatedTask();
        task != null;
        task = engine.getDelegatedTask()) {
      task.run();
    }
    if (engine.getHandshakeStatus() == HandshakeStatus.NEED_WRAP) {
      engine.wrap(ByteBuffer.allocate(0), out);
    } else {
      in.flip();
      SSLEngineResult unused = engine.unwrap(in, ByteBuffer.allocate(32 * 1024));
      in.compact();
    }
  }

  /** Sends one byte from one side to the other. */
  static void send(SSLEngine from, SSLEngine to) throws SSLException {
    ByteBuffer wire = ByteBuffer.allocate(32 * 1024);
    SSLEngineResult sent = from.wrap(ByteBuffer.wrap(new byte[] {1}), wire);
    wire.flip();
    ByteBuffer got = ByteBuffer.allocate(32 * 1024);
    while (wire.hasRemaining()) {
      SSLEngineResult unused = to.unwrap(wire, got);
    }
    if (sent.bytesConsumed() != 1 || got.position() != 1) {
      throw new SSLException("the byte did not come: " + sent);
    }
  }
}
