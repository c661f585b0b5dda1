package io.meshward.runtime;

import io.spiffe.workloadapi.grpc.Workload.X509SVIDRequest;
import io.spiffe.workloadapi.grpc.Workload.X509SVIDResponse;
import java.time.Clock;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Watches the X.509-SVIDs of the Workload API over a {@link KeptStream}. A message that breaks the
 * standard is discarded and reported; the state before it stays.
 */
final class WorkloadApiSource implements IdentitySource {
  private static final Logger log = LoggerFactory.getLogger(WorkloadApiSource.class);

  private final WorkloadApi api;
  private final SvidResponseReader reader;
  private final RandomGenerator random;
  private volatile @Nullable KeptStream<X509SVIDRequest, X509SVIDResponse> stream;

  WorkloadApiSource(WorkloadApi api, SvidChoice choice, Clock clock, RandomGenerator random) {
    this.api = api;
    this.reader = new SvidResponseReader(choice, clock);
    this.random = random;
  }

  @Override
  public void watch(Consumer<IdentityUpdate> listener) {
    KeptStream<X509SVIDRequest, X509SVIDResponse> kept =
        new KeptStream<>(
            api,
            (stub, observer) -> stub.fetchX509SVID(X509SVIDRequest.getDefaultInstance(), observer),
            new Translator(listener),
            random);
    stream = kept;
    kept.open();
  }

  @Override
  public void refresh() {
    KeptStream<X509SVIDRequest, X509SVIDResponse> kept = stream;
    if (kept != null) {
      kept.open();
    }
  }

  @Override
  public long opened() {
    KeptStream<X509SVIDRequest, X509SVIDResponse> kept = stream;
    return kept == null ? 0 : kept.opened();
  }

  @Override
  public String whatToCheck() {
    return "that the socket path is right, that the SPIFFE agent runs and that this workload is"
        + " registered with it";
  }

  @Override
  public void close() {
    KeptStream<X509SVIDRequest, X509SVIDResponse> kept = stream;
    if (kept != null) {
      kept.close();
    }
  }

  @Override
  public String toString() {
    return "the Workload API at " + api;
  }

  /** Makes updates of what the stream says. */
  private final class Translator implements KeptStream.Listener<X509SVIDResponse> {
    private final Consumer<IdentityUpdate> listener;

    Translator(Consumer<IdentityUpdate> listener) {
      this.listener = listener;
    }

    @Override
    public void message(X509SVIDResponse message) throws BadResponseException {
      SvidResponseReader.Reading reading = reader.read(message);
      listener.accept(reading.update());
      String problem = reading.problem();
      if (problem != null) {
        log.atWarn().addKeyValue("reason", problem).log("a message is not taken whole");
        listener.accept(new IdentityUpdate.Failed(problem, true));
      }
    }

    @Override
    public void denied(String reason) {
      reader.forget();
      listener.accept(new IdentityUpdate.Withdrawn(reason));
    }

    @Override
    public void failed(String reason, boolean retrying) {
      listener.accept(new IdentityUpdate.Failed(reason, retrying));
    }
  }
}
