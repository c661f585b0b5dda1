package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class OpenPartsTest {
  private final List<String> closed = new ArrayList<>();
  private final OpenParts open = new OpenParts();

  @Test
  void closesTheLastFirstWhateverOneThrowsAndEachOnce() {
    AutoCloseable moved = () -> closed.add("moved");
    open.addIfAny(moved);
    open.addIfAny(() -> closed.add("first"));
    open.addIfAny(
        () -> {
          throw new IllegalStateException("a part that fails");
        });
    open.addIfAny(
        () -> {
          throw new AssertionError("a part that fails worse");
        });
    open.addIfAny(null);
    open.addIfAny(moved);
    assertThat(open.isClosed()).isFalse();

    open.close();
    open.close();

    assertThat(closed).containsExactly("moved", "first");
    assertThat(open.isClosed()).isTrue();
  }

  @Test
  void aPartThatComesAfterTheEndIsClosed() {
    open.close();

    assertThatThrownBy(() -> open.add(() -> closed.add("late")))
        .isInstanceOf(IllegalStateException.class);

    assertThat(closed).containsExactly("late");
  }
}
