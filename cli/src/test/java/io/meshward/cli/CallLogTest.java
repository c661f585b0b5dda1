package io.meshward.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.meshward.examples.ShopLine;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Which failed calls an outage excuses, and which it does not. Times are in seconds. */
final class CallLogTest {
  private static final Instant START = Instant.parse("2026-01-02T03:04:05Z");
  private static final CallLog.Outage OUTAGE =
      new CallLog.Outage("frontend", START.plusSeconds(10), START.plusSeconds(20));

  private final CallLog log = new CallLog();
  private int calls;

  @Test
  void callOfTheContainedIdentityIsExpectedToFailWithinTheOutage() {
    ShopLine.Call call = add("frontend", "orders", 12, 13, "PERMISSION_DENIED");

    assertThat(log.explainedBy(OUTAGE)).containsExactly(call);
    assertThat(log.unexplained(List.of(OUTAGE))).isEmpty();
  }

  @Test
  void callToTheContainedIdentityIsExpectedToFailWithinTheOutage() {
    ShopLine.Call call = add("customer", "frontend", 12, 13, "UNAVAILABLE");

    assertThat(log.explainedBy(OUTAGE)).containsExactly(call);
  }

  @Test
  void callThatWasUnderWayWhenTheOutageBeganIsExpected() {
    add("frontend", "orders", 9, 11, "UNAVAILABLE");
    add("frontend", "orders", 19, 21, "DEADLINE_EXCEEDED");

    assertThat(log.unexplained(List.of(OUTAGE))).isEmpty();
  }

  @Test
  void callBeforeOrAfterTheOutageIsNotExcused() {
    ShopLine.Call before = add("frontend", "orders", 8, 10, "UNAVAILABLE");
    ShopLine.Call after = add("frontend", "orders", 20, 21, "UNAVAILABLE");

    assertThat(log.unexplained(List.of(OUTAGE))).containsExactly(before, after);
    assertThat(log.explainedBy(OUTAGE)).isEmpty();
  }

  @Test
  void callBetweenOthersIsNotExcused() {
    ShopLine.Call call = add("orders", "payment", 12, 13, "UNAVAILABLE");

    assertThat(log.unexplained(List.of(OUTAGE))).containsExactly(call);
  }

  @Test
  void callThatIsGivenUpBecauseItsCallerWasCutOffIsExcused() {
    ShopLine.Call order = add("frontend", "orders", 12, 13, "UNAVAILABLE");
    ShopLine.Call charge = add(order.id(), "orders", "payment", 12, 14, "CANCELLED");
    ShopLine.Call transfer = add(charge.id(), "payment", "bank", 12, 15, "CANCELLED");

    assertThat(log.unexplained(List.of(OUTAGE))).isEmpty();
    assertThat(log.explainedBy(OUTAGE)).containsExactly(order, charge, transfer);
  }

  @Test
  void reportOfTheGivenUpCallMayComeFirst() {
    add("call-2", "orders", "payment", 12, 13, "CANCELLED");
    add("frontend", "orders", 12, 14, "UNAVAILABLE");

    assertThat(log.unexplained(List.of(OUTAGE))).isEmpty();
  }

  @Test
  void callWhoseCallersTimeWasUpIsExcusedWithItsCaller() {
    ShopLine.Call order = add("frontend", "orders", 12, 13, "DEADLINE_EXCEEDED");
    ShopLine.Call charge = add(order.id(), "payment", "bank", 21, 22, "DEADLINE_EXCEEDED");

    assertThat(log.unexplained(List.of(OUTAGE))).isEmpty();
    assertThat(log.explainedBy(OUTAGE)).containsExactly(order, charge);
  }

  @Test
  void callWhoseOwnTimeWasUpIsNotExcused() {
    ShopLine.Call order = add("frontend", "orders", 12, 13, "CANCELLED");
    ShopLine.Call charge = add(order.id(), "payment", "bank", 21, 22, "DEADLINE_EXCEEDED");

    assertThat(log.unexplained(List.of(OUTAGE))).containsExactly(charge);
  }

  @Test
  void callThatIsRefusedForACallerWhoWasCutOffIsNotExcused() {
    ShopLine.Call order = add("frontend", "orders", 12, 13, "UNAVAILABLE");
    ShopLine.Call charge = add(order.id(), "orders", "payment", 12, 14, "PERMISSION_DENIED");

    assertThat(log.unexplained(List.of(OUTAGE))).containsExactly(charge);
  }

  @Test
  void cancelledCallOfNobodyIsNotExcused() {
    ShopLine.Call call = add("orders", "payment", 12, 13, "CANCELLED");

    assertThat(log.unexplained(List.of(OUTAGE))).containsExactly(call);
  }

  @Test
  void cancelledCallForACallThatSucceededOrIsUnknownIsNotExcused() {
    ShopLine.Call order = add("frontend", "orders", 12, 13, "OK");
    ShopLine.Call charge = add(order.id(), "orders", "payment", 12, 13, "CANCELLED");
    ShopLine.Call other = add("unknown", "orders", "payment", 12, 13, "CANCELLED");

    assertThat(log.unexplained(List.of(OUTAGE))).containsExactly(charge, other);
  }

  @Test
  void cancelledCallForACallThatFailedOutsideTheOutageIsNotExcused() {
    ShopLine.Call order = add("frontend", "orders", 22, 23, "UNAVAILABLE");
    ShopLine.Call charge = add(order.id(), "orders", "payment", 22, 23, "CANCELLED");

    assertThat(log.unexplained(List.of(OUTAGE))).containsExactly(order, charge);
  }

  @Test
  void withoutAnOutageNothingIsExcused() {
    ShopLine.Call order = add("frontend", "orders", 12, 13, "UNAVAILABLE");
    ShopLine.Call charge = add(order.id(), "orders", "payment", 12, 13, "CANCELLED");

    assertThat(log.unexplained(List.of())).containsExactly(order, charge);
    assertThat(log.size()).isEqualTo(2);
  }

  @Test
  void successCountsIfItBeganAfterwards() {
    add("frontend", "orders", 12, 14, "OK");
    add("frontend", "orders", 11, 15, "OK");

    assertThat(log.hasSuccessAfter("frontend", "orders", START.plusSeconds(11))).isTrue();
    assertThat(log.hasSuccessAfter("frontend", "orders", START.plusSeconds(12))).isFalse();
    assertThat(log.hasSuccessAfter("orders", "frontend", START)).isFalse();
    assertThat(log.unexplained(List.of())).isEmpty();
  }

  @Test
  void moreFailuresThanCanBeKeptAreNotPassedOver() {
    for (int i = 0; i < 100_001; i++) {
      add("frontend", "orders", 12, 13, "UNAVAILABLE");
    }

    assertThatIllegalStateException().isThrownBy(() -> log.unexplained(List.of(OUTAGE)));
  }

  private ShopLine.Call add(String caller, String callee, int from, int to, String status) {
    return add(null, caller, callee, from, to, status);
  }

  private ShopLine.Call add(
      @Nullable String parent, String caller, String callee, int from, int to, String status) {
    ShopLine.Call call =
        new ShopLine.Call(
            "call-" + ++calls,
            parent,
            caller,
            callee,
            "shop.Service/Method",
            START.plusSeconds(from),
            START.plusSeconds(to),
            status,
            null);
    log.add(call);
    return call;
  }
}
