package io.meshward.runtime;

import com.google.protobuf.ByteString;
import io.meshward.schemas.InvalidSpiffeIdException;
import io.meshward.schemas.TrustDomain;
import io.spiffe.workloadapi.grpc.Workload.JWTBundlesRequest;
import io.spiffe.workloadapi.grpc.Workload.JWTBundlesResponse;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The JWT bundles of the Workload API as they stand (SPIFFE Workload API 6.2.2). A message is the
 * full state; one that breaks the standard is discarded and reported, while a single key that
 * cannot be used is left out alone. Thread-safe.
 */
final class JwtBundleWatch {
  private static final Logger log = LoggerFactory.getLogger(JwtBundleWatch.class);

  private sealed interface State {}

  /** Nothing has come yet. */
  private record Waiting(String problem) implements State {}

  private record Trusting(Map<TrustDomain, JwtBundle> bundles) implements State {}

  /** This workload may see no bundles, or the Workload API has none. */
  private record Refused(String reason) implements State {}

  private final KeptStream<JWTBundlesRequest, JWTBundlesResponse> stream;

  /** No monitor: before Java 24 whoever waits on one for long keeps a carrier from all others. */
  private final Lock lock = new ReentrantLock();

  private final Condition changed = lock.newCondition();
  private volatile State state = new Waiting("it has not answered yet");

  JwtBundleWatch(WorkloadApi api, RandomGenerator random) {
    stream =
        new KeptStream<>(
            api,
            (stub, observer) ->
                stub.fetchJWTBundles(JWTBundlesRequest.getDefaultInstance(), observer),
            new Reader(),
            random);
  }

  void open() {
    stream.open();
  }

  /**
   * The bundles to judge by now; waits for the first ones.
   *
   * @throws MeshRuntimeException if there are none, saying why
   */
  Map<TrustDomain, JwtBundle> current(Duration deadline) {
    lock.lock();
    try {
      long left = deadline.toNanos();
      while (true) {
        switch (state) {
          case Trusting trusting -> {
            return trusting.bundles();
          }
          case Refused refused ->
              throw new MeshRuntimeException("no JWT bundles: " + refused.reason());
          case Waiting waiting -> {
            if (left <= 0) {
              throw new MeshRuntimeException(
                  "no JWT bundles within "
                      + deadline.toMillis() / 1000.0
                      + " s: "
                      + waiting.problem());
            }
            left = changed.awaitNanos(left);
          }
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new MeshRuntimeException("interrupted while waiting for JWT bundles", e);
    } finally {
      lock.unlock();
    }
  }

  /** The bundles if there are any; never waits. */
  @Nullable Map<TrustDomain, JwtBundle> now() {
    return state instanceof Trusting trusting ? trusting.bundles() : null;
  }

  private void become(State next) {
    lock.lock();
    try {
      state = next;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private static Map<TrustDomain, JwtBundle> read(JWTBundlesResponse message)
      throws BadResponseException {
    if (message.getBundlesMap().isEmpty()) {
      throw new BadResponseException("the message has no JWT bundle");
    }
    Map<TrustDomain, JwtBundle> bundles = new HashMap<>();
    for (Map.Entry<String, ByteString> entry : message.getBundlesMap().entrySet()) {
      String what = "the JWT bundle of '" + entry.getKey() + "'";
      try {
        TrustDomain trustDomain = TrustDomain.parse(entry.getKey());
        JsonWebKeys keys =
            JsonWebKeys.read(JsonWebKeys.document(entry.getValue().toByteArray()), true);
        if (!keys.ignored().isEmpty()) {
          log.atWarn()
              .addKeyValue("trustDomain", trustDomain)
              .addKeyValue("keys", keys.ignored())
              .log("keys of a JWT bundle cannot be used and are ignored");
        }
        if (bundles.put(trustDomain, new JwtBundle(trustDomain, keys.jwt())) != null) {
          throw new BadResponseException(what + " comes twice");
        }
      } catch (InvalidSpiffeIdException | MalformedBundleException e) {
        throw new BadResponseException(what + ": " + e.getMessage());
      }
    }
    return Map.copyOf(bundles);
  }

  private final class Reader implements KeptStream.Listener<JWTBundlesResponse> {
    @Override
    public void message(JWTBundlesResponse message) throws BadResponseException {
      become(new Trusting(read(message)));
    }

    @Override
    public void denied(String reason) {
      become(new Refused(reason));
    }

    @Override
    public void failed(String reason, boolean retrying) {
      lock.lock();
      try {
        if (!retrying) {
          // Nothing would ever take an authority away any more.
          become(new Refused(reason));
        } else if (state instanceof Waiting) {
          become(new Waiting(reason));
        }
      } finally {
        lock.unlock();
      }
    }
  }
}
