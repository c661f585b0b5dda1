package io.meshward.runtime;

import io.meshward.schemas.AuthzDecision;
import io.meshward.schemas.DeadLetter;
import io.meshward.schemas.Enforcement;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.Event;
import io.meshward.schemas.LocalWorkload;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.SvidLifecycle;
import io.meshward.schemas.TlsHandshake;
import java.time.Clock;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Puts what this workload sees into envelopes and hands them to the sink: source, time, key by the
 * topic catalogue, and an id that is unique for the reporter and assigned once, so that a retry
 * collapses. Thread-safe; never blocks.
 */
final class EventReporter {
  private final EventSink sink;
  private final Clock clock;
  private final Supplier<@Nullable SpiffeId> ownId;
  private final @Nullable String node;
  private final @Nullable String pod;
  private final String instance;
  private final AtomicLong sequence = new AtomicLong();

  /**
   * @param ownId this workload's ID, once it has one
   * @param instance tells this process from every other one of the workload, also over restarts
   */
  EventReporter(
      EventSink sink,
      Clock clock,
      Supplier<@Nullable SpiffeId> ownId,
      @Nullable String node,
      @Nullable String pod,
      String instance) {
    this.sink = sink;
    this.clock = clock;
    this.ownId = ownId;
    this.node = node;
    this.pod = pod;
    this.instance = instance;
  }

  LocalWorkload local() {
    return new LocalWorkload(ownId.get(), node, pod, instance);
  }

  void handshake(TlsHandshake event) {
    String peer = text(event.peer().id());
    offer(EventClass.HANDSHAKE, clock.instant(), key(peer), peer, event, null);
  }

  /**
   * Reports a decision.
   *
   * @param time when it was taken
   */
  void decision(Instant time, AuthzDecision event) {
    String peer = text(event.peer().id());
    EventClass eventClass =
        event.authz().decision() == AuthzDecision.Decision.DENY
            ? EventClass.DENIAL
            : EventClass.ALLOW;
    AuthzDecision.Trace trace = event.trace();
    String traceparent =
        trace == null ? null : "00-" + trace.traceId() + "-" + trace.spanId() + "-01";
    offer(eventClass, time, key(peer), peer, event, traceparent);
  }

  /** Reports; false if the sink has dropped it. */
  boolean lifecycle(SvidLifecycle.Svid change) {
    return offer(
        EventClass.LIFECYCLE,
        clock.instant(),
        source(),
        text(ownId.get()),
        new SvidLifecycle(change, local()),
        null);
  }

  void enforcement(Enforcement event) {
    offer(
        EventClass.ENFORCEMENT,
        clock.instant(),
        event.enforcement().containment(),
        null,
        event,
        null);
  }

  /**
   * Parks a message that cannot be used.
   *
   * @param id names the message itself, so that it is parked once whoever reads it
   */
  void deadLetter(String id, String key, DeadLetter letter) {
    sink.offer(EventClass.LIFECYCLE, key, new Envelope<>(id, source(), clock.instant(), letter));
  }

  private boolean offer(
      EventClass eventClass,
      Instant time,
      String key,
      @Nullable String subject,
      Event event,
      @Nullable String traceparent) {
    return sink.offer(
        eventClass,
        key,
        new Envelope<>(
            instance + "-" + sequence.incrementAndGet(),
            source(),
            subject,
            time,
            traceparent,
            event));
  }

  /** A claimed ID is never a key: only a verified one, else the reporter's own. */
  private String key(@Nullable String peer) {
    return peer == null ? source() : peer;
  }

  private static @Nullable String text(@Nullable SpiffeId id) {
    return id == null ? null : id.toString();
  }

  private String source() {
    SpiffeId id = ownId.get();
    return id == null ? "urn:meshward:workload:" + instance : id.toString();
  }
}
