package dev.sextant.tensor.internal.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * The vector loops of batch normalisation over rows of channels ({@link ChannelRows}).
 *
 * <p>Per-channel constants lie in planes of {@code stride} elements from {@code constants} on: see
 * {@link #MEAN} and its neighbours. Everything is computed from z - mean, never from z scaled, so
 * that a mean large against the deviation costs no digits.
 *
 * <p>Sums are taken over a panel of rows that the first-level cache holds, one vector of columns
 * after the other, and added to {@code sums}, again in planes of {@code stride}.
 */
final class BatchNormRows {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = SPECIES.length();

  /** The plane of the mean, or of an estimate of it. */
  static final int MEAN = 0;

  /** The plane of gamma / sqrt(variance + epsilon). */
  static final int SCALE = 1;

  /** The plane of beta. */
  static final int BETA = 2;

  /** The plane of what z - mean is multiplied by in dz. */
  static final int SLOPE = 3;

  /** The plane of what is subtracted in dz. */
  static final int OFFSET = 4;

  /** Number of planes. */
  static final int PLANES = 5;

  private BatchNormRows() {}

  /** out = clamp(scale (z - mean) + beta), over one row. */
  static void apply(
      float[] z,
      int zRow,
      float[] out,
      int outRow,
      int width,
      float[] work,
      int constants,
      int stride,
      float low,
      float high) {
    int scale = constants + SCALE * stride;
    int beta = constants + BETA * stride;
    int c = 0;
    for (; c <= width - LANES; c += LANES) {
      FloatVector d = FloatVector.fromArray(SPECIES, z, zRow + c);
      d = d.sub(FloatVector.fromArray(SPECIES, work, constants + c));
      FloatVector s = FloatVector.fromArray(SPECIES, work, scale + c);
      d = d.fma(s, FloatVector.fromArray(SPECIES, work, beta + c));
      VectorActivation.clamp(d, low, high).intoArray(out, outRow + c);
    }
    if (c < width) {
      VectorMask<Float> mask = SPECIES.indexInRange(c, width);
      FloatVector d = FloatVector.fromArray(SPECIES, z, zRow + c, mask);
      d = d.sub(FloatVector.fromArray(SPECIES, work, constants + c));
      FloatVector s = FloatVector.fromArray(SPECIES, work, scale + c);
      d = d.fma(s, FloatVector.fromArray(SPECIES, work, beta + c));
      VectorActivation.clamp(d, low, high).intoArray(out, outRow + c, mask);
    }
  }

  /** out = clamp(scale (z - mean) + beta) + residual, over one row. */
  static void applyResidual(
      float[] z,
      int zRow,
      float[] residual,
      int residualRow,
      float[] out,
      int outRow,
      int width,
      float[] work,
      int constants,
      int stride,
      float low,
      float high) {
    int scale = constants + SCALE * stride;
    int beta = constants + BETA * stride;
    int c = 0;
    for (; c <= width - LANES; c += LANES) {
      FloatVector d = FloatVector.fromArray(SPECIES, z, zRow + c);
      d = d.sub(FloatVector.fromArray(SPECIES, work, constants + c));
      FloatVector s = FloatVector.fromArray(SPECIES, work, scale + c);
      d = d.fma(s, FloatVector.fromArray(SPECIES, work, beta + c));
      VectorActivation.clamp(d, low, high)
          .add(FloatVector.fromArray(SPECIES, residual, residualRow + c))
          .intoArray(out, outRow + c);
    }
    if (c < width) {
      VectorMask<Float> mask = SPECIES.indexInRange(c, width);
      FloatVector d = FloatVector.fromArray(SPECIES, z, zRow + c, mask);
      d = d.sub(FloatVector.fromArray(SPECIES, work, constants + c));
      FloatVector s = FloatVector.fromArray(SPECIES, work, scale + c);
      d = d.fma(s, FloatVector.fromArray(SPECIES, work, beta + c));
      VectorActivation.clamp(d, low, high)
          .add(FloatVector.fromArray(SPECIES, residual, residualRow + c, mask))
          .intoArray(out, outRow + c, mask);
    }
  }

  /** out = a + b, over one row. */
  static void add(float[] a, int aRow, float[] b, int bRow, float[] out, int outRow, int width) {
    int c = 0;
    for (; c <= width - LANES; c += LANES) {
      FloatVector.fromArray(SPECIES, a, aRow + c)
          .add(FloatVector.fromArray(SPECIES, b, bRow + c))
          .intoArray(out, outRow + c);
    }
    for (; c < width; c++) {
      out[outRow + c] = a[aRow + c] + b[bRow + c];
    }
  }

  /** dz = scale g - slope (z - mean) - offset, over one row. */
  static void gradient(
      float[] z,
      int zRow,
      float[] dy,
      int dyRow,
      float[] dz,
      int dzRow,
      int width,
      float[] work,
      int constants,
      int stride,
      float low,
      float high) {
    int scale = constants + SCALE * stride;
    int beta = constants + BETA * stride;
    int slope = constants + SLOPE * stride;
    int offset = constants + OFFSET * stride;
    int c = 0;
    for (; c <= width - LANES; c += LANES) {
      FloatVector d = FloatVector.fromArray(SPECIES, z, zRow + c);
      d = d.sub(FloatVector.fromArray(SPECIES, work, constants + c));
      FloatVector s = FloatVector.fromArray(SPECIES, work, scale + c);
      FloatVector x = d.fma(s, FloatVector.fromArray(SPECIES, work, beta + c));
      FloatVector g = FloatVector.fromArray(SPECIES, dy, dyRow + c);
      g = VectorActivation.clampGradient(x, g, low, high).mul(s);
      d =
          d.fma(
              FloatVector.fromArray(SPECIES, work, slope + c),
              FloatVector.fromArray(SPECIES, work, offset + c));
      g.sub(d).intoArray(dz, dzRow + c);
    }
    if (c < width) {
      VectorMask<Float> mask = SPECIES.indexInRange(c, width);
      FloatVector d = FloatVector.fromArray(SPECIES, z, zRow + c, mask);
      d = d.sub(FloatVector.fromArray(SPECIES, work, constants + c));
      FloatVector s = FloatVector.fromArray(SPECIES, work, scale + c);
      FloatVector x = d.fma(s, FloatVector.fromArray(SPECIES, work, beta + c));
      FloatVector g = FloatVector.fromArray(SPECIES, dy, dyRow + c, mask);
      g = VectorActivation.clampGradient(x, g, low, high).mul(s);
      d =
          d.fma(
              FloatVector.fromArray(SPECIES, work, slope + c),
              FloatVector.fromArray(SPECIES, work, offset + c));
      g.sub(d).intoArray(dz, dzRow + c, mask);
    }
  }

  /** Adds the panel's sums of z - mean and of its square. */
  static void moments(
      float[] z,
      int zRow,
      int rows,
      int rowStep,
      int width,
      float[] work,
      int constants,
      int sums,
      int stride) {
    int c = 0;
    for (; c <= width - LANES; c += LANES) {
      FloatVector mean = FloatVector.fromArray(SPECIES, work, constants + c);
      FloatVector sum = FloatVector.fromArray(SPECIES, work, sums + c);
      FloatVector squares = FloatVector.fromArray(SPECIES, work, sums + stride + c);
      for (int row = 0; row < rows; row++) {
        FloatVector d = FloatVector.fromArray(SPECIES, z, zRow + row * rowStep + c).sub(mean);
        sum = sum.add(d);
        squares = d.fma(d, squares);
      }
      sum.intoArray(work, sums + c);
      squares.intoArray(work, sums + stride + c);
    }
    if (c < width) {
      VectorMask<Float> mask = SPECIES.indexInRange(c, width);
      FloatVector mean = FloatVector.fromArray(SPECIES, work, constants + c, mask);
      FloatVector sum = FloatVector.fromArray(SPECIES, work, sums + c);
      FloatVector squares = FloatVector.fromArray(SPECIES, work, sums + stride + c);
      for (int row = 0; row < rows; row++) {
        FloatVector d = FloatVector.fromArray(SPECIES, z, zRow + row * rowStep + c, mask).sub(mean);
        sum = sum.add(d);
        squares = d.fma(d, squares);
      }
      sum.intoArray(work, sums + c);
      squares.intoArray(work, sums + stride + c);
    }
  }

  /** Adds the panel's sums of g and g (z - mean), g = dy clamp'(scale (z - mean) + beta). */
  static void gradientSums(
      float[] z,
      int zRow,
      float[] dy,
      int dyRow,
      int rows,
      int rowStep,
      int width,
      float[] work,
      int constants,
      int sums,
      int stride,
      float low,
      float high) {
    int scale = constants + SCALE * stride;
    int beta = constants + BETA * stride;
    int c = 0;
    for (; c <= width - LANES; c += LANES) {
      FloatVector mean = FloatVector.fromArray(SPECIES, work, constants + c);
      FloatVector s = FloatVector.fromArray(SPECIES, work, scale + c);
      FloatVector b = FloatVector.fromArray(SPECIES, work, beta + c);
      FloatVector sum = FloatVector.fromArray(SPECIES, work, sums + c);
      FloatVector products = FloatVector.fromArray(SPECIES, work, sums + stride + c);
      for (int row = 0; row < rows; row++) {
        FloatVector d = FloatVector.fromArray(SPECIES, z, zRow + row * rowStep + c).sub(mean);
        FloatVector g = FloatVector.fromArray(SPECIES, dy, dyRow + row * rowStep + c);
        g = VectorActivation.clampGradient(d.fma(s, b), g, low, high);
        sum = sum.add(g);
        products = d.fma(g, products);
      }
      sum.intoArray(work, sums + c);
      products.intoArray(work, sums + stride + c);
    }
    if (c < width) {
      VectorMask<Float> mask = SPECIES.indexInRange(c, width);
      FloatVector mean = FloatVector.fromArray(SPECIES, work, constants + c, mask);
      FloatVector s = FloatVector.fromArray(SPECIES, work, scale + c);
      FloatVector b = FloatVector.fromArray(SPECIES, work, beta + c);
      FloatVector sum = FloatVector.fromArray(SPECIES, work, sums + c);
      FloatVector products = FloatVector.fromArray(SPECIES, work, sums + stride + c);
      for (int row = 0; row < rows; row++) {
        FloatVector d = FloatVector.fromArray(SPECIES, z, zRow + row * rowStep + c, mask).sub(mean);
        FloatVector g = FloatVector.fromArray(SPECIES, dy, dyRow + row * rowStep + c, mask);
        g = VectorActivation.clampGradient(d.fma(s, b), g, low, high);
        sum = sum.add(g);
        products = d.fma(g, products);
      }
      sum.intoArray(work, sums + c);
      products.intoArray(work, sums + stride + c);
    }
  }

  /** Adds the panel's sums of z - mean, of its square, of dy and of dy (z - mean). */
  static void products(
      float[] z,
      int zRow,
      float[] dy,
      int dyRow,
      int rows,
      int rowStep,
      int width,
      float[] work,
      int constants,
      int sums,
      int stride) {
    int c = 0;
    for (; c <= width - LANES; c += LANES) {
      FloatVector mean = FloatVector.fromArray(SPECIES, work, constants + c);
      FloatVector sum = FloatVector.fromArray(SPECIES, work, sums + c);
      FloatVector squares = FloatVector.fromArray(SPECIES, work, sums + stride + c);
      FloatVector gradients = FloatVector.fromArray(SPECIES, work, sums + 2 * stride + c);
      FloatVector products = FloatVector.fromArray(SPECIES, work, sums + 3 * stride + c);
      for (int row = 0; row < rows; row++) {
        FloatVector d = FloatVector.fromArray(SPECIES, z, zRow + row * rowStep + c).sub(mean);
        FloatVector g = FloatVector.fromArray(SPECIES, dy, dyRow + row * rowStep + c);
        sum = sum.add(d);
        squares = d.fma(d, squares);
        gradients = gradients.add(g);
        products = d.fma(g, products);
      }
      sum.intoArray(work, sums + c);
      squares.intoArray(work, sums + stride + c);
      gradients.intoArray(work, sums + 2 * stride + c);
      products.intoArray(work, sums + 3 * stride + c);
    }
    if (c < width) {
      VectorMask<Float> mask = SPECIES.indexInRange(c, width);
      FloatVector mean = FloatVector.fromArray(SPECIES, work, constants + c, mask);
      FloatVector sum = FloatVector.fromArray(SPECIES, work, sums + c);
      FloatVector squares = FloatVector.fromArray(SPECIES, work, sums + stride + c);
      FloatVector gradients = FloatVector.fromArray(SPECIES, work, sums + 2 * stride + c);
      FloatVector products = FloatVector.fromArray(SPECIES, work, sums + 3 * stride + c);
      for (int row = 0; row < rows; row++) {
        FloatVector d = FloatVector.fromArray(SPECIES, z, zRow + row * rowStep + c, mask).sub(mean);
        FloatVector g = FloatVector.fromArray(SPECIES, dy, dyRow + row * rowStep + c, mask);
        sum = sum.add(d);
        squares = d.fma(d, squares);
        gradients = gradients.add(g);
        products = d.fma(g, products);
      }
      sum.intoArray(work, sums + c);
      squares.intoArray(work, sums + stride + c);
      gradients.intoArray(work, sums + 2 * stride + c);
      products.intoArray(work, sums + 3 * stride + c);
    }
  }
}
