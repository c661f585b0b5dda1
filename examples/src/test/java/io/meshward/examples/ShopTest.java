package io.meshward.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.groups.Tuple.tuple;

import io.grpc.BindableService;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ClientInterceptors;
import io.grpc.ConnectivityState;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.meshward.examples.shop.ChargeRequest;
import io.meshward.examples.shop.OrdersGrpc;
import io.meshward.examples.shop.PaymentGrpc;
import io.meshward.examples.shop.PlaceOrderReply;
import io.meshward.examples.shop.PlaceOrderRequest;
import io.meshward.runtime.MeshRuntime;
import io.meshward.runtime.MeshRuntimeBuilder;
import io.meshward.testkit.TestMesh;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The shop's services with each other, over real mTLS with SVIDs of the test kit. */
final class ShopTest {
  private static final String IDENTITIES = "spiffe://example.org/ns/shop/sa/";

  private final TestMesh mesh = TestMesh.start("example.org");
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final List<ShopProcess> processes = new ArrayList<>();
  @TempDir Path endpoints;

  @AfterEach
  void stop() {
    processes.reversed().forEach(ShopProcess::close);
    mesh.close();
  }

  @Test
  void customerIsServedByTheWholeShop() throws Exception {
    serve("payment", _ -> new PaymentService());
    serve("orders", shop -> new OrdersService(shop.channel("payment")));
    serve("auth-proxy", _ -> new AuthProxyService());
    ShopProcess frontend = process("frontend");

    new FrontendService(frontend.channel("auth-proxy"), frontend.channel("orders")).serveCustomer();

    assertThat(calls())
        .extracting(ShopLine.Call::caller, ShopLine.Call::callee, ShopLine.Call::status)
        .containsExactlyInAnyOrder(
            tuple("frontend", "auth-proxy", "OK"),
            tuple("frontend", "orders", "OK"),
            tuple("orders", "payment", "OK"));
  }

  @Test
  void callThatFollowsFromAnotherNamesIt() throws Exception {
    serve("payment", _ -> new PaymentService());
    serve("orders", shop -> new OrdersService(shop.channel("payment")));
    Channel orders = process("frontend").channel("orders");

    var _ =
        ShopProcess.patient(OrdersGrpc.newBlockingStub(orders))
            .placeOrder(PlaceOrderRequest.getDefaultInstance());

    ShopLine.Call order = call("frontend", "orders");
    ShopLine.Call charge = call("orders", "payment");
    assertThat(order.parent()).isNull();
    assertThat(charge.parent()).isEqualTo(order.id()).isNotEqualTo(charge.id());
  }

  @Test
  void callThatIsUnderWayWhenTheProcessStopsIsReported() throws Exception {
    ShopProcess frontend = process("frontend");
    Channel toNobody = frontend.channel("orders");
    // Before it knows that nobody is there, its end would be told as a cancellation.
    while (((ManagedChannel) toNobody).getState(true) != ConnectivityState.TRANSIENT_FAILURE) {
      LockSupport.parkNanos(1_000_000);
    }
    var underWay = new CountDownLatch(1);
    Channel orders = telling(toNobody, underWay);
    var ended = new CompletableFuture<@Nullable Void>();
    Thread.ofVirtual()
        .start(
            () -> {
              try {
                var _ =
                    ShopProcess.patient(OrdersGrpc.newBlockingStub(orders))
                        .placeOrder(PlaceOrderRequest.getDefaultInstance());
              } catch (StatusRuntimeException e) {
                ended.complete(null);
              }
            });

    assertThat(underWay.await(30, TimeUnit.SECONDS)).isTrue();
    frontend.close();

    ended.get(30, TimeUnit.SECONDS);
    assertThat(call("frontend", "orders").status()).isEqualTo("UNAVAILABLE");
  }

  @Test
  void nobodyIsConnectedBeforeTheyAreThere() throws Exception {
    ShopProcess orders = process("orders");
    Channel payment = orders.channel("payment");
    var connected = new CompletableFuture<Boolean>();
    Thread.ofVirtual()
        .start(
            () -> {
              try {
                orders.connect();
                connected.complete(true);
              } catch (InterruptedException e) {
                connected.complete(false);
              }
            });
    assertThat(connected).isNotDone();

    serve("payment", _ -> new PaymentService());

    assertThat(connected.get(30, TimeUnit.SECONDS)).isTrue();
    var _ = PaymentGrpc.newBlockingStub(payment).charge(ChargeRequest.getDefaultInstance());
    assertThat(call("orders", "payment").status()).isEqualTo("OK");
  }

  @Test
  void receiptNamesWhoCalledByTheirSvid() throws Exception {
    serve("payment", _ -> new PaymentService());
    serve("orders", shop -> new OrdersService(shop.channel("payment")));
    Channel orders = process("frontend").channel("orders");

    PlaceOrderReply reply =
        ShopProcess.patient(OrdersGrpc.newBlockingStub(orders))
            .placeOrder(PlaceOrderRequest.newBuilder().setPriceCents(450).build());

    assertThat(reply.getReceipt()).endsWith("450 cents for " + IDENTITIES + "orders");
  }

  @Test
  void whoIsNotInThePolicyIsRefused() throws Exception {
    serve("payment", _ -> new PaymentService());
    Channel payment = process("frontend").channel("payment");

    assertThatThrownBy(
            () ->
                ShopProcess.patient(PaymentGrpc.newBlockingStub(payment))
                    .charge(ChargeRequest.getDefaultInstance()))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.PERMISSION_DENIED));
    assertThat(calls()).extracting(ShopLine.Call::status).containsExactly("PERMISSION_DENIED");
  }

  @Test
  void whoeverListensInsteadOfAServiceIsNotSpokenTo() throws Exception {
    serve("auth-proxy", _ -> new AuthProxyService());
    Files.copy(endpoints.resolve("auth-proxy"), endpoints.resolve("payment"));
    Channel payment = process("orders").channel("payment");

    assertThatThrownBy(
            () -> PaymentGrpc.newBlockingStub(payment).charge(ChargeRequest.getDefaultInstance()))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE));
  }

  @Test
  void orderWithoutPaymentFailsWithoutSayingWhy() throws Exception {
    serve("payment", _ -> new PaymentService());
    serve("orders", shop -> new OrdersService(shop.channel("auth-proxy")));
    serve("auth-proxy", _ -> new AuthProxyService());
    Channel orders = process("frontend").channel("orders");

    assertThatThrownBy(
            () ->
                ShopProcess.patient(OrdersGrpc.newBlockingStub(orders))
                    .placeOrder(PlaceOrderRequest.getDefaultInstance()))
        .hasMessage("UNAVAILABLE: the payment did not go through");
  }

  /** The channel, which tells that a call has begun. */
  private static Channel telling(Channel channel, CountDownLatch begun) {
    return ClientInterceptors.intercept(
        channel,
        new ClientInterceptor() {
          @Override
          public <Q, A> ClientCall<Q, A> interceptCall(
              MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
            return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
              @Override
              public void start(Listener<A> listener, Metadata headers) {
                super.start(listener, headers);
                begun.countDown();
              }
            };
          }
        });
  }

  private ShopLine.Call call(String caller, String callee) {
    return calls().stream()
        .filter(call -> call.caller().equals(caller) && call.callee().equals(callee))
        .findFirst()
        .orElseThrow();
  }

  private List<ShopLine.Call> calls() {
    return out.toString(StandardCharsets.UTF_8)
        .lines()
        .map(ShopLine::parse)
        .filter(ShopLine.Call.class::isInstance)
        .map(ShopLine.Call.class::cast)
        .toList();
  }

  private void serve(String service, Function<ShopProcess, BindableService> maker)
      throws Exception {
    ShopProcess process = process(service);
    process.serve(maker.apply(process));
    Files.writeString(endpoints.resolve(service), Objects.requireNonNull(process.address()) + "\n");
  }

  private ShopProcess process(String service) throws IOException, URISyntaxException {
    ShopSettings settings =
        new ShopSettings(
            service,
            IDENTITIES,
            mesh.addressFor("/ns/shop/sa/" + service),
            Optional.empty(),
            InetAddress.getLoopbackAddress(),
            endpoints,
            policy(service),
            "unused:9092",
            "meshward",
            null,
            null);
    MeshRuntimeBuilder runtime =
        MeshRuntime.builder()
            .workloadApi(settings.workloadApi())
            .withoutEvents()
            .withoutQuarantine();
    settings.policy().ifPresent(runtime::policy);
    ShopProcess process =
        ShopProcess.start(settings, runtime, new PrintStream(out, true, StandardCharsets.UTF_8));
    processes.add(process);
    return process;
  }

  private static Optional<Path> policy(String service) throws URISyntaxException {
    var resource = ShopTest.class.getResource("/policies/" + service + ".json");
    return resource == null ? Optional.empty() : Optional.of(Path.of(resource.toURI()));
  }
}
