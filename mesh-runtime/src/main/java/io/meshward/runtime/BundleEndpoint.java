package io.meshward.runtime;

import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TrustDomain;
import java.net.URI;
import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Where the bundle of another trust domain is fetched, and how its server is authenticated (SPIFFE
 * Federation 5). All of it is configured: neither the trust domain nor the profile follows from the
 * URL, and one profile is never tried in the place of the other. Immutable.
 */
public sealed interface BundleEndpoint {

  /** The trust domain that the bundle is of. */
  TrustDomain trustDomain();

  /** Where it is fetched: https, without user information. */
  URI url();

  /**
   * The profile {@code https_web}: the server has a certificate of a public authority for its host.
   */
  record Web(TrustDomain trustDomain, URI url) implements BundleEndpoint {
    public Web {
      requireHttps(url);
    }
  }

  /**
   * The profile {@code https_spiffe}: the server has an X.509-SVID.
   *
   * @param endpointId the SPIFFE ID that it must have; often of the trust domain that it serves
   * @param bootstrap that ID's bundle for the first fetch, as a SPIFFE bundle in JSON; later ones
   *     go by the bundles known then. Absent where the ID is of a trust domain that is trusted
   *     already
   */
  record Spiffe(TrustDomain trustDomain, URI url, SpiffeId endpointId, @Nullable Path bootstrap)
      implements BundleEndpoint {
    public Spiffe {
      requireHttps(url);
    }
  }

  /**
   * Checks a URL that is configured, or that an endpoint points to.
   *
   * @throws IllegalArgumentException naming the URL and what was expected
   */
  static void requireHttps(URI url) {
    if (url.getScheme() == null
        || !url.getScheme().toLowerCase(Locale.ROOT).equals("https")
        || url.getHost() == null
        || url.getRawUserInfo() != null
        || url.getRawFragment() != null) {
      throw new IllegalArgumentException(
          "the bundle endpoint's URL is '"
              + url
              + "': expected https://host[:port]/path, without user information or fragment");
    }
  }
}
