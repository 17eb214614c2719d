package dev.sextant.tensor.internal.cpu.depthwise;

import dev.sextant.tensor.BatchNorm;
import dev.sextant.tensor.NormGradient;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.internal.cpu.batchnorm.BatchNormRows;
import dev.sextant.tensor.internal.cpu.vector.VectorWidth;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * The vector loops over a tile's pixels on their way through a batch norm.
 *
 * <p>The constants of a norm lie in the workspace as {@code [tile, plane, lanes]}. As in {@link
 * BatchNormRows} everything is computed from z - mean, never from z scaled, so that a mean large
 * against the deviation costs no digits.
 */
public final class DepthwiseNormTiles {
  private static final VectorSpecies<Float> SPECIES = VectorWidth.SPECIES;
  private static final int LANES = SPECIES.length();

  /** The plane of the mean. */
  private static final int MEAN = 0;

  /** The plane of gamma / sqrt(variance + epsilon). */
  private static final int SCALE = LANES;

  /** The plane of beta. */
  private static final int BETA = 2 * LANES;

  /** The plane of what z - mean is multiplied by in dz. */
  private static final int SLOPE = 3 * LANES;

  /** The plane of what is subtracted in dz. */
  private static final int OFFSET = 4 * LANES;

  /** Elements of a tile's constants. */
  static final int CONSTANTS = 5 * LANES;

  private DepthwiseNormTiles() {}

  /** Writes the constants of {@link #normalize}. */
  public static void constants(BatchNorm norm, int channels, float[] a, int to) {
    for (int tile = 0; tile < DepthwiseTiles.count(channels); tile++) {
      int at = to + tile * CONSTANTS;
      Arrays.fill(a, at, at + CONSTANTS, 0f);
      int first = DepthwiseTiles.channel(tile, channels);
      for (int lane = 0; lane < Math.min(LANES, channels); lane++) {
        int c = first + lane;
        a[at + MEAN + lane] = at(norm.mean(), c);
        a[at + SCALE + lane] = (float) (at(norm.gamma(), c) * inverse(norm, c));
        a[at + BETA + lane] = at(norm.beta(), c);
      }
    }
  }

  /**
   * Writes the constants of {@link #gradient} and {@link #clampGradient}: dz = scale (g - mean of g
   * - xhat mean of g xhat).
   *
   * @param count elements of a channel
   */
  public static void constants(NormGradient gradient, int count, int channels, float[] a, int to) {
    BatchNorm norm = gradient.norm();
    constants(norm, channels, a, to);
    for (int tile = 0; tile < DepthwiseTiles.count(channels); tile++) {
      int at = to + tile * CONSTANTS;
      int first = DepthwiseTiles.channel(tile, channels);
      for (int lane = 0; lane < Math.min(LANES, channels); lane++) {
        int c = first + lane;
        double inverse = inverse(norm, c);
        double scale = at(norm.gamma(), c) * inverse;
        a[at + SLOPE + lane] = (float) (scale * inverse * at(gradient.dgamma(), c) / count);
        a[at + OFFSET + lane] = (float) (scale * at(gradient.dbeta(), c) / count);
      }
    }
  }

  /** 1 / sqrt(variance + epsilon). */
  static double inverse(BatchNorm norm, int channel) {
    return 1 / Math.sqrt((double) at(norm.variance(), channel) + norm.epsilon());
  }

  private static float at(Tensor vector, int channel) {
    return vector.floats()[vector.offset() + channel];
  }

  /** a = clamp(scale (x - mean) + beta) for pixels {@code step} apart. */
  static void normalize(
      float[] x,
      int from,
      int step,
      int pixels,
      float[] a,
      int to,
      int constants,
      float low,
      float high) {
    FloatVector mean = FloatVector.fromArray(SPECIES, a, constants + MEAN);
    FloatVector scale = FloatVector.fromArray(SPECIES, a, constants + SCALE);
    FloatVector beta = FloatVector.fromArray(SPECIES, a, constants + BETA);
    for (int i = 0; i < pixels; i++) {
      FloatVector d = FloatVector.fromArray(SPECIES, x, from + i * step).sub(mean);
      FloatVector v = d.fma(scale, beta);
      v = v.blend(low, v.compare(VectorOperators.LT, low));
      v.blend(high, v.compare(VectorOperators.GT, high)).intoArray(a, to + i * LANES);
    }
  }

  /** a = scale g - slope (z - mean) - offset for pixels {@code step} apart. */
  static void gradient(
      float[] g,
      int gFrom,
      float[] z,
      int zFrom,
      int step,
      int pixels,
      float[] a,
      int to,
      int constants) {
    FloatVector mean = FloatVector.fromArray(SPECIES, a, constants + MEAN);
    FloatVector scale = FloatVector.fromArray(SPECIES, a, constants + SCALE);
    FloatVector slope = FloatVector.fromArray(SPECIES, a, constants + SLOPE);
    FloatVector offset = FloatVector.fromArray(SPECIES, a, constants + OFFSET);
    for (int i = 0; i < pixels; i++) {
      FloatVector d = FloatVector.fromArray(SPECIES, z, zFrom + i * step).sub(mean);
      FloatVector scaled = FloatVector.fromArray(SPECIES, g, gFrom + i * step).mul(scale);
      scaled.sub(d.fma(slope, offset)).intoArray(a, to + i * LANES);
    }
  }

  /**
   * As {@link #gradient} with g = dy clamp'(scale (z - mean) + beta), for pixels of dy and of z
   * that are steps of their own apart.
   */
  static void clampGradient(
      float[] dy,
      int from,
      int step,
      float[] z,
      int zFrom,
      int zStep,
      int pixels,
      float[] a,
      int to,
      int constants,
      float low,
      float high) {
    FloatVector mean = FloatVector.fromArray(SPECIES, a, constants + MEAN);
    FloatVector scale = FloatVector.fromArray(SPECIES, a, constants + SCALE);
    FloatVector beta = FloatVector.fromArray(SPECIES, a, constants + BETA);
    FloatVector slope = FloatVector.fromArray(SPECIES, a, constants + SLOPE);
    FloatVector offset = FloatVector.fromArray(SPECIES, a, constants + OFFSET);
    for (int i = 0; i < pixels; i++) {
      FloatVector d = FloatVector.fromArray(SPECIES, z, zFrom + i * zStep).sub(mean);
      FloatVector v = d.fma(scale, beta);
      FloatVector scaled = FloatVector.fromArray(SPECIES, dy, from + i * step).mul(scale);
      scaled =
          scaled.blend(
              0f, v.compare(VectorOperators.LE, low).or(v.compare(VectorOperators.GE, high)));
      scaled.sub(d.fma(slope, offset)).intoArray(a, to + i * LANES);
    }
  }

  /** Adds a row of a tile to the sums at {@code sum}. */
  static void sum(float[] a, int from, int pixels, int sum) {
    FloatVector total = FloatVector.fromArray(SPECIES, a, sum);
    for (int i = 0; i < pixels; i++) {
      total = FloatVector.fromArray(SPECIES, a, from + i * LANES).add(total);
    }
    total.intoArray(a, sum);
  }

  /**
   * Copies a row of a tile to pixels {@code step} apart, and adds v - shift and its square to sums.
   *
   * @param shift where the shift lies; the two sums follow, {@code plane} elements apart
   */
  static void moments(
      float[] a, int from, int pixels, float[] out, int to, int step, int shift, int plane) {
    FloatVector s = FloatVector.fromArray(SPECIES, a, shift);
    FloatVector sum0 = FloatVector.fromArray(SPECIES, a, shift + plane);
    FloatVector sum1 = FloatVector.zero(SPECIES);
    FloatVector squares0 = FloatVector.fromArray(SPECIES, a, shift + 2 * plane);
    FloatVector squares1 = FloatVector.zero(SPECIES);
    int i = 0;
    for (; i < pixels - 1; i += 2) {
      FloatVector v0 = FloatVector.fromArray(SPECIES, a, from + i * LANES);
      FloatVector v1 = FloatVector.fromArray(SPECIES, a, from + (i + 1) * LANES);
      v0.intoArray(out, to + i * step);
      v1.intoArray(out, to + (i + 1) * step);
      FloatVector d0 = v0.sub(s);
      FloatVector d1 = v1.sub(s);
      sum0 = d0.add(sum0);
      sum1 = d1.add(sum1);
      squares0 = d0.fma(d0, squares0);
      squares1 = d1.fma(d1, squares1);
    }
    if (i < pixels) {
      FloatVector v = FloatVector.fromArray(SPECIES, a, from + i * LANES);
      v.intoArray(out, to + i * step);
      FloatVector d = v.sub(s);
      sum0 = d.add(sum0);
      squares0 = d.fma(d, squares0);
    }
    sum0.add(sum1).intoArray(a, shift + plane);
    squares0.add(squares1).intoArray(a, shift + 2 * plane);
  }

  /**
   * g = dy clamp'(scale (x - mean) + beta) for a row dy of a tile and pixels x; writes g to pixels
   * and adds g and g (x - mean) to the sums at {@code sum} and {@code plane} elements further.
   *
   * @param step elements of x from one pixel to the next
   * @param outStep the same of out
   */
  static void reduce(
      float[] a,
      int dy,
      float[] x,
      int from,
      int step,
      int pixels,
      float[] out,
      int to,
      int outStep,
      int constants,
      int sum,
      int plane,
      float low,
      float high) {
    FloatVector mean = FloatVector.fromArray(SPECIES, a, constants + MEAN);
    FloatVector scale = FloatVector.fromArray(SPECIES, a, constants + SCALE);
    FloatVector beta = FloatVector.fromArray(SPECIES, a, constants + BETA);
    FloatVector sum0 = FloatVector.fromArray(SPECIES, a, sum);
    FloatVector sum1 = FloatVector.zero(SPECIES);
    FloatVector products0 = FloatVector.fromArray(SPECIES, a, sum + plane);
    FloatVector products1 = FloatVector.zero(SPECIES);
    int i = 0;
    for (; i < pixels - 1; i += 2) {
      FloatVector d0 = FloatVector.fromArray(SPECIES, x, from + i * step).sub(mean);
      FloatVector d1 = FloatVector.fromArray(SPECIES, x, from + (i + 1) * step).sub(mean);
      FloatVector g0 = FloatVector.fromArray(SPECIES, a, dy + i * LANES);
      FloatVector g1 = FloatVector.fromArray(SPECIES, a, dy + (i + 1) * LANES);
      FloatVector v0 = d0.fma(scale, beta);
      FloatVector v1 = d1.fma(scale, beta);
      g0 =
          g0.blend(
              0f, v0.compare(VectorOperators.LE, low).or(v0.compare(VectorOperators.GE, high)));
      g1 =
          g1.blend(
              0f, v1.compare(VectorOperators.LE, low).or(v1.compare(VectorOperators.GE, high)));
      g0.intoArray(out, to + i * outStep);
      g1.intoArray(out, to + (i + 1) * outStep);
      sum0 = g0.add(sum0);
      sum1 = g1.add(sum1);
      products0 = d0.fma(g0, products0);
      products1 = d1.fma(g1, products1);
    }
    if (i < pixels) {
      FloatVector d = FloatVector.fromArray(SPECIES, x, from + i * step).sub(mean);
      FloatVector g = FloatVector.fromArray(SPECIES, a, dy + i * LANES);
      FloatVector v = d.fma(scale, beta);
      g = g.blend(0f, v.compare(VectorOperators.LE, low).or(v.compare(VectorOperators.GE, high)));
      g.intoArray(out, to + i * outStep);
      sum0 = g.add(sum0);
      products0 = d.fma(g, products0);
    }
    sum0.add(sum1).intoArray(a, sum);
    products0.add(products1).intoArray(a, sum + plane);
  }
}
