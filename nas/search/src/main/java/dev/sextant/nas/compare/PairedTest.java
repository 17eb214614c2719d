package dev.sextant.nas.compare;

import dev.sextant.tensor.Rng;

/**
 * Whether two methods differ, by runs of the same seeds: the randomization test of paired
 * differences (Fisher, "The Design of Experiments", 1935, section 21). If methods did not differ,
 * each difference could as well have the other sign. The p-value is the share of all assignments of
 * signs whose sum is at least as far from 0 as the sum found: of all 2^n of them, exactly, up to 16
 * pairs, else of 65,536 that are drawn.
 *
 * @param pairs runs of both with one seed
 * @param p in (0, 1]: two-sided; 1 of no pair
 */
record PairedTest(int pairs, double p) {
  /** A difference is called one where chance alone would make it so seldom. */
  static final double LEVEL = 0.05;

  private static final int EXACT = 16;

  /** Sums in another order differ by rounding. */
  private static final double ROUNDING = 1e-12;

  /** Of the second method's results from the first's. */
  static PairedTest of(double[] differences) {
    int n = differences.length;
    double found = 0;
    double scale = 0;
    for (double difference : differences) {
      found += difference;
      scale += Math.abs(difference);
    }
    double least = Math.abs(found) - ROUNDING * scale;
    Rng rng = new Rng(0);
    int drawn = 1 << Math.min(n, EXACT);
    int asFar = 0;
    for (int signs = 0; signs < drawn; signs++) {
      double sum = 0;
      for (int i = 0; i < n; i++) {
        boolean flips = n <= EXACT ? (signs >> i & 1) == 1 : signs > 0 && rng.nextInt(2) == 1;
        sum += flips ? -differences[i] : differences[i];
      }
      asFar += Math.abs(sum) >= least ? 1 : 0;
    }
    return new PairedTest(n, (double) asFar / drawn);
  }

  boolean differs() {
    return p <= LEVEL;
  }

  /** Whether so few pairs could never differ. */
  boolean isTooFew() {
    return pairs < 62 && 2.0 / (1L << pairs) > LEVEL;
  }
}
