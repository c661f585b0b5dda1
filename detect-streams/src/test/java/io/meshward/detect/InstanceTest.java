package io.meshward.detect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InstanceTest {
  @TempDir Path directory;

  @Test
  void anInstanceIsTheSameOverRestarts() {
    String id = Instance.idIn(directory.resolve("state"));
    assertThat(Instance.idIn(directory.resolve("state"))).isEqualTo(id);
    assertThat(Instance.idIn(directory.resolve("other"))).isNotEqualTo(id);
  }

  @Test
  void whatIsNoIdIsRefused() throws IOException {
    Files.writeString(directory.resolve("instance-id"), "me");
    assertThatThrownBy(() -> Instance.idIn(directory))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("instance-id");
  }

  @Test
  void aDirectoryThatCannotBeIsNamed() throws IOException {
    Files.writeString(directory.resolve("file"), "");
    assertThatThrownBy(() -> Instance.idIn(directory.resolve("file/state")))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining("state-directory");
  }
}
