package io.meshward.ingest;

import io.meshward.daemon.Default;
import io.meshward.daemon.Durations;
import io.meshward.daemon.HttpConfig;
import io.meshward.daemon.KafkaConfig;
import java.time.Duration;
import java.util.regex.Pattern;

/**
 * The configuration of ingest.
 *
 * @param cluster the name of the cluster whose sensors post here; the only place it comes from
 * @param http where to listen: without authentication on loopback only
 * @param authentication who may post
 * @param acknowledgeWithin how long the broker may take; then the answer is 503
 */
public record IngestConfig(
    String cluster,
    KafkaConfig kafka,
    @Default("{address: '127.0.0.1:2801'}") HttpConfig http,
    @Default("{}") AuthenticationConfig authentication,
    @Default("5s") Duration acknowledgeWithin) {
  private static final Pattern CLUSTER = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,62}");

  public IngestConfig {
    if (!CLUSTER.matcher(cluster).matches()) {
      throw new IllegalArgumentException(
          "cluster is '"
              + cluster
              + "': expected 1 to 63 characters of [A-Za-z0-9._-], the first a letter or digit");
    }
    boolean certificates = http.tls() != null && http.tls().clientCa() != null;
    if (!authentication.clients().isEmpty() && !certificates) {
      throw new IllegalArgumentException(
          "authentication.clients needs http.tls.client-ca: who else would vouch for their names?");
    }
    if (!http.address().isLoopback() && !certificates && authentication.bearerTokenFile() == null) {
      throw new IllegalArgumentException(
          "http.address is "
              + http.address()
              + ", which others reach: expected a loopback address, or"
              + " authentication.bearer-token-file, or http.tls.client-ca");
    }
    if (acknowledgeWithin.compareTo(Duration.ofMillis(100)) < 0
        || acknowledgeWithin.compareTo(Duration.ofMinutes(1)) > 0) {
      throw new IllegalArgumentException(
          "acknowledge-within is " + Durations.print(acknowledgeWithin) + ": expected 100ms to 1m");
    }
  }
}
