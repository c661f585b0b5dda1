package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import javax.net.ssl.SSLSocket;

/** HTTP/2 written by hand (RFC 9113), for what no well-behaved client does. Not thread-safe. */
final class RawHttp2 implements AutoCloseable {
  static final int DATA = 0;
  static final int HEADERS = 1;
  static final int RST_STREAM = 3;
  static final int SETTINGS = 4;
  static final int PING = 6;
  static final int GO_AWAY = 7;
  static final int ENHANCE_YOUR_CALM = 0xb;

  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final int ACK = 1;
  private static final int END_HEADERS = 4;

  /** Of the static table: {@code accept-encoding: gzip, deflate}, 60 bytes of a header list. */
  private static final byte SIXTY_BYTES = (byte) (0x80 | 16);

  /** One frame. */
  record Frame(int type, int flags, int stream, ByteBuffer payload) {

    /** The error of a GOAWAY frame. */
    int error() {
      return payload.getInt(4);
    }

    /** What a GOAWAY frame or a message says. */
    String words(int from) {
      return UTF_8.decode(payload.slice(from, payload.limit() - from)).toString();
    }

    /** The values of a SETTINGS frame, by their identifiers. */
    Map<Integer, Integer> settings() {
      Map<Integer, Integer> settings = new HashMap<>();
      ByteBuffer left = payload.duplicate();
      while (left.hasRemaining()) {
        settings.put((int) left.getShort(), left.getInt());
      }
      return settings;
    }
  }

  private final Socket socket;
  private final DataInputStream in;
  private final ByteArrayOutputStream unsent = new ByteArrayOutputStream();

  /** Begins, by TLS after a handshake. */
  RawHttp2(Socket socket) throws IOException {
    this.socket = socket;
    socket.setSoTimeout((int) PATIENCE.toMillis());
    if (socket instanceof SSLSocket tls) {
      tls.startHandshake();
    }
    in = new DataInputStream(socket.getInputStream());
    unsent.writeBytes(Attacker.HTTP_2_PREFACE);
  }

  /**
   * Opens a call.
   *
   * @param more how many times 60 bytes its metadata have beside what they need
   */
  RawHttp2 call(int stream, String path, int more) {
    ByteArrayOutputStream block = new ByteArrayOutputStream();
    block.write(0x83); // :method: POST
    block.write(0x87); // :scheme: https
    literal(block, 0x04, path);
    literal(block, 0x01, "localhost");
    block.write(0x0f); // content-type, whose index does not fit
    literal(block, 0x10, "application/grpc");
    block.write(0x00);
    text(block, "te");
    text(block, "trailers");
    for (int i = 0; i < more; i++) {
      block.write(SIXTY_BYTES);
    }
    return frame(HEADERS, END_HEADERS, stream, block.toByteArray());
  }

  /** A message of an open call. */
  RawHttp2 say(int stream, String message) {
    byte[] text = message.getBytes(UTF_8);
    return frame(
        DATA,
        0,
        stream,
        ByteBuffer.allocate(5 + text.length).put((byte) 0).putInt(text.length).put(text).array());
  }

  RawHttp2 reset(int stream) {
    return frame(RST_STREAM, 0, stream, new byte[] {0, 0, 0, 8});
  }

  RawHttp2 ping() {
    return frame(PING, 0, 0, new byte[8]);
  }

  /** Sends all that was written. */
  RawHttp2 send() throws IOException {
    socket.getOutputStream().write(unsent.toByteArray());
    socket.getOutputStream().flush();
    unsent.reset();
    return this;
  }

  int localPort() {
    return socket.getLocalPort();
  }

  /** The next frame that a condition holds for; those before are passed over. */
  Frame await(Predicate<Frame> condition) throws IOException {
    List<Integer> passed = new ArrayList<>();
    // A server that probes the connection is never silent for long enough to time out.
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (System.nanoTime() < end) {
      Frame frame = next();
      if (condition.test(frame)) {
        return frame;
      }
      passed.add(frame.type());
    }
    throw new AssertionError("not within " + PATIENCE + ", but frames of the types " + passed);
  }

  Frame await(int type) throws IOException {
    return await(frame -> frame.type() == type);
  }

  Frame awaitPong() throws IOException {
    return await(
        frame -> {
          if (frame.type() == GO_AWAY) {
            throw new AssertionError("the server goes away: " + frame.words(8));
          }
          return frame.type() == PING && (frame.flags() & ACK) != 0;
        });
  }

  /** The server ends the connection, whatever it says before. */
  void awaitEnd() {
    try {
      long end = System.nanoTime() + PATIENCE.toNanos();
      while (System.nanoTime() < end) {
        next();
      }
      throw new AssertionError("the connection was not ended within " + PATIENCE);
    } catch (java.net.SocketTimeoutException e) {
      throw new AssertionError("the connection was not ended", e);
    } catch (IOException ended) {
      // An end in good order or a reset.
    }
  }

  private Frame next() throws IOException {
    int head = in.readInt();
    int length = head >>> 8;
    int flags = in.readUnsignedByte();
    int stream = in.readInt();
    byte[] payload = in.readNBytes(length);
    if (payload.length < length) {
      throw new EOFException();
    }
    Frame frame = new Frame(head & 0xff, flags, stream, ByteBuffer.wrap(payload));
    if (frame.type() == PING && (flags & ACK) == 0) {
      // A server that goes away in good order waits for it.
      frame(PING, ACK, 0, payload).send();
    }
    return frame;
  }

  private RawHttp2 frame(int type, int flags, int stream, byte[] payload) {
    unsent.writeBytes(
        ByteBuffer.allocate(9)
            .putInt((payload.length << 8) | type)
            .put((byte) flags)
            .putInt(stream)
            .array());
    unsent.writeBytes(payload);
    return this;
  }

  /** A field that is not indexed: its name by index or by a prefix that was written. */
  private static void literal(ByteArrayOutputStream block, int name, String value) {
    block.write(name);
    text(block, value);
  }

  private static void text(ByteArrayOutputStream block, String text) {
    block.write(text.length());
    block.writeBytes(text.getBytes(US_ASCII));
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
