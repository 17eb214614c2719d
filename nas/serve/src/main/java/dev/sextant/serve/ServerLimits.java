package dev.sextant.serve;

import dev.sextant.runtime.service.PoolLimits;
import dev.sextant.tensor.SextantException;
import java.time.Duration;
import java.util.Locale;

/**
 * How much a {@link ModelServer} takes on. It holds the bodies of as many requests at a time as are
 * answered and may wait; a further request is refused before its body is read.
 *
 * @param pool requests answered at a time, waiting, and for how long
 * @param bodyBytes of a request at most
 * @param grace how long requests under way may take when the server stops
 */
public record ServerLimits(PoolLimits pool, int bodyBytes, Duration grace) {
  /** Checks the ranges. */
  public ServerLimits {
    if (bodyBytes < 1 || grace.isNegative()) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "server: bodies of %d bytes and a grace of %s, must be at least 1 and not negative",
              bodyBytes,
              grace));
    }
  }

  /** Requests whose bodies may be in memory at a time. */
  int requests() {
    return (int) Math.min(Integer.MAX_VALUE, (long) pool.instances() + pool.waiting());
  }
}
