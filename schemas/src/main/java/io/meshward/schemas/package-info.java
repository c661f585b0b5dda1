/**
 * The events that Meshward's processes exchange, their JSON, and the topics they travel on.
 *
 * <p>Starting points: {@link io.meshward.schemas.Event}, {@link io.meshward.schemas.EventCodec},
 * {@link io.meshward.schemas.CloudEvents}, {@link io.meshward.schemas.TopicCatalogue}, {@link
 * io.meshward.schemas.SpiffeId}.
 */
@NullMarked
package io.meshward.schemas;

import org.jspecify.annotations.NullMarked;
