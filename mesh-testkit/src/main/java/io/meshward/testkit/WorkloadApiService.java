package io.meshward.testkit;

import com.google.protobuf.ListValue;
import com.google.protobuf.NullValue;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.spiffe.workloadapi.grpc.SpiffeWorkloadAPIGrpc.SpiffeWorkloadAPIImplBase;
import io.spiffe.workloadapi.grpc.Workload.JWTBundlesRequest;
import io.spiffe.workloadapi.grpc.Workload.JWTBundlesResponse;
import io.spiffe.workloadapi.grpc.Workload.JWTSVIDRequest;
import io.spiffe.workloadapi.grpc.Workload.JWTSVIDResponse;
import io.spiffe.workloadapi.grpc.Workload.ValidateJWTSVIDRequest;
import io.spiffe.workloadapi.grpc.Workload.ValidateJWTSVIDResponse;
import io.spiffe.workloadapi.grpc.Workload.X509BundlesRequest;
import io.spiffe.workloadapi.grpc.Workload.X509BundlesResponse;
import io.spiffe.workloadapi.grpc.Workload.X509SVIDRequest;
import io.spiffe.workloadapi.grpc.Workload.X509SVIDResponse;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** The methods of the Workload API, over what a workload is entitled to. */
final class WorkloadApiService extends SpiffeWorkloadAPIImplBase {

  /** Answers the calls that are no streams. */
  interface JwtAnswers {

    /** The answer, or nothing if the caller is to wait in vain. */
    Optional<JWTSVIDResponse> fetch(JWTSVIDRequest request) throws StatusException;

    /** The answer, or nothing if the caller is to wait in vain. */
    Optional<JwtSvidValidator.Valid> validate(ValidateJWTSVIDRequest request)
        throws StatusException;
  }

  final Feed<X509SVIDResponse> x509Svids = new Feed<>();
  final Feed<X509BundlesResponse> x509Bundles = new Feed<>();
  final Feed<JWTBundlesResponse> jwtBundles = new Feed<>();
  final AtomicLong jwtSvidCalls = new AtomicLong();
  final AtomicLong validateCalls = new AtomicLong();
  private final JwtAnswers jwtAnswers;

  WorkloadApiService(JwtAnswers jwtAnswers) {
    this.jwtAnswers = jwtAnswers;
  }

  @Override
  public void fetchX509SVID(X509SVIDRequest request, StreamObserver<X509SVIDResponse> stream) {
    x509Svids.open((ServerCallStreamObserver<X509SVIDResponse>) stream);
  }

  @Override
  public void fetchX509Bundles(
      X509BundlesRequest request, StreamObserver<X509BundlesResponse> stream) {
    x509Bundles.open((ServerCallStreamObserver<X509BundlesResponse>) stream);
  }

  @Override
  public void fetchJWTBundles(
      JWTBundlesRequest request, StreamObserver<JWTBundlesResponse> stream) {
    jwtBundles.open((ServerCallStreamObserver<JWTBundlesResponse>) stream);
  }

  @Override
  public void fetchJWTSVID(JWTSVIDRequest request, StreamObserver<JWTSVIDResponse> caller) {
    jwtSvidCalls.incrementAndGet();
    try {
      jwtAnswers.fetch(request).ifPresent(answer -> answer(caller, answer));
    } catch (StatusException e) {
      caller.onError(e);
    }
  }

  @Override
  public void validateJWTSVID(
      ValidateJWTSVIDRequest request, StreamObserver<ValidateJWTSVIDResponse> caller) {
    validateCalls.incrementAndGet();
    try {
      jwtAnswers
          .validate(request)
          .ifPresent(
              valid ->
                  answer(
                      caller,
                      ValidateJWTSVIDResponse.newBuilder()
                          .setSpiffeId(valid.id().toString())
                          .setClaims(struct(valid.claims()))
                          .build()));
    } catch (StatusException e) {
      caller.onError(e);
    }
  }

  void failStreams(Status status) {
    x509Svids.fail(status);
    x509Bundles.fail(status);
    jwtBundles.fail(status);
  }

  void holdStreams() {
    x509Svids.hold();
    x509Bundles.hold();
    jwtBundles.hold();
  }

  void endStreams() {
    x509Svids.end();
    x509Bundles.end();
    jwtBundles.end();
  }

  int openStreams() {
    return x509Svids.openStreams() + x509Bundles.openStreams() + jwtBundles.openStreams();
  }

  private static <A> void answer(StreamObserver<A> caller, A answer) {
    caller.onNext(answer);
    caller.onCompleted();
  }

  private static Struct struct(Map<?, ?> object) {
    var struct = Struct.newBuilder();
    object.forEach((name, value) -> struct.putFields(String.valueOf(name), value(value)));
    return struct.build();
  }

  private static Value value(@Nullable Object value) {
    var built = Value.newBuilder();
    return switch (value) {
      case null -> built.setNullValue(NullValue.NULL_VALUE).build();
      case Number number -> built.setNumberValue(number.doubleValue()).build();
      case Boolean bool -> built.setBoolValue(bool).build();
      case Map<?, ?> object -> built.setStructValue(struct(object)).build();
      case List<?> list ->
          built
              .setListValue(
                  ListValue.newBuilder()
                      .addAllValues(list.stream().map(WorkloadApiService::value).toList()))
              .build();
      default -> built.setStringValue(value.toString()).build();
    };
  }
}
