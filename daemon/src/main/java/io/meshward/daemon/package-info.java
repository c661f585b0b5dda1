/**
 * What every process of Meshward shares: configuration, HTTP, health, metrics, lifecycle, Kafka
 * client settings and dead letters.
 *
 * <p>Starting points: {@link io.meshward.daemon.ConfigFile}, {@link io.meshward.daemon.HttpServer},
 * {@link io.meshward.daemon.KafkaConfig}, {@link io.meshward.daemon.Health}, {@link
 * io.meshward.daemon.Resources}.
 */
@NullMarked
package io.meshward.daemon;

import org.jspecify.annotations.NullMarked;
