package io.meshward.benchmarks;

/**
 * How many events there are in a second, and how many of them matter.
 *
 * @param perSecond all events
 * @param matchingPerSecond those that a rule matches, spread evenly among the others
 * @param seconds for how long
 */
record Mix(int perSecond, int matchingPerSecond, int seconds) {
  Mix {
    if (matchingPerSecond < 1 || perSecond % matchingPerSecond != 0 || seconds < 1) {
      throw new IllegalArgumentException(
          perSecond
              + " events/s, "
              + matchingPerSecond
              + " of them matching: expected a whole multiple, for a second at least");
    }
  }

  int events() {
    return perSecond * seconds;
  }

  int matches() {
    return matchingPerSecond * seconds;
  }

  /** Which of the matching events the event of an index is, from 0; -1 if it is none of them. */
  int match(int index) {
    int step = perSecond / matchingPerSecond;
    return index % step == 0 ? index / step : -1;
  }

  @Override
  public String toString() {
    return perSecond
        + " events/s, "
        + matchingPerSecond
        + " of them matching, for "
        + seconds
        + " s";
  }
}
