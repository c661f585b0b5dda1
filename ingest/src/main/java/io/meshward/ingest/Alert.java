package io.meshward.ingest;

import org.apache.kafka.common.header.Headers;

/**
 * An alert that was understood, as it goes to Kafka.
 *
 * @param id its content, hashed: the same whoever forwards it, and however often
 * @param key what keeps the alerts of a pod in order: {@code cluster/namespace/pod}, else {@code
 *     cluster/host}
 * @param headers its context attributes
 * @param json the event
 */
@SuppressWarnings("ArrayRecordComponent") // Never compared; handed to Kafka as it is.
record Alert(String id, String key, Headers headers, byte[] json) {}
