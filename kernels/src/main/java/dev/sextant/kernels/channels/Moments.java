package dev.sextant.kernels.channels;

import dev.sextant.kernels.ptx.Assembler;
import dev.sextant.kernels.ptx.Operand.F32;

/**
 * Count, mean and sum of squared distances from the mean, of each channel of a vector: what batch
 * norm's statistics are added up from, by the formulas of Chan, Golub and LeVeque (1979), so that a
 * large mean does not cancel.
 */
public final class Moments {
  /** Quantities of each channel. */
  public static final int COUNT = 3;

  private Moments() {}

  /** Adds those of another part to those in variables. */
  public static void merge(Assembler k, F32[][] mine, F32[][] other) {
    for (int lane = 0; lane < mine[0].length; lane++) {
      F32 count = k.add(mine[0][lane], other[0][lane]);
      // Two empty parts: 0 / 1.
      F32 share = k.divide(other[0][lane], k.max(count, k.constant(1f)));
      F32 apart = k.subtract(other[1][lane], mine[1][lane]);
      F32 moved = k.multiply(apart, share);
      F32 between = k.multiply(k.multiply(apart, moved), mine[0][lane]);
      k.addTo(mine[2][lane], mine[2][lane], k.add(other[2][lane], between));
      k.addTo(mine[1][lane], mine[1][lane], moved);
      k.assign(mine[0][lane], count);
    }
  }

  /**
   * The same where the sum of y and the sum of y (x - mean), of some other y, go with them: the
   * latter changes with the mean.
   */
  static void mergeWithProducts(Assembler k, F32[][] mine, F32[][] other) {
    F32[] means = k.registers(mine[1].length);
    for (int lane = 0; lane < means.length; lane++) {
      k.assign(means[lane], mine[1][lane]);
    }
    merge(k, mine, other);
    for (int lane = 0; lane < means.length; lane++) {
      F32 mean = mine[1][lane];
      F32 own = k.fma(k.subtract(means[lane], mean), mine[3][lane], mine[4][lane]);
      F32 more = k.fma(k.subtract(other[1][lane], mean), other[3][lane], other[4][lane]);
      k.addTo(mine[4][lane], own, more);
      k.addTo(mine[3][lane], mine[3][lane], other[3][lane]);
    }
  }
}
