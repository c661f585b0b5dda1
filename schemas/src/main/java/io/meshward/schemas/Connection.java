package io.meshward.schemas;

/**
 * Names one connection of one reporter, so that its handshake and its calls can be put together.
 *
 * @param id unique among the reporter's connections
 */
public record Connection(String id) {
  public Connection {
    Require.text(id, "conn.id");
  }
}
