package dev.sextant.tensor.internal.cpu.depthwise;

import dev.sextant.tensor.internal.cpu.vector.VectorWidth;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/** One tap of a {@link DepthwiseFilterRow} of those strides and taps that have no unrolled one. */
final class DepthwiseFilterTap {
  private static final VectorSpecies<Float> SPECIES = VectorWidth.SPECIES;

  private DepthwiseFilterTap() {}

  /**
   * Adds one row's share to one tap's sum.
   *
   * @param row the pixel under the tap at column 0
   * @param step elements from one column's pixel to the next's
   */
  static void accumulate(
      float[] a, int row, int step, int gradient, int next, int columns, int to) {
    FloatVector sum0 = FloatVector.fromArray(SPECIES, a, to);
    FloatVector sum1 = FloatVector.zero(SPECIES);
    FloatVector sum2 = FloatVector.zero(SPECIES);
    FloatVector sum3 = FloatVector.zero(SPECIES);
    int p = row;
    int d = gradient;
    for (int column = 0; column < columns; column += 4) {
      sum0 = FloatVector.fromArray(SPECIES, a, p).fma(FloatVector.fromArray(SPECIES, a, d), sum0);
      sum1 =
          FloatVector.fromArray(SPECIES, a, p + step)
              .fma(FloatVector.fromArray(SPECIES, a, d + next), sum1);
      sum2 =
          FloatVector.fromArray(SPECIES, a, p + 2 * step)
              .fma(FloatVector.fromArray(SPECIES, a, d + 2 * next), sum2);
      sum3 =
          FloatVector.fromArray(SPECIES, a, p + 3 * step)
              .fma(FloatVector.fromArray(SPECIES, a, d + 3 * next), sum3);
      p += 4 * step;
      d += 4 * next;
    }
    sum0.add(sum1).add(sum2.add(sum3)).intoArray(a, to);
  }
}
