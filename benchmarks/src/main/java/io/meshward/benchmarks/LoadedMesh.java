package io.meshward.benchmarks;

import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.netty.shaded.io.netty.bootstrap.Bootstrap;
import io.grpc.netty.shaded.io.netty.channel.Channel;
import io.grpc.netty.shaded.io.netty.channel.ChannelInitializer;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioSocketChannel;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContext;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslHandler;
import io.meshward.daemon.KafkaConfig;
import io.meshward.daemon.Resources;
import io.meshward.runtime.EventClass;
import io.meshward.runtime.ForcedTls;
import io.meshward.runtime.MeshRuntime;
import io.meshward.runtime.MeshRuntimeBuilder;
import io.meshward.runtime.RuntimeState;
import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.Quarantine;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.Subject;
import io.meshward.schemas.TopicCatalogue;
import io.meshward.testkit.TestMesh;
import java.io.IOException;
import java.lang.management.CompilationMXBean;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;

/** A server and a client, by the runtime or bare, over real sockets and a real Workload API. */
final class LoadedMesh implements AutoCloseable {
  private static final SpiffeId SERVER = SpiffeId.parse("spiffe://load.test/server");
  private static final SpiffeId CLIENT = SpiffeId.parse("spiffe://load.test/client");
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final int AT_A_TIME = 8;
  private static final CompilationMXBean COMPILERS = ManagementFactory.getCompilationMXBean();

  /** How many times 200 ms the compilers are waited for. */
  private static final int SETTLING = 10;

  private final TestMesh mesh = TestMesh.start("load.test");
  private final KafkaConfig kafka;
  private final Path policy;

  private LoadedMesh(KafkaConfig kafka, Path policy) {
    this.kafka = kafka;
    this.policy = policy;
  }

  static LoadedMesh start(KafkaConfig kafka, Path policy) {
    return new LoadedMesh(kafka, policy);
  }

  /**
   * How long a cut took.
   *
   * @param lastGoneMillis from the send of the hold until no connection was left
   * @param consumedMillis from the send of the hold until a bare consumer had it
   */
  record Cut(double lastGoneMillis, double consumedMillis) {}

  /** A server, and a channel to it. */
  final class Pair implements AutoCloseable {
    private final ForcedTls provider;
    private final Server server;
    private final ManagedChannel channel;
    private final @Nullable MeshRuntime runtime;
    private final @Nullable MeshRuntime calling;
    private final BareGrpc dialler;
    private final Resources open;

    private Pair(
        ForcedTls provider,
        Server server,
        ManagedChannel channel,
        @Nullable MeshRuntime runtime,
        @Nullable MeshRuntime calling,
        BareGrpc dialler,
        Resources open) {
      this.provider = provider;
      this.server = server;
      this.channel = channel;
      this.runtime = runtime;
      this.calling = calling;
      this.dialler = dialler;
      this.open = open;
      EchoCalls.onceReady(channel);
    }

    ManagedChannel channel() {
      return channel;
    }

    @Override
    public String toString() {
      return runtime == null ? "bare" : "runtime";
    }

    /** How many events the server's sink dropped. */
    long dropped() {
      return runtime == null
          ? 0
          : runtime.status().dropped().values().stream().mapToLong(Long::longValue).sum();
    }

    /** One more channel of the client's runtime to the server. */
    ManagedChannel dial() {
      return Objects.requireNonNull(calling)
          .channelBuilder("dns:///127.0.0.1:" + server.getPort(), SERVER)
          .build();
    }

    /** Issues both sides new SVIDs and waits until they use them. */
    void rotate() throws Exception {
      rotate(SERVER, Objects.requireNonNull(runtime));
      rotate(CLIENT, Objects.requireNonNull(calling));
    }

    private void rotate(SpiffeId id, MeshRuntime rotating) throws Exception {
      X509Certificate leaf = mesh.workload(id).rotate().getFirst().leaf();
      if (!Pace.await(PATIENCE, () -> leafOf(rotating).equals(Optional.of(leaf)))) {
        throw new IllegalStateException(id + " does not use its new SVID");
      }
    }

    private static Optional<X509Certificate> leafOf(MeshRuntime runtime) {
      return runtime.status().identity() instanceof RuntimeState.Ready ready
          ? Optional.of(ready.svid().leaf())
          : Optional.empty();
    }

    /** Connects, shakes hands and hangs up, for a time; how often in a second. */
    double handshakes(int seconds) throws Exception {
      SslContext tls = dialler.clientTls();
      AtomicInteger done = new AtomicInteger();
      AtomicInteger failed = new AtomicInteger();
      Semaphore free = new Semaphore(AT_A_TIME);
      long start = System.nanoTime();
      long end = start + Duration.ofSeconds(seconds).toNanos();
      while (System.nanoTime() < end) {
        free.acquire();
        shakeHands(tls, done, failed, free);
      }
      free.acquire(AT_A_TIME);
      double rate = done.get() * 1e9 / (System.nanoTime() - start);
      if (failed.get() > 0) {
        throw new IllegalStateException(
            failed + " handshakes failed with " + provider + ", " + done + " did not");
      }
      return rate;
    }

    private void shakeHands(
        SslContext tls, AtomicInteger done, AtomicInteger failed, Semaphore free) {
      var _ =
          new Bootstrap()
              .group(dialler.eventLoops())
              .channel(NioSocketChannel.class)
              .handler(
                  new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel connection) {
                      SslHandler handler = tls.newHandler(connection.alloc());
                      connection.pipeline().addLast(handler);
                      var _ =
                          handler
                              .handshakeFuture()
                              .addListener(
                                  shaken -> {
                                    (shaken.isSuccess() ? done : failed).incrementAndGet();
                                    var _ = connection.close();
                                  });
                      var _ = connection.closeFuture().addListener(_ -> free.release());
                    }
                  })
              .connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), server.getPort()));
    }

    /** Opens connections, places a hold on their peer, waits until all are gone, releases it. */
    Cut cut(int connections) throws Exception {
      MeshRuntime serving = runtime;
      if (serving == null) {
        throw new IllegalStateException("bare gRPC cuts nothing");
      }
      List<ManagedChannel> channels = new ArrayList<>();
      try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(kafka.producer("load"));
          KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(kafka.reader("load"))) {
        SslContext tls = dialler.clientTls();
        for (int i = 0; i < connections; i++) {
          channels.add(dialler.channel(server.getPort(), tls).build());
        }
        EchoCalls.onceEach(channels);
        if (serving.status().connections() < connections) {
          throw new IllegalStateException(
              serving.status().connections() + " connections, expected " + connections);
        }
        Quarantine hold = hold();
        ProducerRecord<byte[], byte[]> record =
            CloudEvents.toRecord(
                kafka.topic(TopicCatalogue.QUARANTINE),
                hold.key().toString(),
                new Envelope<>(hold.hold().containment(), "//load/responder", Instant.now(), hold));
        // Like a responder's, the producer has sent before: it knows the topic and the broker.
        var _ = producer.send(release(record)).get();
        List<TopicPartition> partitions =
            consumer.partitionsFor(record.topic()).stream()
                .map(each -> new TopicPartition(each.topic(), each.partition()))
                .toList();
        consumer.assign(partitions);
        consumer.seekToEnd(partitions);
        partitions.forEach(consumer::position);
        settle();
        List<Double> consumed = new ArrayList<>();
        long start = System.nanoTime();
        Thread bare =
            Thread.ofPlatform()
                .start(
                    () -> {
                      while (consumer.poll(Duration.ofSeconds(1)).isEmpty()) {
                        // Not yet.
                      }
                      consumed.add((System.nanoTime() - start) / 1e6);
                    });
        try (Phase _ = Phase.begin("cut")) {
          var _ = producer.send(record);
          while (serving.status().connections() > 0) {
            if (System.nanoTime() - start > PATIENCE.toNanos()) {
              throw new IllegalStateException(
                  serving.status().connections() + " connections are not gone");
            }
            TimeUnit.MILLISECONDS.sleep(1);
          }
        }
        double gone = (System.nanoTime() - start) / 1e6;
        bare.join();
        var _ = producer.send(release(record)).get();
        channels.forEach(ManagedChannel::shutdownNow);
        if (!Pace.await(PATIENCE, () -> serving.status().holds() == 0)) {
          throw new IllegalStateException("the hold is not released");
        }
        return new Cut(gone, consumed.getFirst());
      } finally {
        channels.forEach(ManagedChannel::shutdownNow);
      }
    }

    /**
     * What is cut has lived for a while: what a thousand starts at once leave to the collector and
     * to the compilers is none of the cut's.
     */
    private static void settle() throws InterruptedException {
      System.gc();
      long compiled = -1;
      long now = COMPILERS.getTotalCompilationTime();
      for (int i = 0; i < SETTLING && now > compiled; i++) {
        Thread.sleep(200);
        compiled = now;
        now = COMPILERS.getTotalCompilationTime();
      }
    }

    private static ProducerRecord<byte[], byte[]> release(ProducerRecord<byte[], byte[]> hold) {
      return new ProducerRecord<>(hold.topic(), hold.key(), null);
    }

    private static Quarantine hold() {
      Instant now = Instant.now();
      return new Quarantine(
          new Quarantine.Hold(
              UUID.randomUUID().toString(),
              "load",
              "benchmark",
              now,
              now.plus(Duration.ofHours(1)),
              null),
          Subject.of(CLIENT));
    }

    @Override
    public void close() {
      open.close();
    }
  }

  /** grpc-java alone. */
  Pair bare(ForcedTls provider) throws Exception {
    Resources open = new Resources(PATIENCE);
    BareGrpc serving = open.add("part", bareGrpc(provider, SERVER));
    BareGrpc calling = open.add("part", bareGrpc(provider, CLIENT));
    Server server = serving.server().addService(EchoCalls.service()).build().start();
    open.add("server", server::shutdownNow);
    ManagedChannel channel = calling.channel(server.getPort(), calling.clientTls()).build();
    open.add("channel", channel::shutdownNow);
    return new Pair(provider, server, channel, null, null, calling, open);
  }

  /** With as many event loops as the runtime has. */
  private BareGrpc bareGrpc(ForcedTls provider, SpiffeId id) {
    return bareGrpc(provider, id, Runtime.getRuntime().availableProcessors());
  }

  private BareGrpc bareGrpc(ForcedTls provider, SpiffeId id, int eventLoops) {
    return new BareGrpc(
        provider.netty(),
        mesh.trustDomain().issue(id),
        mesh.trustDomain().x509Authorities(),
        eventLoops);
  }

  /**
   * The runtime on both sides.
   *
   * @param events whether what they see goes to Kafka
   */
  Pair runtimes(ForcedTls provider, boolean events) throws Exception {
    Resources open = new Resources(PATIENCE);
    MeshRuntime serving =
        open.add("part", provider.of(builder(SERVER, events).policy(policy)).start());
    MeshRuntime calling = open.add("part", provider.of(builder(CLIENT, events)).start());
    BareGrpc dialler = open.add("part", bareGrpc(provider, CLIENT));
    Server server = served(serving, open);
    ManagedChannel channel =
        calling.channelBuilder("dns:///127.0.0.1:" + server.getPort(), SERVER).build();
    open.add("channel", channel::shutdownNow);
    return new Pair(provider, server, channel, serving, calling, dialler, open);
  }

  /**
   * The runtime at the server, which tells Kafka what it sees, and bare clients. They have one
   * event loop, since they are other machines where it matters.
   */
  Pair serving(ForcedTls provider) throws Exception {
    Resources open = new Resources(PATIENCE);
    MeshRuntime serving =
        open.add("part", provider.of(builder(SERVER, true).policy(policy)).start());
    BareGrpc dialler = open.add("part", bareGrpc(provider, CLIENT, 1));
    Server server = served(serving, open);
    ManagedChannel channel = dialler.channel(server.getPort(), dialler.clientTls()).build();
    open.add("channel", channel::shutdownNow);
    return new Pair(provider, server, channel, serving, null, dialler, open);
  }

  private static Server served(MeshRuntime serving, Resources open) throws IOException {
    Server server =
        serving
            .serverBuilder(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .addService(EchoCalls.service())
            .build()
            .start();
    open.add("server", server::shutdownNow);
    return server;
  }

  private MeshRuntimeBuilder builder(SpiffeId id, boolean events) {
    MeshRuntimeBuilder builder =
        MeshRuntime.builder()
            .workloadApi(mesh.addressFor(id))
            .kafka(Map.of("bootstrap.servers", kafka.bootstrapServers()), kafka.prefix());
    return events ? builder : builder.events(new Discarding());
  }

  @Override
  public void close() {
    mesh.close();
  }

  /** Takes every event and forgets it. */
  private static final class Discarding implements io.meshward.runtime.EventSink {
    @Override
    public boolean offer(
        EventClass eventClass, String key, Envelope<? extends io.meshward.schemas.Event> event) {
      return true;
    }

    @Override
    public long dropped(EventClass eventClass) {
      return 0;
    }

    @Override
    public void close() {}
  }
}
