package io.meshward.runtime;

import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The channels of this workload that are in use. A peer that is refused now may be welcome again at
 * any moment, as after a rotation or a release, while gRPC by itself would try again later and
 * later, after up to two minutes. Thread-safe.
 */
final class DialledChannels {
  private final Set<ManagedChannel> channels = ConcurrentHashMap.newKeySet();

  ManagedChannel add(ManagedChannel channel) {
    channels.add(channel);
    return channel;
  }

  /**
   * Lets every channel that could not connect try again now, or as soon as a try that is under way
   * has failed, and forgets those that are shut down.
   */
  void tryAgain() {
    channels.removeIf(ManagedChannel::isShutdown);
    for (ManagedChannel channel : channels) {
      if (channel.getState(false) == ConnectivityState.CONNECTING) {
        channel.notifyWhenStateChanged(ConnectivityState.CONNECTING, () -> tryAgain(channel));
      } else {
        tryAgain(channel);
      }
    }
  }

  private static void tryAgain(ManagedChannel channel) {
    if (channel.getState(false) == ConnectivityState.TRANSIENT_FAILURE) {
      channel.resetConnectBackoff();
    }
  }
}
