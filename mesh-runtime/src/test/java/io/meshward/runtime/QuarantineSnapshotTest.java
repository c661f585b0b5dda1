package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.StatusRuntimeException;
import io.meshward.schemas.QuarantineKey;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.Subject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QuarantineSnapshotTest {
  private static final Instant NOW = Instant.parse("2026-01-02T03:04:05.678Z");
  private static final SpiffeId FRONTEND = SpiffeId.parse("spiffe://shop.test/ns/shop/sa/frontend");
  private static final Hold WHOLE =
      Hold.ofUnreadable(new QuarantineKey(Subject.of(FRONTEND), "c1"));
  private static final Hold REVOKED =
      new Hold(
          new QuarantineKey(Subject.of(FRONTEND), "c2"),
          NOW.minusSeconds(9),
          NOW.plusSeconds(99),
          NOW.minusSeconds(5));

  @TempDir Path directory;

  @Test
  void keepsHoldsWithTheTimeTheyWereUpToDate() throws Exception {
    snapshot(NOW).keep(List.of(WHOLE, REVOKED), 1_000);

    QuarantineSnapshot.Loaded loaded = snapshot(NOW.plusSeconds(3_000)).load().orElseThrow();
    assertThat(loaded.holds()).containsExactly(WHOLE, REVOKED);
    assertThat(loaded.upToDateAt()).isEqualTo(NOW.minusMillis(1_000));
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file())))
        .isEqualTo("rw-------");
    assertThat(directory).isDirectoryNotContaining(path -> !path.equals(file()));
  }

  @Test
  void isNotUsedWhenItIsTooOldOrDamagedOrNotThere() throws Exception {
    assertThat(snapshot(NOW).load()).isEmpty();
    snapshot(NOW).keep(List.of(WHOLE), 0);
    assertThat(snapshot(NOW.plusSeconds(3_600)).load()).isPresent();
    assertThat(snapshot(NOW.plusSeconds(3_601)).load()).isEmpty();

    assertThat(snapshot(NOW.minusSeconds(60)).load()).as("the clock was set back").isPresent();
    assertThat(snapshot(NOW.minusSeconds(3_601)).load()).as("by far too much").isEmpty();

    String good = Files.readString(file());
    for (String bad :
        List.of(
            "",
            "{}",
            good.substring(0, good.length() - 3),
            good.replace("spiffe_id|", "what|"),
            good.replace("\"holds\"", "\"folds\""))) {
      Files.writeString(file(), bad);
      assertThat(snapshot(NOW).load()).as(bad).isEmpty();
    }
  }

  @Test
  void isNotWrittenWhileItIsUnknownWhoIsHeld() {
    snapshot(NOW).keep(List.of(), -1);
    snapshot(NOW).keep(List.of(), 60_000);

    assertThat(file()).doesNotExist();
  }

  @Test
  void aStartWithoutTheSourceAppliesWhatWasKeptUntilItIsRead() {
    try (Shop shop = new Shop()) {
      MeshRuntime before =
          shop.ordersRuntime(builder -> builder.quarantineSnapshot(file(), Duration.ofHours(1)));
      shop.serverHolds.place(Subject.of(shop.frontend), "c1");
      Eventually.await(
          "it is kept", () -> snapshot(Instant.now()).load().isPresent() && keeps("c1"));
      before.close();

      HeldIdentities unread = HeldIdentities.unread();
      MeshRuntime after =
          shop.ordersRuntime(
              builder ->
                  builder
                      .quarantine(unread)
                      .quarantineDeadline(Duration.ofMillis(300))
                      .quarantineSnapshot(file(), Duration.ofHours(1)));
      Server server = shop.serve(after);
      ManagedChannel channel = shop.dial(shop.frontendRuntime(), server);

      assertThat(after.status().open()).isTrue();
      assertThat(after.status().holds()).isEqualTo(1);
      assertThat(after.status().quarantineAgeMs()).isPositive();
      assertThatThrownBy(() -> Echo.call(channel, "let me in"))
          .isInstanceOf(StatusRuntimeException.class);

      unread.finishReading();
      Eventually.await(
          "the release",
          () -> {
            try {
              return Echo.call(channel, "hello").contains("frontend");
            } catch (StatusRuntimeException e) {
              channel.resetConnectBackoff();
              return false;
            }
          });
      assertThat(after.status().quarantineAgeMs()).isZero();
    }
  }

  @Test
  void needsAPositiveAge() {
    assertThatThrownBy(() -> MeshRuntime.builder().quarantineSnapshot(file(), Duration.ZERO))
        .isInstanceOf(IllegalArgumentException.class);
  }

  private boolean keeps(String containment) {
    return snapshot(Instant.now()).load().orElseThrow().holds().stream()
        .anyMatch(hold -> hold.key().containment().equals(containment));
  }

  private Path file() {
    return directory.resolve("quarantine.json");
  }

  private QuarantineSnapshot snapshot(Instant now) {
    return new QuarantineSnapshot(
        new QuarantineSnapshot.Place(file(), Duration.ofHours(1)),
        Clock.fixed(now, ZoneOffset.UTC));
  }
}
