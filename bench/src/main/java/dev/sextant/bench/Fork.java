package dev.sextant.bench;

/**
 * What one JVM measured.
 *
 * @param millis mean time of a step; the median where each is timed by itself
 * @param p99 time in ms that 99 % of the steps keep to; NaN where steps are not timed by themselves
 * @param bytes taken from the JVM's heap in a step, NaN where not known
 * @param neighbours processors that other processes kept busy meanwhile
 */
record Fork(double millis, double p99, double bytes, double neighbours) {
  /** Neighbours from which on a fork does not count as measured alone. */
  private static final double QUIET = 0.15;

  /** Of steps that were not timed by themselves. */
  Fork(double millis, double bytes, double neighbours) {
    this(millis, Double.NaN, bytes, neighbours);
  }

  /** Whether other processes left the processors alone. */
  boolean isQuiet() {
    return neighbours < QUIET;
  }
}
