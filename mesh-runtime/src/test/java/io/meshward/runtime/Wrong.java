package io.meshward.runtime;

import com.google.protobuf.ByteString;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslProvider;
import io.meshward.schemas.SpiffeId;
import java.util.List;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/**
 * One way in which a peer, a call or this side itself is wrong.
 *
 * @param what a sentence that says it
 * @param byBoringSsl the reason of the refusal when BoringSSL does this side's TLS
 * @param byJdk the reason when the JDK does
 */
record Wrong(String what, String byBoringSsl, String byJdk, Attack attack) {

  /** What the peer does. */
  sealed interface Attack {

    /** It shows this, and speaks TLS like that. */
    record Shows(Shown shown, Speech speech) implements Attack {}

    /** It says these bytes at once. */
    record Says(ByteString bytes, boolean closes) implements Attack {}

    /** It attacks after something has happened, but for which it might be good. */
    record Meanwhile(Event event, Attack attack) implements Attack {}

    /** It is good and was let in; then something happens, and its session is to be resumed. */
    record Resumes(Supplier<Shown> shown, Event event) implements Attack {}

    /** The same, but this side has also been restarted before the session is to be resumed. */
    record ResumesAfterRestart(Supplier<Shown> shown, Event event) implements Attack {}

    /** It attacks this side when that was built in another way. */
    record Against(UnaryOperator<MeshRuntimeBuilder> built, Attack attack) implements Attack {}

    /** It is another workload, and claims by this metadata to be one that may. */
    record Claims(String header) implements Attack {}

    /**
     * A call on behalf of these, the originator first, each of whom signed a link for the next one:
     * it comes from the peer, whose link for that server is the last; or it is to be made by this
     * side for a call that it serves, which the last of these made.
     */
    record Delegates(List<SpiffeId> chain, SpiffeId server) implements Attack {}
  }

  /** What happens, and how it is made undone. */
  interface Event {
    void happens();

    default void undone() {}
  }

  /** The reason of the refusal. */
  String reason(SslProvider provider) {
    return provider == SslProvider.JDK ? byJdk : byBoringSsl;
  }
}
