package io.meshward.runtime;

import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A policy engine outside of this process that has to allow a call as well. Thread-safe. */
interface DecisionPoint extends AutoCloseable {

  /**
   * What it said.
   *
   * @param engine its name, for events
   * @param policyId what was asked
   * @param policyRevision which policy answered, if it said so
   * @param reason why the call is refused, if it is
   * @param decisionId names the decision in the engine's own log, if it has one
   */
  record Answer(
      boolean allowed,
      String engine,
      String policyId,
      @Nullable String policyRevision,
      @Nullable String reason,
      @Nullable String decisionId) {}

  /**
   * Asks about a call; never blocks. The answer comes within a bounded time and never as a failure:
   * an engine that cannot be asked has refused. It is there at once if it was cached.
   */
  CompletableFuture<Answer> ask(CallFacts call);

  @Override
  void close();
}
