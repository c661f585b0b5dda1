package io.meshward.runtime;

import io.meshward.schemas.SpiffeId;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * How a runtime learns that a certificate is revoked, beside the quarantine: revocation lists (RFC
 * 5280 5) and stapled OCSP responses (RFC 6960). Lists that the Workload API sends are looked at in
 * any case. Immutable; each method gives a changed copy.
 */
public final class RevocationOptions {

  /** Lists of the Workload API only; a chain that no list covers is accepted. */
  public static final RevocationOptions DEFAULT =
      new RevocationOptions(null, false, StapleRule.OFF, null, null, null);

  private final @Nullable Path crlDirectory;
  private final boolean undeterminedIsRefused;
  private final StapleRule stapleRule;
  private final @Nullable SpiffeId responder;
  private final @Nullable StapleSource stapleSource;
  private final @Nullable String stapleTarget;

  private RevocationOptions(
      @Nullable Path crlDirectory,
      boolean undeterminedIsRefused,
      StapleRule stapleRule,
      @Nullable SpiffeId responder,
      @Nullable StapleSource stapleSource,
      @Nullable String stapleTarget) {
    this.crlDirectory = crlDirectory;
    this.undeterminedIsRefused = undeterminedIsRefused;
    this.stapleRule = stapleRule;
    this.responder = responder;
    this.stapleSource = stapleSource;
    this.stapleTarget = stapleTarget;
  }

  /**
   * Reads revocation lists from a directory too, each file one in DER or several in PEM, and again
   * when they change.
   */
  public RevocationOptions crlDirectory(Path directory) {
    return new RevocationOptions(
        directory, undeterminedIsRefused, stapleRule, responder, stapleSource, stapleTarget);
  }

  /**
   * Refuses a chain if no list that is in force covers each of its certificates. Default: as in
   * gRFC A69 it is accepted, since most trust domains have no lists.
   */
  public RevocationOptions refuseUndetermined() {
    return new RevocationOptions(
        crlDirectory, true, stapleRule, responder, stapleSource, stapleTarget);
  }

  /**
   * What this workload, as a client, demands of its servers' staples.
   *
   * @param statusResponder whose responses count: a locally trusted responder (RFC 6960 4.2.2.2),
   *     known by its X.509-SVID
   */
  public RevocationOptions requireOfServers(StapleRule rule, SpiffeId statusResponder) {
    return new RevocationOptions(
        crlDirectory, undeterminedIsRefused, rule, statusResponder, stapleSource, stapleTarget);
  }

  /**
   * Staples these responses to the SVID of this workload's gRPC servers, once they were verified to
   * be of that responder. Needs BoringSSL.
   */
  public RevocationOptions staple(StapleSource source, SpiffeId statusResponder) {
    return new RevocationOptions(
        crlDirectory, undeterminedIsRefused, stapleRule, statusResponder, source, null);
  }

  /**
   * The same with responses that the responder gives over the mesh, where it serves {@link
   * StatusSigner#service}.
   *
   * @param target the responder's, as {@link MeshRuntime#channelBuilder} takes it
   */
  public RevocationOptions staple(String target, SpiffeId statusResponder) {
    return new RevocationOptions(
        crlDirectory, undeterminedIsRefused, stapleRule, statusResponder, null, target);
  }

  @Nullable Path crlDirectory() {
    return crlDirectory;
  }

  boolean undeterminedIsRefused() {
    return undeterminedIsRefused;
  }

  StapleRule stapleRule() {
    return stapleRule;
  }

  @Nullable SpiffeId responder() {
    return responder;
  }

  @Nullable StapleSource stapleSource() {
    return stapleSource;
  }

  @Nullable String stapleTarget() {
    return stapleTarget;
  }

  /** Whether OCSP is spoken at all. */
  boolean usesOcsp() {
    return stapleSource != null || stapleTarget != null || stapleRule != StapleRule.OFF;
  }
}
