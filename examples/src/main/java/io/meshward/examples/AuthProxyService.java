package io.meshward.examples;

import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import io.meshward.examples.shop.CheckSessionReply;
import io.meshward.examples.shop.CheckSessionRequest;
import io.meshward.examples.shop.SessionsGrpc;

/** Knows whose session it is: the service called {@code auth-proxy}. */
public final class AuthProxyService extends SessionsGrpc.SessionsImplBase {
  private static final String PREFIX = "session-of-";

  /** Serves session checks to the frontend until it is told to stop. */
  public static void main(String[] arguments) throws Exception {
    try (ShopProcess shop = ShopProcess.start("auth-proxy")) {
      shop.serve(new AuthProxyService());
      shop.awaitStop();
    }
  }

  @Override
  public void checkSession(CheckSessionRequest request, StreamObserver<CheckSessionReply> reply) {
    if (!request.getSession().startsWith(PREFIX)) {
      reply.onError(Status.NOT_FOUND.withDescription("no such session").asException());
      return;
    }
    reply.onNext(
        CheckSessionReply.newBuilder()
            .setCustomer(request.getSession().substring(PREFIX.length()))
            .build());
    reply.onCompleted();
  }
}
