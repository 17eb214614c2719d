package dev.sextant.tensor.internal.cpu.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Functions whose result must not depend on whether the code is interpreted or compiled. The
 * library's lanewise EXP is Math.exp in the interpreter and a vendor routine once compiled, and
 * reduceLanes(ADD) adds in an order of its own choosing: with either of them a run would not repeat
 * bit for bit.
 */
public final class VectorMath {
  private static final VectorSpecies<Float> SPECIES = VectorWidth.SPECIES;
  private static final float LOG2_E = 1.44269504f;
  // ln 2 in two parts (Cody and Waite): the high one times any exponent is exact.
  private static final float LN2_HIGH = 0.693359375f;
  private static final float LN2_LOW = -2.12194440e-4f;
  // Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits of the mantissa.
  private static final float ROUNDER = 12582912f;
  // Outside of these the power of two would leave the exponent's range.
  private static final float MIN = -87.33f;
  private static final float MAX = 88f;
  private static final float C1 = 5.0000001201e-1f;
  private static final float C2 = 1.6666665459e-1f;
  private static final float C3 = 4.1665795894e-2f;
  private static final float C4 = 8.3334519073e-3f;
  private static final float C5 = 1.3981999507e-3f;
  private static final float C6 = 1.9875691500e-4f;

  private VectorMath() {}

  /**
   * Replaces each x of a range by e^x, to about one unit in the last place for x in [-87.33, 88],
   * and its value at the nearer end outside; NaN stays NaN. The polynomial is that of Cephes' expf
   * (Moshier).
   *
   * <p>It works on an array because a vector handed to a method is boxed on the heap wherever C2
   * does not inline that method, and C2 inlines no method that it has already compiled by itself
   * into more than {@code InlineSmallCode} bytes: which of the two it compiles first is chance.
   */
  public static void exp(float[] a, int from, int count) {
    int bound = SPECIES.loopBound(count);
    int i = 0;
    for (; i < bound; i += SPECIES.length()) {
      FloatVector x = FloatVector.fromArray(SPECIES, a, from + i);
      FloatVector clamped = x.max(MIN).min(MAX);
      FloatVector rounded =
          clamped.fma(
              FloatVector.broadcast(SPECIES, LOG2_E), FloatVector.broadcast(SPECIES, ROUNDER));
      FloatVector n = rounded.sub(ROUNDER);
      FloatVector r = n.fma(FloatVector.broadcast(SPECIES, -LN2_HIGH), clamped);
      r = n.fma(FloatVector.broadcast(SPECIES, -LN2_LOW), r);
      FloatVector p = FloatVector.broadcast(SPECIES, C6);
      p = p.fma(r, FloatVector.broadcast(SPECIES, C5));
      p = p.fma(r, FloatVector.broadcast(SPECIES, C4));
      p = p.fma(r, FloatVector.broadcast(SPECIES, C3));
      p = p.fma(r, FloatVector.broadcast(SPECIES, C2));
      p = p.fma(r, FloatVector.broadcast(SPECIES, C1));
      p = p.fma(r.mul(r), r).add(1f);
      p.reinterpretAsInts()
          .add(rounded.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23))
          .reinterpretAsFloats()
          .intoArray(a, from + i);
    }
    for (; i < count; i++) {
      a[from + i] = exp(a[from + i]);
    }
  }

  /** The same arithmetic on one number. */
  private static float exp(float x) {
    float clamped = Math.min(Math.max(x, MIN), MAX);
    float rounded = Math.fma(clamped, LOG2_E, ROUNDER);
    float n = rounded - ROUNDER;
    float r = Math.fma(n, -LN2_LOW, Math.fma(n, -LN2_HIGH, clamped));
    float p = Math.fma(Math.fma(C6, r, C5), r, C4);
    p = Math.fma(Math.fma(Math.fma(p, r, C3), r, C2), r, C1);
    p = Math.fma(p, r * r, r) + 1f;
    return Float.intBitsToFloat(
        Float.floatToRawIntBits(p) + (Float.floatToRawIntBits(rounded) << 23));
  }

  /** out = a + b; out may be either. */
  public static void add(float[] a, int ai, float[] b, int bi, float[] out, int oi, int count) {
    int bound = SPECIES.loopBound(count);
    int i = 0;
    for (; i < bound; i += SPECIES.length()) {
      FloatVector.fromArray(SPECIES, a, ai + i)
          .add(FloatVector.fromArray(SPECIES, b, bi + i))
          .intoArray(out, oi + i);
    }
    for (; i < count; i++) {
      out[oi + i] = a[ai + i] + b[bi + i];
    }
  }

  /**
   * The sum of the lanes stored at an offset, in double and in order. It takes an array because a
   * vector handed to a method that is not inlined is boxed on the heap.
   */
  public static double sum(float[] lanes, int offset) {
    double sum = 0;
    for (int lane = 0; lane < SPECIES.length(); lane++) {
      sum += lanes[offset + lane];
    }
    return sum;
  }
}
