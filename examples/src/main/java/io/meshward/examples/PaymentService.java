package io.meshward.examples;

import io.grpc.stub.StreamObserver;
import io.meshward.examples.shop.ChargeReply;
import io.meshward.examples.shop.ChargeRequest;
import io.meshward.examples.shop.PaymentGrpc;
import io.meshward.runtime.PeerIdentity;
import java.util.UUID;

/** Charges a customer: the service called {@code payment}. */
public final class PaymentService extends PaymentGrpc.PaymentImplBase {

  /** Serves charges to orders until it is told to stop. */
  public static void main(String[] arguments) throws Exception {
    try (ShopProcess shop = ShopProcess.start("payment")) {
      shop.serve(new PaymentService());
      shop.awaitStop();
    }
  }

  @Override
  public void charge(ChargeRequest request, StreamObserver<ChargeReply> reply) {
    // Who calls is known from the TLS session, and the policy has let them in: no metadata is
    // asked.
    String merchant = PeerIdentity.current().id().toString();
    reply.onNext(
        ChargeReply.newBuilder()
            .setReceipt(
                UUID.randomUUID() + ": " + request.getAmountCents() + " cents for " + merchant)
            .build());
    reply.onCompleted();
  }
}
