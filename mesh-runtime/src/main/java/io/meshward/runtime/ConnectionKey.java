package io.meshward.runtime;

import java.net.SocketAddress;

/** Names a live connection by both its ends. */
record ConnectionKey(SocketAddress local, SocketAddress remote) {}
