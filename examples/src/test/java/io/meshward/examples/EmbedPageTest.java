package io.meshward.examples;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.meshward.examples.shop.ChargeReply;
import io.meshward.examples.shop.ChargeRequest;
import io.meshward.examples.shop.PaymentGrpc;
import io.meshward.runtime.MeshRuntime;
import io.meshward.runtime.PeerIdentity;
import io.meshward.schemas.SpiffeId;
import io.meshward.testkit.TestMesh;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Holds the page on embedding against code that compiles, and runs it. */
final class EmbedPageTest {
  private static final Path PAGE = Path.of("../docs/embed.md");

  @TempDir Path folder;

  @Test
  void theCodeOfThePageIsTheCodeHere() throws IOException {
    String here =
        flat(Files.readString(Path.of("src/test/java/io/meshward/examples/EmbedPageTest.java")));

    List<String> blocks = blocks("java");

    assertThat(blocks).hasSize(5);
    assertThat(blocks).allSatisfy(block -> assertThat(here).contains(flat(block)));
  }

  @Test
  void theTestOfThePagePassesWithThePolicyOfThePage() throws IOException {
    Path policy =
        Files.writeString(folder.resolve("policy.json"), blocks("json").getFirst(), UTF_8);
    ChargeRequest request = ChargeRequest.newBuilder().setAmountCents(450).build();

    try (TestMesh mesh = TestMesh.start("example.org");
        MeshRuntime payment = runtime(mesh.addressFor("/ns/shop/sa/payment"), policy);
        MeshRuntime orders = runtime(mesh.addressFor("/ns/shop/sa/orders"), policy)) {
      Server server = payment.serverBuilder(0).addService(new PaymentService()).build().start();
      ManagedChannel channel =
          orders
              .channelBuilder("dns:///localhost:" + server.getPort(), payment.svid().id())
              .build();
      assertThat(PaymentGrpc.newBlockingStub(channel).charge(request).getReceipt())
          .endsWith("for spiffe://example.org/ns/shop/sa/orders");
      channel.shutdownNow();
      server.shutdownNow();
    }
  }

  private static MeshRuntime runtime(String socket, Path policy) {
    return MeshRuntime.builder()
        .workloadApi(socket)
        .policy(policy)
        .withoutEvents()
        .withoutQuarantine()
        .start();
  }

  /** Compiled, and not run: it needs a SPIRE agent and Kafka. */
  static void serve(String socket) throws IOException, InterruptedException {
    try (MeshRuntime mesh =
        MeshRuntime.builder()
            .workloadApi(socket)
            .policy(Path.of("policy.json"))
            .kafka(Map.of("bootstrap.servers", "kafka:9092"), "meshward")
            .start()) {
      Server server = mesh.serverBuilder(8443).addService(new PaymentService()).build().start();
      server.awaitTermination();
    }
  }

  static SpiffeId caller() {
    SpiffeId caller = PeerIdentity.current().id();
    return caller;
  }

  static ChargeReply call(MeshRuntime mesh, ChargeRequest request) {
    ManagedChannel payment =
        mesh.channelBuilder(
                "dns:///payment:8443", SpiffeId.parse("spiffe://example.org/ns/shop/sa/payment"))
            .build();
    ChargeReply reply = PaymentGrpc.newBlockingStub(payment).charge(request);
    return reply;
  }

  private static List<String> blocks(String language) throws IOException {
    Matcher matcher =
        Pattern.compile("```" + language + "\n(.*?)```", Pattern.DOTALL)
            .matcher(Files.readString(PAGE));
    List<String> blocks = new ArrayList<>();
    while (matcher.find()) {
      blocks.add(matcher.group(1));
    }
    return blocks;
  }

  private static String flat(String code) {
    return code.replaceAll("\\s+", "");
  }
}
