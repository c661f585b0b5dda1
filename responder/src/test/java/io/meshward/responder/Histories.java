package io.meshward.responder;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.schemas.EventCodec;
import io.meshward.schemas.Response;
import java.util.List;
import java.util.Locale;

/** What the audit of a containment must be like. */
final class Histories {
  private Histories() {}

  /** Sequences without gaps, each state following the one before, each hash that of the last. */
  static void assertWhole(List<Response> history) {
    assertThat(history).isNotEmpty();
    String previous = null;
    for (int i = 0; i < history.size(); i++) {
      Response.Transition transition = history.get(i).response();
      assertThat(transition.sequence()).isEqualTo(i + 1L);
      assertThat(transition.previous()).isEqualTo(previous);
      if (i > 0) {
        assertThat(transition.from()).isEqualTo(history.get(i - 1).response().to());
      }
      previous = Draft.sha256(EventCodec.encode(history.get(i)));
    }
  }

  /** What happened to steps: {@code "0 done"}. */
  static List<String> stepOrder(List<Response> history) {
    return history.stream()
        .filter(response -> response.step() != null)
        .map(
            response ->
                response.step().index()
                    + " "
                    + response.step().state().name().toLowerCase(Locale.ROOT))
        .toList();
  }
}
