package io.meshward.runtime;

import com.google.protobuf.ByteString;

/**
 * One way in which a peer is wrong.
 *
 * @param atServer the reason in the event when a server of ours meets it
 * @param atClient the reason when a client of ours does
 */
record Wrong(String name, String atServer, String atClient, Attack attack) {

  /** What the peer does. */
  sealed interface Attack {

    /** It shows this, and speaks TLS like that. */
    record Shows(Shown shown, Speech speech) implements Attack {}

    /** It says these bytes at once. */
    record Says(ByteString bytes, boolean closes) implements Attack {}

    /** It is good, and something happens before it comes. */
    record Meanwhile(Shown shown, Event event) implements Attack {}

    /** It is good and was served; then something happens, and it comes to resume its session. */
    record Resumes(Shown shown, Event event) implements Attack {}
  }

  /** What happens, and how it is made undone. */
  interface Event {
    void happens();

    default void undone() {}
  }

  static Wrong both(String name, String reason, Attack attack) {
    return new Wrong(name, reason, reason, attack);
  }

  @Override
  public String toString() {
    return name;
  }
}
