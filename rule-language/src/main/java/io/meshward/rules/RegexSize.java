package io.meshward.rules;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Estimates how large a regular expression becomes once its counted repetitions are written out, so
 * that {@code ((a{1000}){1000}){1000}} is refused before it takes all memory. One use per pattern.
 */
final class RegexSize {

  /** A larger expression is refused. */
  static final long MAX = 10_000;

  private final String pattern;
  private final Deque<Long> groups = new ArrayDeque<>();
  private long size;
  private long lastAtom;

  private RegexSize(String pattern) {
    this.pattern = pattern;
  }

  /** The number of atoms, or more than {@link #MAX}; rough if the pattern is invalid. */
  static long of(String pattern) {
    return new RegexSize(pattern).measure();
  }

  private long measure() {
    int i = 0;
    while (i < pattern.length() && size <= MAX) {
      char c = pattern.charAt(i);
      switch (c) {
        case '(' -> {
          groups.push(size);
          size = 0;
        }
        case ')' -> {
          long inner = Math.max(1, size);
          size = groups.isEmpty() ? 0 : groups.pop();
          atom(inner);
        }
        case '{' -> repeat(i);
        case '[' -> {
          i = endOfClass(i);
          atom(1);
        }
        case '\\' -> {
          i++;
          atom(1);
        }
        default -> atom(1);
      }
      i++;
    }
    return size;
  }

  private void atom(long atoms) {
    lastAtom = atoms;
    size += atoms;
  }

  private void repeat(int open) {
    long count = 0;
    long most = 0;
    int i = open + 1;
    while (i < pattern.length() && pattern.charAt(i) != '}') {
      char c = pattern.charAt(i);
      count = c >= '0' && c <= '9' ? Math.min(MAX, count * 10 + (c - '0')) : 0;
      most = Math.max(most, count);
      i++;
    }
    long added = lastAtom * Math.max(0, most - 1);
    size += added;
    lastAtom += added;
  }

  private int endOfClass(int open) {
    int i = open + 1;
    i += i < pattern.length() && pattern.charAt(i) == '^' ? 1 : 0;
    i += i < pattern.length() && pattern.charAt(i) == ']' ? 1 : 0;
    while (i < pattern.length() && pattern.charAt(i) != ']') {
      i += pattern.charAt(i) == '\\' ? 2 : 1;
    }
    return i;
  }
}
