package io.meshward.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class HostPortTest {
  @Test
  void knowsWhatOnlyThisMachineReaches() {
    for (String text : List.of("127.0.0.1:1", "127.9.9.9:0", "[::1]:80", "localhost:80")) {
      assertThat(HostPort.parse(text).isLoopback()).as(text).isTrue();
      assertThat(HostPort.parse(text)).hasToString(text);
    }
    for (String text :
        List.of("0.0.0.0:1", "[::]:1", "10.0.0.1:1", "example.org:1", "127.0.0.1.example.org:1")) {
      assertThat(HostPort.parse(text).isLoopback()).as(text).isFalse();
      assertThat(HostPort.parse(text)).hasToString(text);
    }
  }

  @Test
  void refusesWhatIsNoAddress() {
    for (String text :
        List.of("", ":1", "a", "a:", "a:65536", "a:-1", "::1:80", "a b:1", "a/b:1")) {
      assertThatThrownBy(() -> HostPort.parse(text))
          .as(text)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("host:port");
    }
  }
}
