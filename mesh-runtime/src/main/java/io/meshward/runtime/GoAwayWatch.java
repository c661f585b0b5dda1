package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.grpc.netty.shaded.io.netty.buffer.ByteBuf;
import io.grpc.netty.shaded.io.netty.channel.ChannelHandlerContext;
import io.grpc.netty.shaded.io.netty.channel.ChannelOutboundHandlerAdapter;
import io.grpc.netty.shaded.io.netty.channel.ChannelPromise;
import io.grpc.netty.shaded.io.netty.handler.codec.http2.Http2Error;
import io.grpc.netty.shaded.io.netty.handler.codec.http2.Http2FrameTypes;
import java.util.Locale;
import java.util.function.Consumer;

/**
 * Reads the frames that this side writes on one connection (RFC 9113 4.1) to find out whether it
 * says good-bye because its peer breaks the rules: gRPC ends such a connection, and tells nobody
 * why but the peer. For the channel's own thread, behind the handler of TLS.
 */
final class GoAwayWatch extends ChannelOutboundHandlerAdapter {
  private static final int FRAME_HEADER = 9;
  private static final int TYPE = 3;

  /** Of the payload of a GOAWAY frame: the last stream, the error, then words. */
  private static final int ERROR = 4;

  private static final int WORDS = 8;
  private static final int MOST_WORDS = 128;

  /** What a client says before its first frame (RFC 9113 3.4). */
  private static final int CLIENT_PREFACE = 24;

  private final Consumer<String> broken;
  private final byte[] kept = new byte[Math.max(FRAME_HEADER, WORDS + MOST_WORDS)];
  private boolean inPayload;
  private boolean inGoAway;
  private int read;
  private int length;

  /**
   * @param broken told, once for each such good-bye, which rule the peer broke: a code from a fixed
   *     set
   */
  GoAwayWatch(boolean client, Consumer<String> broken) {
    this.broken = broken;
    inPayload = client;
    length = client ? CLIENT_PREFACE : FRAME_HEADER;
  }

  @Override
  public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
    if (message instanceof ByteBuf bytes) {
      read(bytes);
    }
    var unused = context.write(message, promise);
  }

  private void read(ByteBuf bytes) {
    int at = bytes.readerIndex();
    int end = bytes.writerIndex();
    while (at < end) {
      int count = Math.min(end - at, length - read);
      if ((!inPayload || inGoAway) && read < kept.length) {
        bytes.getBytes(at, kept, read, Math.min(count, kept.length - read));
      }
      at += count;
      read += count;
      if (read == length) {
        next();
      }
    }
  }

  private void next() {
    if (inPayload) {
      if (inGoAway) {
        goesAway();
      }
      header();
      return;
    }
    inGoAway = kept[TYPE] == Http2FrameTypes.GO_AWAY;
    length = (kept[0] & 0xff) << 16 | (kept[1] & 0xff) << 8 | (kept[2] & 0xff);
    inPayload = true;
    read = 0;
    if (length == 0) {
      header();
    }
  }

  private void header() {
    inPayload = false;
    inGoAway = false;
    length = FRAME_HEADER;
    read = 0;
  }

  private void goesAway() {
    if (length < WORDS) {
      return;
    }
    long code =
        (kept[ERROR] & 0xffL) << 24
            | (kept[ERROR + 1] & 0xff) << 16
            | (kept[ERROR + 2] & 0xff) << 8
            | (kept[ERROR + 3] & 0xff);
    Http2Error error = Http2Error.valueOf(code);
    if (error != Http2Error.NO_ERROR) {
      String words = new String(kept, WORDS, Math.min(length - WORDS, MOST_WORDS), UTF_8);
      broken.accept(rule(error, words));
    }
  }

  /** The words are those of gRPC and Netty, without any of the peer's. */
  private static String rule(Http2Error error, String words) {
    if (error == Http2Error.ENHANCE_YOUR_CALM && words.contains("pings")) {
      return "http2:too_many_pings";
    }
    if (error == Http2Error.ENHANCE_YOUR_CALM && words.contains("rst")) {
      return "http2:too_many_resets";
    }
    return "http2:" + error.name().toLowerCase(Locale.ROOT);
  }
}
