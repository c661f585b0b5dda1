package io.meshward.detect;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalLong;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Event times, promises of low event times, and pauses after failures. */
class TimesTest {
  private static final long WRITTEN = 1_772_366_400_000L;

  @Test
  void eventTimeIsTheTimeOfTheEventAndNotOfItsRecord() {
    assertThat(extract("2020-01-01T00:00:00.123456Z")).isEqualTo(1_577_836_800_123L);
    assertThat(extract(Instant.ofEpochMilli(WRITTEN + 60_000).toString()))
        .isEqualTo(WRITTEN + 60_000);
  }

  @Test
  void aTimeTooFarAheadIsTakenForTheLatestThatIsBelieved() {
    assertThat(extract("2099-01-01T00:00:00Z")).isEqualTo(WRITTEN + 60_000);
    assertThat(extract("+999999999-01-01T00:00:00Z")).isEqualTo(WRITTEN);
    assertThat(extract("1900-01-01T00:00:00Z")).isZero();
  }

  @Test
  void aRecordWithoutReadableTimeHasItsOwn() {
    assertThat(extract(null)).isEqualTo(WRITTEN);
    assertThat(extract("yesterday")).isEqualTo(WRITTEN);
  }

  @Test
  void onlyAClampedTimeLosesDigits() {
    Instant exact = Instant.parse("2020-01-01T00:00:00.123456789Z");
    assertThat(EventTimes.moment(exact, exact.toEpochMilli())).isEqualTo(exact);
    assertThat(EventTimes.isClamped(exact, exact.toEpochMilli())).isFalse();
    assertThat(EventTimes.isClamped(exact, exact.toEpochMilli() - 1)).isTrue();
    assertThat(EventTimes.moment(exact, 1_000)).isEqualTo(Instant.ofEpochMilli(1_000));
  }

  @Test
  void aPromiseFollowsTheLatestEventAtADistance() {
    LowEventTime low = new LowEventTime(Duration.ofSeconds(5), 0);
    assertThat(low.promise(1_000)).isEmpty();
    low.event(100_000, 100_000);
    assertThat(low.promise(100_000)).isEqualTo(OptionalLong.of(95_000));
    low.event(90_000, 100_100);
    assertThat(low.promise(100_100)).isEqualTo(OptionalLong.of(95_000));
  }

  @Test
  void anEventFromTheFutureMakesNoPromiseBeyondTheClock() {
    LowEventTime low = new LowEventTime(Duration.ofSeconds(5), 0);
    low.event(160_000, 100_000);
    assertThat(low.promise(100_000)).isEqualTo(OptionalLong.of(95_000));
  }

  @Test
  void anIdleSourceFollowsTheClockAndNeverGoesBack() {
    LowEventTime low = new LowEventTime(Duration.ofSeconds(5), 0);
    assertThat(low.promise(5_000)).isEqualTo(OptionalLong.of(0));
    low.event(1_000, 5_001);
    assertThat(low.promise(5_002)).isEqualTo(OptionalLong.of(0));
  }

  @Test
  void pausesGrowWhileFailuresGoOnAndStartAnewAfterACalm() {
    Backoff backoff = new Backoff();
    assertThat(backoff.next(0)).isEqualTo(Backoff.FIRST);
    assertThat(backoff.next(1)).isEqualTo(Backoff.FIRST.multipliedBy(2));
    for (int n = 0; n < 20; n++) {
      backoff.next(2);
    }
    assertThat(backoff.next(3)).isEqualTo(Backoff.LONGEST);
    assertThat(backoff.next(4 + Backoff.CALM.toNanos())).isEqualTo(Backoff.FIRST);
  }

  private static long extract(@Nullable String time) {
    RecordHeaders headers = new RecordHeaders();
    if (time != null) {
      headers.add("ce_time", time.getBytes(StandardCharsets.UTF_8));
    }
    return new EventTimes()
        .extract(
            new ConsumerRecord<>(
                "t",
                0,
                0,
                WRITTEN,
                TimestampType.CREATE_TIME,
                0,
                0,
                null,
                "value",
                headers,
                Optional.empty()),
            0);
  }
}
