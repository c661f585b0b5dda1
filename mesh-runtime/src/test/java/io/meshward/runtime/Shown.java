package io.meshward.runtime;

import io.meshward.testkit.IssuedSvid;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.List;

/** What a peer shows of itself, and the key it has. */
record Shown(List<X509Certificate> chain, PrivateKey key) {
  static Shown of(IssuedSvid svid) {
    return new Shown(svid.certificates(), svid.privateKey());
  }

  X509Certificate leaf() {
    return chain.get(0);
  }
}
