package io.meshward.runtime;

import io.meshward.schemas.AuthzDecision;
import io.meshward.schemas.DeadLetter;
import io.meshward.schemas.Enforcement;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.Event;
import io.meshward.schemas.LocalWorkload;
import io.meshward.schemas.Peer;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.SvidLifecycle;
import io.meshward.schemas.TlsHandshake;
import java.time.Clock;
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
    offer(EventClass.HANDSHAKE, peerKey(event.peer()), event.peer().id(), event, null);
  }

  void decision(AuthzDecision event) {
    EventClass eventClass =
        event.authz().decision() == AuthzDecision.Decision.DENY
            ? EventClass.DENIAL
            : EventClass.ALLOW;
    AuthzDecision.Trace trace = event.trace();
    String traceparent =
        trace == null ? null : "00-" + trace.traceId() + "-" + trace.spanId() + "-01";
    offer(eventClass, peerKey(event.peer()), event.peer().id(), event, traceparent);
  }

  /** Reports; false if the sink has dropped it. */
  boolean lifecycle(SvidLifecycle.Svid change) {
    return offer(
        EventClass.LIFECYCLE, source(), ownId.get(), new SvidLifecycle(change, local()), null);
  }

  void enforcement(Enforcement event) {
    offer(EventClass.ENFORCEMENT, event.enforcement().containment(), null, event, null);
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
      String key,
      @Nullable SpiffeId subject,
      Event event,
      @Nullable String traceparent) {
    return sink.offer(
        eventClass,
        key,
        new Envelope<>(
            instance + "-" + sequence.incrementAndGet(),
            source(),
            subject == null ? null : subject.toString(),
            clock.instant(),
            traceparent,
            event));
  }

  /** A claimed ID is never a key: only a verified one, else the reporter's own. */
  private String peerKey(Peer peer) {
    SpiffeId id = peer.id();
    return id == null ? source() : id.toString();
  }

  private String source() {
    SpiffeId id = ownId.get();
    return id == null ? "urn:meshward:workload:" + instance : id.toString();
  }
}
