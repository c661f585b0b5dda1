package io.meshward.runtime;

import io.meshward.schemas.SvidLifecycle.Change;
import io.meshward.schemas.SvidLifecycle.Svid;
import io.meshward.schemas.TrustDomain;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A change as its event tells it: what is known is added, what does not apply is left out. */
final class LifecycleChange {
  private final Change change;
  private @Nullable String serial;
  private @Nullable String keyHash;
  private @Nullable Instant notBefore;
  private @Nullable Instant notAfter;
  private @Nullable Long ttlMs;
  private @Nullable Integer agePercent;
  private @Nullable String error;
  private @Nullable Long streamNumber;
  private @Nullable TrustDomain trustDomain;
  private @Nullable Long bundleSequence;
  private @Nullable List<String> addedKeys;
  private @Nullable List<String> removedKeys;
  private @Nullable Long dropped;
  private @Nullable String droppedClass;
  private @Nullable String policy;
  private @Nullable Integer revocationLists;
  private @Nullable Integer revokedSerials;

  LifecycleChange(Change change) {
    this.change = change;
  }

  /** The SVID that it is about, if it is about one. */
  LifecycleChange of(@Nullable X509Svid svid) {
    if (svid != null) {
      serial = Certificates.serial(svid.leaf());
      keyHash = Certificates.keyHash(svid.leaf());
      notBefore = svid.notBefore();
      notAfter = svid.notAfter();
      ttlMs = svid.lifetime().toMillis();
      trustDomain = svid.id().trustDomain();
    }
    return this;
  }

  /** The token that it is about, with what is left of its life. */
  LifecycleChange of(JwtSvid svid, Instant now) {
    notAfter = svid.expiresAt();
    ttlMs = Duration.between(now, svid.expiresAt()).toMillis();
    trustDomain = svid.id().trustDomain();
    return this;
  }

  /** How much of its life had passed of the SVID that was replaced. */
  LifecycleChange agePercent(int percent) {
    agePercent = percent;
    return this;
  }

  LifecycleChange error(@Nullable String words) {
    error = words;
    return this;
  }

  LifecycleChange stream(long number) {
    streamNumber = number;
    return this;
  }

  LifecycleChange trustDomain(TrustDomain ofBundle) {
    trustDomain = ofBundle;
    return this;
  }

  LifecycleChange keys(List<String> added, List<String> removed) {
    addedKeys = added;
    removedKeys = removed;
    return this;
  }

  LifecycleChange sequence(@Nullable Long ofDocument) {
    bundleSequence = ofDocument;
    return this;
  }

  LifecycleChange dropped(long count, @Nullable String eventClass) {
    dropped = count;
    droppedClass = eventClass;
    return this;
  }

  LifecycleChange policy(AuthorizationPolicy inForce) {
    policy = inForce.id();
    return this;
  }

  LifecycleChange revocations(RevocationLists inForce) {
    revocationLists = inForce.lists().size();
    revokedSerials = inForce.revoked();
    return this;
  }

  Svid build() {
    return new Svid(
        change,
        serial,
        keyHash,
        notBefore,
        notAfter,
        ttlMs,
        agePercent,
        error,
        streamNumber,
        trustDomain,
        bundleSequence,
        addedKeys,
        removedKeys,
        dropped,
        droppedClass,
        policy,
        revocationLists,
        revokedSerials);
  }
}
