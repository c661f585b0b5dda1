package io.meshward.schemas;

import org.jspecify.annotations.Nullable;

/**
 * The other side of a connection.
 *
 * @param ip its IP address as seen by the reporter
 * @param port its TCP port
 * @param node the node behind the address, if the reporter has a map of addresses; mesh-runtime has
 *     none, and rules have {@code peer.pod.node}, from the inventory
 * @param id the SPIFFE ID that the handshake verified; absent if none was
 * @param claimedId what an unverified certificate claims, or an account that ALTS proved and that
 *     stands for nobody; never an identity
 * @param trustDomain the trust domain of {@code id}
 * @param nonCanonical true if its certificate writes the ID, verified or claimed, with upper-case
 *     letters in scheme or trust domain, which SPIFFE-ID 2.4 has readers accept and 2.1 forbids
 *     issuers; absent if not
 */
public record Peer(
    @Nullable String ip,
    @Nullable Integer port,
    @Nullable String node,
    @Nullable SpiffeId id,
    @Nullable String claimedId,
    @Nullable TrustDomain trustDomain,
    @Nullable Boolean nonCanonical) {}
