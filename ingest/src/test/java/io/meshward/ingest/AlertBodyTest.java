package io.meshward.ingest;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class AlertBodyTest {
  private static AlertBody of(String body) throws Rejection {
    return AlertBody.of(body.getBytes(UTF_8));
  }

  private static List<String> texts(AlertBody body) {
    return body.alerts().stream().map(alert -> new String(alert, UTF_8)).toList();
  }

  private static void assertSingle(String body, String alert) throws Rejection {
    assertThat(of(body).batch()).as(body).isFalse();
    assertThat(texts(of(body))).as(body).containsExactly(alert);
  }

  private static void assertBatch(String body, String... alerts) throws Rejection {
    assertThat(of(body).batch()).as(body).isTrue();
    assertThat(texts(of(body))).as(body).containsExactly(alerts);
  }

  @Test
  void takesOneDocumentOverSeveralLinesForOneAlert() throws Exception {
    assertSingle("{\"a\":1}", "{\"a\":1}");
    assertSingle("\ufeff \r\n{\"a\":1}\n", "{\"a\":1}");
    assertSingle("{\n \"a\":\n {\"b\":1}\n}", "{\n \"a\":\n {\"b\":1}\n}");
    assertSingle("{\n \"a\": \"}\n\\\"{\"\n}", "{\n \"a\": \"}\n\\\"{\"\n}");
  }

  @Test
  void takesWhatIsNoJsonForOneAlert() throws Exception {
    assertSingle("12:00:00.000000000: Notice text", "12:00:00.000000000: Notice text");
    assertSingle("two\nlines", "two\nlines");
    assertSingle("{\"a\": {\n\"b\"", "{\"a\": {\n\"b\"");
    assertSingle("{\"a\":1} x", "{\"a\":1} x");
  }

  @Test
  void splitsAnArrayWithoutParsingItsItems() throws Exception {
    assertBatch("[{\"a\":1}]", "{\"a\":1}");
    assertBatch(
        "[ {\"a\":[1,2]} ,\n{\"b\":\"],[\\\"\"} ] ", "{\"a\":[1,2]}", "{\"b\":\"],[\\\"\"}");
    assertBatch("[{\"a\":tru},{\"b\":1}]", "{\"a\":tru}", "{\"b\":1}");
    assertBatch("[1}, {\"b\":1}]", "1}", "{\"b\":1}");
    assertBatch("[{\"a\":1},,3]", "{\"a\":1}", "", "3");
    assertBatch("[{\"a\":1},]", "{\"a\":1}", "");
    assertBatch("[[1]]", "[1]");
    assertBatch("[{\"a\":1}] x", "{\"a\":1}", "x");
    assertThat(of("[{\"a\":1}]").cutOff()).isFalse();
  }

  @Test
  void knowsThatTheLastItemOfAnUnclosedArrayIsCutOff() throws Exception {
    assertBatch("[{\"a\":1},{\"b\"", "{\"a\":1}", "{\"b\"");
    assertThat(of("[{\"a\":1},{\"b\"").cutOff()).isTrue();
    assertThat(of("[{\"a\":1}").cutOff()).isTrue();
  }

  @Test
  void splitsLinesOfWhichAtLeastOneIsWhole() throws Exception {
    assertBatch("{\"a\":1}\n{\"b\":2}\r\n\n {\"c\":3}\n", "{\"a\":1}", "{\"b\":2}", "{\"c\":3}");
    assertBatch("{\"a\":\n{\"b\":2}", "{\"a\":", "{\"b\":2}");
    assertBatch("garbage\n{\"b\":2}", "garbage", "{\"b\":2}");
  }

  @Test
  void refusesNothingAndTooMuch() {
    for (String empty : List.of("", " \n\t", "\ufeff", "[]", " [ ] ")) {
      assertThatThrownBy(() -> of(empty)).as(empty).isInstanceOf(Rejection.class);
    }
    assertThatThrownBy(() -> of("[" + "1,".repeat(AlertBody.MAX_ALERTS) + "1]"))
        .hasMessageContaining("more than 4096 alerts");
    assertThatThrownBy(() -> of("{}\n".repeat(AlertBody.MAX_ALERTS + 1)))
        .hasMessageContaining("more than 4096 alerts");
  }
}
