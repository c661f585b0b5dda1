package io.meshward.detect;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.schemas.Inventory;
import io.meshward.schemas.SpiffeId;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class InventoryTableTest {
  private static final Instant NOW = Instant.parse("2026-03-01T12:00:00Z");
  private static final Instant LONG_AGO = NOW.minusSeconds(3600);
  private static final SpiffeId ORDERS = Events.id("orders");

  private final InventoryTable table = new InventoryTable();

  @Test
  void findsAPodByNameByAddressAndByIdentity() {
    Inventory pod = put(Events.pod("orders", 0, "10.0.0.3", LONG_AGO));
    assertThat(table.named("demo", "shop", "orders-0", NOW)).contains(pod);
    assertThat(table.atAddress("demo", "10.0.0.3", NOW)).containsExactly(pod);
    assertThat(table.ofIdentity(ORDERS)).containsExactly(pod);
    assertThat(table.isNode("demo", "192.168.0.1")).isTrue();
    assertThat(table.atAddress("other", "10.0.0.3", NOW)).isEmpty();
    assertThat(table.size()).isEqualTo(1);
  }

  @Test
  void followsAPodThatChanges() {
    put(Events.pod("orders", 0, null, LONG_AGO));
    put(Events.pod("orders", 0, "10.0.0.3", LONG_AGO));
    Inventory moved = put(Events.pod("orders", 0, "10.0.0.4", LONG_AGO));
    assertThat(table.atAddress("demo", "10.0.0.3", NOW)).isEmpty();
    assertThat(table.atAddress("demo", "10.0.0.4", NOW)).containsExactly(moved);
    remove(moved);
    assertThat(table.size()).isZero();
    assertThat(table.ofIdentity(ORDERS)).isEmpty();
    assertThat(table.isNode("demo", "192.168.0.1")).isFalse();
  }

  @Test
  void ofTwoPodsOnOneAddressTheOneThatHadItThenComesFirst() {
    Inventory gone = put(Events.pod("orders", 0, "10.0.0.3", LONG_AGO, NOW));
    Inventory next = put(Events.pod("payment", 0, "10.0.0.3", NOW));
    assertThat(table.atAddress("demo", "10.0.0.3", NOW.minusSeconds(1)))
        .containsExactly(gone, next);
    assertThat(table.atAddress("demo", "10.0.0.3", NOW.plusSeconds(1))).containsExactly(next, gone);
    Instant later = NOW.plus(InventoryTable.GRACE);
    assertThat(table.atAddress("demo", "10.0.0.3", later)).containsExactly(next);
  }

  @Test
  void aSuccessorOfTheSameNameIsFoundOnceItIsThere() {
    put(Events.pod("orders", 0, "10.0.0.3", LONG_AGO, NOW));
    Inventory.Pod old = Events.pod("orders", 0, "10.0.0.9", NOW).pod();
    Inventory successor =
        new Inventory(
            new Inventory.Pod(
                old.cluster(),
                old.namespace(),
                old.name(),
                "uid-successor",
                old.ip(),
                old.node(),
                old.nodeIp(),
                old.serviceAccount(),
                false,
                true,
                "Running",
                old.labels()),
            Events.pod("orders", 0, null, NOW).owners(),
            ORDERS,
            new Inventory.Validity(NOW, null));
    put(successor);
    assertThat(table.named("demo", "shop", "orders-0", NOW.plusSeconds(1))).contains(successor);
  }

  @Test
  void concludesNothingFromAnInventoryThatIsEmptyOrNew() {
    assertThat(table.knowsPlacesOf(ORDERS, NOW, NOW)).isFalse();
    put(Events.pod("orders", 0, "10.0.0.3", LONG_AGO));
    Instant settled = NOW.plus(InventoryTable.SETTLING);
    assertThat(table.knowsPlacesOf(ORDERS, NOW, settled.minusMillis(1))).isFalse();
    assertThat(table.knowsPlacesOf(ORDERS, NOW, settled)).isTrue();
    assertThat(table.knowsPlacesOf(Events.id("unknown"), NOW, settled)).isFalse();
  }

  @Test
  void anInventoryThatWasThereBeforeThisProcessIsNotNew() {
    Inventory pod = Events.pod("orders", 0, "10.0.0.3", LONG_AGO);
    table.put("demo/" + pod.pod().uid(), pod, LONG_AGO);
    assertThat(table.knowsPlacesOf(ORDERS, NOW, NOW)).isTrue();
  }

  @Test
  void concludesNothingWhileAPodAwaitsItsAddress() {
    put(Events.pod("orders", 0, "10.0.0.3", LONG_AGO));
    put(Events.pod("orders", 1, null, NOW));
    Instant settled = NOW.plusSeconds(60);
    assertThat(table.knowsPlacesOf(ORDERS, settled, settled)).isFalse();
    put(Events.pod("orders", 1, null, NOW, NOW.plusSeconds(1)));
    assertThat(table.knowsPlacesOf(ORDERS, settled, settled)).as("it ended").isTrue();
  }

  @Test
  void concludesNothingAboutTimesItDoesNotRemember() {
    put(Events.pod("orders", 0, "10.0.0.3", LONG_AGO));
    Instant now = NOW.plus(Duration.ofHours(1));
    Instant oldest = now.minus(InventoryTable.MEMORY);
    assertThat(table.knowsPlacesOf(ORDERS, oldest, now)).isTrue();
    assertThat(table.knowsPlacesOf(ORDERS, oldest.minusMillis(1), now)).isFalse();
  }

  @Test
  void anIdentityThatTwoWorkloadsShareHasNoSoleOwner() {
    put(Events.pod("orders", 0, "10.0.0.3", LONG_AGO));
    put(Events.pod("orders", 1, "10.0.0.4", LONG_AGO));
    assertThat(table.soleOwner(ORDERS)).isPresent();
    Inventory other = Events.pod("payment", 0, "10.0.0.5", LONG_AGO);
    put(new Inventory(other.pod(), other.owners(), ORDERS, other.valid()));
    assertThat(table.soleOwner(ORDERS)).isEmpty();
  }

  private Inventory put(Inventory pod) {
    table.put("demo/" + pod.pod().uid(), pod, NOW);
    return pod;
  }

  private void remove(Inventory pod) {
    table.put("demo/" + pod.pod().uid(), null, NOW);
  }
}
