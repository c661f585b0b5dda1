package io.meshward.examples;

import io.grpc.Channel;
import io.grpc.StatusRuntimeException;
import io.meshward.examples.shop.CheckSessionRequest;
import io.meshward.examples.shop.OrdersGrpc;
import io.meshward.examples.shop.PlaceOrderRequest;
import io.meshward.examples.shop.SessionsGrpc;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

/** Where customers come in: the service called {@code frontend}; here it also plays them. */
public final class FrontendService {
  private static final Duration BETWEEN_CUSTOMERS = Duration.ofMillis(100);

  private final SessionsGrpc.SessionsBlockingStub sessions;
  private final OrdersGrpc.OrdersBlockingStub orders;
  private final AtomicLong customers = new AtomicLong();

  FrontendService(Channel authProxy, Channel orders) {
    this.sessions = SessionsGrpc.newBlockingStub(authProxy);
    this.orders = OrdersGrpc.newBlockingStub(orders);
  }

  /** Serves customers until it is told to stop. */
  public static void main(String[] arguments) throws Exception {
    try (ShopProcess shop = ShopProcess.start("frontend")) {
      var frontend = new FrontendService(shop.channel("auth-proxy"), shop.channel("orders"));
      shop.connect();
      shop.ready();
      shop.repeat(BETWEEN_CUSTOMERS, frontend::serveCustomer);
      shop.awaitStop();
    }
  }

  /** One customer's visit: whose session it is, then their order. */
  void serveCustomer() {
    String session = "session-of-customer-" + customers.incrementAndGet();
    try {
      String customer =
          ShopProcess.patient(sessions)
              .checkSession(CheckSessionRequest.newBuilder().setSession(session).build())
              .getCustomer();
      ShopProcess.patient(orders)
          .placeOrder(
              PlaceOrderRequest.newBuilder()
                  .setCustomer(customer)
                  .setArticle("tea")
                  .setPriceCents(450)
                  .build());
    } catch (StatusRuntimeException e) {
      // Every call and how it ended is in the call report; a customer who was refused comes again.
    }
  }
}
