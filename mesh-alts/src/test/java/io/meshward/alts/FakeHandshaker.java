package io.meshward.alts;

import com.google.protobuf.ByteString;
import io.grpc.Server;
import io.grpc.alts.internal.HandshakerReq;
import io.grpc.alts.internal.HandshakerResp;
import io.grpc.alts.internal.HandshakerResult;
import io.grpc.alts.internal.HandshakerServiceGrpc;
import io.grpc.alts.internal.Identity;
import io.grpc.alts.internal.RpcProtocolVersions;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.nio.NioIoHandler;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioServerSocketChannel;
import io.grpc.netty.shaded.io.netty.util.concurrent.DefaultThreadFactory;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;

/**
 * The handshaker service of Google Cloud (grpc/gcp/handshaker.proto) for both sides of a
 * connection: it vouches for the service account of every client, and hands both the same key.
 */
final class FakeHandshaker extends HandshakerServiceGrpc.HandshakerServiceImplBase
    implements AutoCloseable {
  private static final String SERVER_ACCOUNT = "orders@shop.iam.gserviceaccount.com";
  private static final ByteString CLIENT_INIT = ByteString.copyFromUtf8("ClientInit");
  private static final ByteString SERVER_INIT = ByteString.copyFromUtf8("ServerInit");
  private static final ByteString CLIENT_FINISHED = ByteString.copyFromUtf8("ClientFinished");
  private static final ByteString KEY = ByteString.copyFrom(new byte[44]);

  /** Its own: grpc-alts blocks the loop of a connection until the handshaker has answered. */
  private final EventLoopGroup loop =
      new MultiThreadIoEventLoopGroup(
          1, new DefaultThreadFactory("fake-handshaker", true), NioIoHandler.newFactory());

  private final Server server;
  private volatile String clientAccount = "";

  FakeHandshaker() {
    try {
      server =
          NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
              .channelType(NioServerSocketChannel.class)
              .bossEventLoopGroup(loop)
              .workerEventLoopGroup(loop)
              .addService(this)
              .build()
              .start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  String address() {
    return "127.0.0.1:" + server.getPort();
  }

  /** The service account of clients from now on. */
  void clientsAre(String account) {
    clientAccount = account;
  }

  @Override
  public StreamObserver<HandshakerReq> doHandshake(StreamObserver<HandshakerResp> replies) {
    return new StreamObserver<>() {
      private boolean client;

      @Override
      public void onNext(HandshakerReq request) {
        HandshakerResp.Builder reply = HandshakerResp.newBuilder();
        if (request.hasClientStart()) {
          client = true;
          reply.setOutFrames(CLIENT_INIT);
        } else if (request.hasServerStart()) {
          reply.setOutFrames(SERVER_INIT).setBytesConsumed(CLIENT_INIT.size());
        } else if (client) {
          reply
              .setOutFrames(CLIENT_FINISHED)
              .setBytesConsumed(SERVER_INIT.size())
              .setResult(result(SERVER_ACCOUNT, clientAccount));
        } else {
          reply
              .setBytesConsumed(CLIENT_FINISHED.size())
              .setResult(result(clientAccount, SERVER_ACCOUNT));
        }
        replies.onNext(reply.build());
      }

      @Override
      public void onError(Throwable failure) {}

      @Override
      public void onCompleted() {
        replies.onCompleted();
      }
    };
  }

  private static HandshakerResult result(String peer, String local) {
    RpcProtocolVersions.Version version =
        RpcProtocolVersions.Version.newBuilder().setMajor(2).setMinor(1).build();
    return HandshakerResult.newBuilder()
        .setApplicationProtocol("grpc")
        .setRecordProtocol("ALTSRP_GCM_AES128_REKEY")
        .setKeyData(KEY)
        .setPeerIdentity(Identity.newBuilder().setServiceAccount(peer))
        .setLocalIdentity(Identity.newBuilder().setServiceAccount(local))
        .setPeerRpcVersions(
            RpcProtocolVersions.newBuilder().setMaxRpcVersion(version).setMinRpcVersion(version))
        .build();
  }

  @Override
  public void close() {
    server.shutdownNow();
    var unused = loop.shutdownGracefully(0, 1, TimeUnit.SECONDS);
  }
}
