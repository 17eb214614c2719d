package dev.sextant.runtime.clock;

/**
 * How fast the processor's clock runs now, beside the fastest it was seen to run in this process.
 *
 * <p>The clock of a machine that others use too, or that gets warm, changes by several percent from
 * minute to minute, and latencies with it. (Measured in six processes of twelve seconds: medians of
 * the probe from 101.5 to 105.5 µs, of two networks 4.9 % and 4.3 % apart, of their latency divided
 * by the probe 1.7 % and 3.0 %. Single rounds scatter by 4 % either way: the probe tells a slow
 * spell, it does not correct for one.)
 */
public final class ClockSpeed {
  private static final int STEPS = 20_000;
  private static final int REPETITIONS = 50;

  private static double fastest = Double.POSITIVE_INFINITY;
  private static double sink;

  private ClockSpeed() {}

  /**
   * {@return the clock's period now over the shortest ever seen: 1 at full speed, 1.05 when 5 %
   * slower} May be called from any thread.
   */
  public static synchronized double slowdown() {
    long best = Long.MAX_VALUE;
    for (int i = 0; i < REPETITIONS; i++) {
      long start = System.nanoTime();
      sink = chain(sink);
      best = Math.min(best, System.nanoTime() - start);
    }
    fastest = Math.min(fastest, best);
    return best / fastest;
  }

  /** Each step waits for the one before, a fixed number of cycles: memory has no part in it. */
  private static double chain(double x) {
    for (int i = 0; i < STEPS; i++) {
      x = Math.fma(x, 0.999, 0.1);
    }
    return x;
  }
}
