package io.meshward.benchmarks;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.Drainable;
import io.grpc.KnownLength;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.ServerServiceDefinition;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** A service that gives back what it gets, and steady calls to it. */
final class EchoCalls {
  private static final MethodDescriptor<byte[], byte[]> ECHO =
      MethodDescriptor.<byte[], byte[]>newBuilder()
          .setType(MethodType.UNARY)
          .setFullMethodName("meshward.benchmarks.Echo/Echo")
          .setRequestMarshaller(new Bytes())
          .setResponseMarshaller(new Bytes())
          .build();

  private static final byte[] PAYLOAD = new byte[128];

  /** How long the answer to a single call may take. */
  static final int PATIENCE_SECONDS = 10;

  private EchoCalls() {}

  static ServerServiceDefinition service() {
    return ServerServiceDefinition.builder("meshward.benchmarks.Echo")
        .addMethod(
            ECHO,
            ServerCalls.asyncUnaryCall(
                (request, response) -> {
                  response.onNext(request);
                  response.onCompleted();
                }))
        .build();
  }

  /** One call, and its answer; fails if no connection can be had. */
  static void once(Channel channel) {
    byte[] _ =
        ClientCalls.blockingUnaryCall(
            channel,
            ECHO,
            CallOptions.DEFAULT.withDeadlineAfter(PATIENCE_SECONDS, TimeUnit.SECONDS),
            PAYLOAD);
  }

  /** One call; waits for a connection, and for its answer. */
  static void onceReady(Channel channel) {
    byte[] _ =
        ClientCalls.blockingUnaryCall(
            channel,
            ECHO,
            CallOptions.DEFAULT.withWaitForReady().withDeadlineAfter(30, TimeUnit.SECONDS),
            PAYLOAD);
  }

  /** Starts one call on each channel and waits for all answers. */
  static void onceEach(List<? extends Channel> channels) throws InterruptedException {
    CountDownLatch left = new CountDownLatch(channels.size());
    AtomicInteger failed = new AtomicInteger();
    for (Channel channel : channels) {
      ClientCalls.asyncUnaryCall(
          channel.newCall(
              ECHO, CallOptions.DEFAULT.withWaitForReady().withDeadlineAfter(60, TimeUnit.SECONDS)),
          PAYLOAD,
          new StreamObserver<byte[]>() {
            @Override
            public void onNext(byte[] answer) {}

            @Override
            public void onError(Throwable failure) {
              failed.incrementAndGet();
              left.countDown();
            }

            @Override
            public void onCompleted() {
              left.countDown();
            }
          });
    }
    left.await();
    if (failed.get() > 0) {
      throw new IllegalStateException(failed + " of " + channels.size() + " calls failed");
    }
  }

  /**
   * Keeps calls in flight for a time: each answer starts the next one.
   *
   * @param inFlight how many
   * @return how long each took, in microseconds
   */
  static List<Double> keep(Channel channel, int inFlight, long nanos) throws InterruptedException {
    long end = System.nanoTime() + nanos;
    CountDownLatch ended = new CountDownLatch(inFlight);
    List<Caller> callers = new ArrayList<>();
    for (int i = 0; i < inFlight; i++) {
      Caller caller = new Caller(channel, end, ended);
      callers.add(caller);
      caller.call();
    }
    ended.await();
    List<Double> micros = new ArrayList<>();
    for (Caller caller : callers) {
      if (caller.failure != null) {
        throw new IllegalStateException("a call failed: " + caller.failure, caller.failure);
      }
      micros.addAll(caller.micros);
    }
    return micros;
  }

  /** One chain of calls. */
  private static final class Caller {
    private final Channel channel;
    private final long end;
    private final CountDownLatch ended;
    private final List<Double> micros = new ArrayList<>();
    private volatile @org.jspecify.annotations.Nullable Throwable failure;

    Caller(Channel channel, long end, CountDownLatch ended) {
      this.channel = channel;
      this.end = end;
      this.ended = ended;
    }

    void call() {
      long start = System.nanoTime();
      ClientCalls.asyncUnaryCall(
          channel.newCall(ECHO, CallOptions.DEFAULT),
          PAYLOAD,
          new StreamObserver<byte[]>() {
            @Override
            public void onNext(byte[] answer) {}

            @Override
            public void onError(Throwable cause) {
              failure = cause;
              ended.countDown();
            }

            @Override
            public void onCompleted() {
              long now = System.nanoTime();
              micros.add((now - start) / 1e3);
              if (now < end) {
                call();
              } else {
                ended.countDown();
              }
            }
          });
    }
  }

  /** As little as protobuf does: a message is copied once each way, without a buffer between. */
  private static final class Bytes implements MethodDescriptor.Marshaller<byte[]> {
    @Override
    public InputStream stream(byte[] value) {
      return new Message(value);
    }

    @Override
    public byte[] parse(InputStream stream) {
      try {
        byte[] value = new byte[((KnownLength) stream).available()];
        if (stream.readNBytes(value, 0, value.length) < value.length) {
          throw new EOFException("a message is cut short");
        }
        return value;
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private static final class Message extends ByteArrayInputStream
      implements Drainable, KnownLength {
    Message(byte[] value) {
      super(value);
    }

    @Override
    public int drainTo(OutputStream target) throws IOException {
      return (int) transferTo(target);
    }
  }
}
