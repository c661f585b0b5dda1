package io.meshward.benchmarks;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.meshward.schemas.AuthzDecision;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.SpiffeId;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** What names and events cost to read and write. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class SchemasBenchmark {
  private static final byte[] DECISION_JSON = sample("authz.decision.json");

  private final AuthzDecision decision = EventCodec.decode(DECISION_JSON, AuthzDecision.class);
  private final JsonNode tree = EventCodec.readTree(DECISION_JSON);
  private final ObjectMapper bare = new ObjectMapper();

  /** Not a constant to the compiler. */
  private String id = "spiffe://example.org/ns/shop/sa/orders";

  private static byte[] sample(String name) {
    try (InputStream stream = EventCodec.class.getResourceAsStream("samples/" + name)) {
      return Optional.ofNullable(stream).orElseThrow().readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A SPIFFE ID from text, every rule checked. */
  @Benchmark
  public SpiffeId spiffeId() {
    return SpiffeId.parse(id);
  }

  /** The bare baseline of {@link #spiffeId()}: the JDK's URI, which checks none of those rules. */
  @Benchmark
  public URI spiffeIdBare() {
    return URI.create(id);
  }

  /** An authorization decision from JSON to a record. */
  @Benchmark
  public AuthzDecision decode() {
    return EventCodec.decode(DECISION_JSON, AuthzDecision.class);
  }

  /** The bare baseline of {@link #decode()}: Jackson's tree. */
  @Benchmark
  public JsonNode decodeBare() throws IOException {
    return bare.readTree(DECISION_JSON);
  }

  /** An authorization decision from a record to JSON. */
  @Benchmark
  public byte[] encode() {
    return EventCodec.encode(decision);
  }

  /** The bare baseline of {@link #encode()}: Jackson from a tree of the same content. */
  @Benchmark
  public byte[] encodeBare() throws IOException {
    return bare.writeValueAsBytes(tree);
  }
}
