package io.meshward.schemas;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * An event with its CloudEvents 1.0 context attributes.
 *
 * @param id unique per source; a hash of the content where a retry must collapse
 * @param source the reporter, as a URI reference: {@code //<cluster>/ingest} or a SPIFFE ID
 * @param subject what it is about, such as a SPIFFE ID
 * @param time event time
 * @param traceparent W3C trace context
 */
public record Envelope<E extends Event>(
    String id,
    String source,
    @Nullable String subject,
    Instant time,
    @Nullable String traceparent,
    E data) {
  public Envelope {
    Require.text(id, "ce_id");
    Require.text(source, "ce_source");
  }

  public Envelope(String id, String source, Instant time, E data) {
    this(id, source, null, time, null, data);
  }
}
