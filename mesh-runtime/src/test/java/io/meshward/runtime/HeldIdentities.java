package io.meshward.runtime;

import io.meshward.schemas.QuarantineKey;
import io.meshward.schemas.Subject;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Holds that a test places and releases. */
final class HeldIdentities implements QuarantineSource {
  private final Map<QuarantineKey, Hold> holds = new LinkedHashMap<>();
  private final List<Listener> listeners = new ArrayList<>();
  private boolean read;

  /** Holds that have been read, and are none. */
  static HeldIdentities none() {
    HeldIdentities source = new HeldIdentities();
    source.read = true;
    return source;
  }

  /** Holds that are not read before {@link #finishReading()}. */
  static HeldIdentities unread() {
    return new HeldIdentities();
  }

  @Override
  public synchronized void watch(Listener heard) {
    listeners.add(heard);
    tell();
  }

  synchronized void finishReading() {
    read = true;
    tell();
  }

  synchronized QuarantineKey place(Subject subject, String containment) {
    return place(new Hold(new QuarantineKey(subject, containment), Instant.now(), null, null));
  }

  synchronized QuarantineKey place(Hold hold) {
    holds.put(hold.key(), hold);
    tell();
    return hold.key();
  }

  synchronized void release(QuarantineKey key) {
    holds.remove(key);
    tell();
  }

  private void tell() {
    if (read) {
      listeners.forEach(listener -> listener.holds(List.copyOf(holds.values())));
    }
  }

  @Override
  public long ageMs() {
    return read ? 0 : -1;
  }

  @Override
  public void close() {}
}
