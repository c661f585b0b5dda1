package io.meshward.rules;

import java.util.Collection;
import java.util.Comparator;
import java.util.Optional;

/** Finds the name that was probably meant. */
final class Suggestion {

  private Suggestion() {}

  /** {@code ": did you mean 'x'?"}, or nothing if no known name is near. */
  static String didYouMean(String name, Collection<String> known) {
    return nearest(name, known).map(near -> ": did you mean '" + near + "'?").orElse("");
  }

  /** The same behind a sentence, with the full stop that it lacks. */
  static String sentence(String name, Collection<String> known) {
    return nearest(name, known).map(near -> ". Did you mean '" + near + "'?").orElse(".");
  }

  private static Optional<String> nearest(String name, Collection<String> known) {
    int limit = Math.max(1, Math.min(3, name.length() / 3));
    return known.stream()
        .filter(candidate -> Math.abs(candidate.length() - name.length()) <= limit)
        .filter(candidate -> distance(name, candidate) <= limit)
        .min(
            Comparator.comparingInt((String candidate) -> distance(name, candidate))
                .thenComparing(candidate -> candidate));
  }

  /** Insertions, deletions, substitutions and swaps of neighbours. */
  private static int distance(String a, String b) {
    int[][] cost = new int[a.length() + 1][b.length() + 1];
    for (int i = 0; i <= a.length(); i++) {
      for (int j = 0; j <= b.length(); j++) {
        if (i == 0 || j == 0) {
          cost[i][j] = i + j;
          continue;
        }
        boolean same = a.charAt(i - 1) == b.charAt(j - 1);
        int best =
            Math.min(
                cost[i - 1][j - 1] + (same ? 0 : 1), Math.min(cost[i - 1][j], cost[i][j - 1]) + 1);
        if (i > 1
            && j > 1
            && a.charAt(i - 1) == b.charAt(j - 2)
            && a.charAt(i - 2) == b.charAt(j - 1)) {
          best = Math.min(best, cost[i - 2][j - 2] + 1);
        }
        cost[i][j] = best;
      }
    }
    return cost[a.length()][b.length()];
  }
}
