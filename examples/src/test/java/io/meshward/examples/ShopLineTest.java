package io.meshward.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

final class ShopLineTest {
  @Test
  void linesAreReadAsTheyWereWritten() {
    Instant start = Instant.parse("2026-01-02T03:04:05.006007Z");
    for (ShopLine line :
        List.of(
            new ShopLine.Ready("orders", "127.70.0.3:4711"),
            new ShopLine.Ready("frontend", null),
            new ShopLine.Call(
                "0123456789abcdef",
                null,
                "orders",
                "payment",
                "p.Payment/Charge",
                start,
                start.plusMillis(3),
                "OK",
                null))) {
      assertThat(ShopLine.parse(line.toLine())).isEqualTo(line);
      assertThat(line.toLine()).doesNotContain("\n");
    }
  }

  @Test
  void otherLinesAreRefused() {
    for (String line : List.of("", "hello", "{}", "{\"other\":{}}", "{\"ready\":{\"x\":1}}")) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> ShopLine.parse(line))
          .withMessageContaining("'" + line + "'");
    }
  }
}
