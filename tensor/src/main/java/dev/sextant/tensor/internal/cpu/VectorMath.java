package dev.sextant.tensor.internal.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Functions whose result must not depend on whether the code is interpreted or compiled. The
 * library's lanewise EXP is Math.exp in the interpreter and a vendor routine once compiled, and
 * reduceLanes(ADD) adds in an order of its own choosing: with either of them a run would not repeat
 * bit for bit.
 */
final class VectorMath {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final float LOG2_E = 1.44269504f;
  // ln 2 in two parts (Cody and Waite): the high one times any exponent is exact.
  private static final float LN2_HIGH = 0.693359375f;
  private static final float LN2_LOW = -2.12194440e-4f;
  // Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits of the mantissa.
  private static final float ROUNDER = 12582912f;
  // Outside of these the power of two would leave the exponent's range.
  private static final float MIN = -87.33f;
  private static final float MAX = 88f;

  private VectorMath() {}

  /**
   * e^x to about one unit in the last place for x in [-87.33, 88], and its value at the nearer end
   * outside; NaN stays NaN. The polynomial is that of Cephes' expf (Moshier).
   */
  static FloatVector exp(FloatVector x) {
    FloatVector clamped = x.max(MIN).min(MAX);
    FloatVector rounded =
        clamped.fma(
            FloatVector.broadcast(SPECIES, LOG2_E), FloatVector.broadcast(SPECIES, ROUNDER));
    FloatVector n = rounded.sub(ROUNDER);
    FloatVector r = n.fma(FloatVector.broadcast(SPECIES, -LN2_HIGH), clamped);
    r = n.fma(FloatVector.broadcast(SPECIES, -LN2_LOW), r);
    FloatVector p = FloatVector.broadcast(SPECIES, 1.9875691500e-4f);
    p = p.fma(r, FloatVector.broadcast(SPECIES, 1.3981999507e-3f));
    p = p.fma(r, FloatVector.broadcast(SPECIES, 8.3334519073e-3f));
    p = p.fma(r, FloatVector.broadcast(SPECIES, 4.1665795894e-2f));
    p = p.fma(r, FloatVector.broadcast(SPECIES, 1.6666665459e-1f));
    p = p.fma(r, FloatVector.broadcast(SPECIES, 5.0000001201e-1f));
    p = p.fma(r.mul(r), r).add(1f);
    return p.reinterpretAsInts()
        .add(rounded.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23))
        .reinterpretAsFloats();
  }

  /** 1 / (1 + e^-x). */
  static FloatVector sigmoid(FloatVector x) {
    return FloatVector.broadcast(SPECIES, 1f).div(exp(x.neg()).add(1f));
  }

  /**
   * The sum of the lanes stored at an offset, in double and in order. It takes an array because a
   * vector handed to a method that is not inlined is boxed on the heap.
   */
  static double sum(float[] lanes, int offset) {
    double sum = 0;
    for (int lane = 0; lane < SPECIES.length(); lane++) {
      sum += lanes[offset + lane];
    }
    return sum;
  }
}
