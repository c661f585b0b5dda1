package io.meshward.detect;

import io.meshward.schemas.EventCodec;
import java.util.List;

/**
 * What one group of a correlation remembers between facts. Immutable; kept as JSON.
 *
 * @param waiting events that count and were not part of a detection yet, by event time and then by
 *     arrival
 * @param spent ids of the latest events that were part of one, oldest first: they never count again
 * @param newest the latest event time of any fact of the group
 * @param lastArrival when its latest fact was written
 */
record GroupState(List<CountedEvent> waiting, List<String> spent, long newest, long lastArrival) {
  static final GroupState EMPTY =
      new GroupState(List.of(), List.of(), Long.MIN_VALUE, Long.MIN_VALUE);

  GroupState {
    waiting = List.copyOf(waiting);
    spent = List.copyOf(spent);
  }

  byte[] encode() {
    return EventCodec.encodeValue(this);
  }

  static GroupState decode(byte[] json) {
    return EventCodec.decodeValue(json, GroupState.class);
  }
}
