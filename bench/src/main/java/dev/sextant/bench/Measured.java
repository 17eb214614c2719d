package dev.sextant.bench;

import java.util.Arrays;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * What all forks of one engine measured on one hot path.
 *
 * @param forks at least one
 */
record Measured(List<Fork> forks) {
  /** Refuses an empty list. */
  Measured {
    if (forks.isEmpty()) {
      throw new IllegalArgumentException("no fork");
    }
    forks = List.copyOf(forks);
  }

  /** The median of the forks' means. */
  double millis() {
    return median(Fork::millis);
  }

  /** The median of the forks' 99th percentiles, NaN where there are none. */
  double p99() {
    return median(Fork::p99);
  }

  /** The slowest fork's mean over the median: 1 where all agree. */
  double worstFork() {
    return forks.stream().mapToDouble(Fork::millis).max().orElseThrow() / millis();
  }

  /** The median of bytes taken from the heap in a step. */
  double bytes() {
    return median(Fork::bytes);
  }

  /** Whether other processes kept processors busy during a fork. */
  boolean isDisturbed() {
    return !forks.stream().allMatch(Fork::isQuiet);
  }

  private double median(ToDoubleFunction<Fork> of) {
    double[] sorted = forks.stream().mapToDouble(of).toArray();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
}
