package io.meshward.ingest;

import io.meshward.daemon.Default;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Who may post. Where both a token and client certificates are configured, one of them is enough;
 * where none is, whoever reaches the loopback address may post.
 *
 * @param bearerTokenFile the file with the token that senders show in {@code Authorization: Bearer
 *     …}; read again when it changes
 * @param clients the URI and DNS names of which a client certificate must have one; any certificate
 *     of {@code http.tls.client-ca} will do if empty
 */
public record AuthenticationConfig(
    @Nullable Path bearerTokenFile, @Default("[]") List<String> clients) {
  public AuthenticationConfig {
    clients = List.copyOf(clients);
  }
}
