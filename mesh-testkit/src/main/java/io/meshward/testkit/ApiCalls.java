package io.meshward.testkit;

/**
 * How often a {@link TestWorkloadApi} was called since its first start.
 *
 * @param fetchX509Svid streams opened
 * @param fetchX509Bundles streams opened
 * @param fetchJwtBundles streams opened
 * @param fetchJwtSvid calls
 * @param validateJwtSvid calls
 * @param refused calls without the security header
 */
public record ApiCalls(
    long fetchX509Svid,
    long fetchX509Bundles,
    long fetchJwtBundles,
    long fetchJwtSvid,
    long validateJwtSvid,
    long refused) {}
