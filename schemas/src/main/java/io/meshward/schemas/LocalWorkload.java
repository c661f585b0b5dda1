package io.meshward.schemas;

import org.jspecify.annotations.Nullable;

/**
 * The workload that reports an event.
 *
 * @param id its SPIFFE ID; absent before the first SVID
 * @param node the node it runs on, if it was told
 * @param pod the name of its pod, if it was told
 * @param instance tells the processes of one workload apart
 */
public record LocalWorkload(
    @Nullable SpiffeId id,
    @Nullable String node,
    @Nullable String pod,
    @Nullable String instance) {}
