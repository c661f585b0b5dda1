package io.meshward.examples;

import io.grpc.Channel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import io.meshward.examples.shop.ChargeRequest;
import io.meshward.examples.shop.OrdersGrpc;
import io.meshward.examples.shop.PaymentGrpc;
import io.meshward.examples.shop.PlaceOrderReply;
import io.meshward.examples.shop.PlaceOrderRequest;
import java.util.UUID;

/** Takes an order and has it paid: the service called {@code orders}. */
public final class OrdersService extends OrdersGrpc.OrdersImplBase {
  private final PaymentGrpc.PaymentBlockingStub payment;

  OrdersService(Channel payment) {
    this.payment = PaymentGrpc.newBlockingStub(payment);
  }

  /** Serves orders to the frontend until it is told to stop. */
  public static void main(String[] arguments) throws Exception {
    try (ShopProcess shop = ShopProcess.start("orders")) {
      Channel payment = shop.channel("payment");
      shop.connect();
      shop.serve(new OrdersService(payment));
      shop.awaitStop();
    }
  }

  @Override
  public void placeOrder(PlaceOrderRequest request, StreamObserver<PlaceOrderReply> reply) {
    ChargeRequest charge =
        ChargeRequest.newBuilder()
            .setCustomer(request.getCustomer())
            .setAmountCents(request.getPriceCents())
            .build();
    try {
      String receipt = ShopProcess.patient(payment).charge(charge).getReceipt();
      reply.onNext(
          PlaceOrderReply.newBuilder()
              .setOrder(UUID.randomUUID().toString())
              .setReceipt(receipt)
              .build());
      reply.onCompleted();
    } catch (StatusRuntimeException e) {
      // The caller learns that the payment failed, not why a peer refused us.
      reply.onError(
          Status.UNAVAILABLE.withDescription("the payment did not go through").asException());
    }
  }
}
