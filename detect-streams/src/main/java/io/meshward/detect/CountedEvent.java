package io.meshward.detect;

import io.meshward.schemas.EvidenceRef;

/**
 * An event that waits in a window.
 *
 * @param time event time in milliseconds since the epoch
 * @param arrived when its fact was written, in milliseconds since the epoch
 * @param evidence where it stands; holds its id
 */
record CountedEvent(long time, long arrived, EvidenceRef evidence) {
  String id() {
    return evidence.eventId();
  }
}
