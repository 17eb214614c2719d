package dev.sextant.bench;

/**
 * What one JVM measured.
 *
 * @param millis mean time of a step
 * @param bytes taken from the JVM's heap in a step, NaN where not known
 * @param neighbours processors that other processes kept busy meanwhile
 */
record Fork(double millis, double bytes, double neighbours) {
  /** Neighbours from which on a fork does not count as measured alone. */
  private static final double QUIET = 0.15;

  /** Whether other processes left the processors alone. */
  boolean isQuiet() {
    return neighbours < QUIET;
  }
}
