package io.meshward.rules;

import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads Sigma's timespans, and milliseconds. */
final class Timespan {

  static final String EXPECTED =
      "a number above 0 and one of ms, s, m, h, d, w (such as 60s), at most 365 days";

  private static final Pattern FORM = Pattern.compile("([0-9]{1,12})(ms|s|m|h|d|w)");
  private static final Duration LONGEST = Duration.ofDays(365);
  private static final Map<String, Duration> UNITS =
      Map.of(
          "ms", ChronoUnit.MILLIS.getDuration(),
          "s", ChronoUnit.SECONDS.getDuration(),
          "m", ChronoUnit.MINUTES.getDuration(),
          "h", ChronoUnit.HOURS.getDuration(),
          "d", ChronoUnit.DAYS.getDuration(),
          "w", ChronoUnit.WEEKS.getDuration());

  private Timespan() {}

  static Optional<Duration> parse(String text) {
    Matcher matcher = FORM.matcher(text);
    if (!matcher.matches()) {
      return Optional.empty();
    }
    Duration unit = UNITS.getOrDefault(matcher.group(2), Duration.ZERO);
    Duration timespan = unit.multipliedBy(Long.parseLong(matcher.group(1)));
    return timespan.isPositive() && timespan.compareTo(LONGEST) <= 0
        ? Optional.of(timespan)
        : Optional.empty();
  }
}
