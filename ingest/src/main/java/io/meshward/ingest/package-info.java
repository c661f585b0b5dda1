/**
 * Alerts by HTTP, onto Kafka, nothing lost: an alert is answered with success only after the broker
 * has it.
 *
 * <p>Starting points: {@link io.meshward.ingest.Ingest}, {@link io.meshward.ingest.IngestConfig};
 * inside, {@code FalcoEndpoint} is the way of a request and {@code AlertParser} that of an alert.
 */
@NullMarked
package io.meshward.ingest;

import org.jspecify.annotations.NullMarked;
