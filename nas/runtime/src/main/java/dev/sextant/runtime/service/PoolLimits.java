package dev.sextant.runtime.service;

import dev.sextant.tensor.SextantException;
import java.time.Duration;
import java.util.Locale;

/**
 * How much a {@link ModelPool} takes on.
 *
 * @param instances requests that are answered at a time, at least 1
 * @param waiting requests that may wait for a free instance; a further one is refused at once
 * @param patience how long a request waits at most
 */
public record PoolLimits(int instances, int waiting, Duration patience) {
  /** Checks the ranges. */
  public PoolLimits {
    if (instances < 1 || waiting < 0 || patience == null || patience.isNegative()) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "pool: %d instances, %d waiting and a patience of %s, must be at least 1, 0 and not"
                  + " negative",
              instances,
              waiting,
              patience));
    }
  }

  /**
   * {@return limits without one on how many wait}
   *
   * @param instances requests that are answered at a time, at least 1
   * @param patience how long a request waits at most
   */
  public static PoolLimits of(int instances, Duration patience) {
    return new PoolLimits(instances, Integer.MAX_VALUE, patience);
  }
}
