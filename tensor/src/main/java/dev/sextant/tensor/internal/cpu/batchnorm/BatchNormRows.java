package dev.sextant.tensor.internal.cpu.batchnorm;

import dev.sextant.tensor.internal.cpu.vector.VectorActivation;
import dev.sextant.tensor.internal.cpu.vector.VectorWidth;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * The vector loops of batch normalisation over rows of channels ({@link ChannelRows}).
 *
 * <p>Per-channel constants lie in planes ({@link NormPlanes}) of {@code stride} elements from
 * {@code constants} on. Everything is computed from z - mean, never from z scaled, so that a mean
 * large against the deviation costs no digits.
 *
 * <p>Rows whose width is no whole number of vectors are rare: their ends are scalar.
 */
public final class BatchNormRows {
  private static final VectorSpecies<Float> SPECIES = VectorWidth.SPECIES;
  private static final int LANES = SPECIES.length();

  private BatchNormRows() {}

  /** out = clamp(scale (z - mean) + beta), over one row; out may be z. */
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
    int scale = constants + NormPlanes.SCALE * stride;
    int beta = constants + NormPlanes.BETA * stride;
    int c = 0;
    for (; c <= width - LANES; c += LANES) {
      FloatVector d = FloatVector.fromArray(SPECIES, z, zRow + c);
      d = d.sub(FloatVector.fromArray(SPECIES, work, constants + c));
      FloatVector s = FloatVector.fromArray(SPECIES, work, scale + c);
      d = d.fma(s, FloatVector.fromArray(SPECIES, work, beta + c));
      d = d.blend(low, d.compare(VectorOperators.LT, low));
      d.blend(high, d.compare(VectorOperators.GT, high)).intoArray(out, outRow + c);
    }
    for (; c < width; c++) {
      float x = Math.fma(z[zRow + c] - work[constants + c], work[scale + c], work[beta + c]);
      out[outRow + c] = VectorActivation.clamp(x, low, high);
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
    int scale = constants + NormPlanes.SCALE * stride;
    int beta = constants + NormPlanes.BETA * stride;
    int c = 0;
    for (; c <= width - LANES; c += LANES) {
      FloatVector d = FloatVector.fromArray(SPECIES, z, zRow + c);
      d = d.sub(FloatVector.fromArray(SPECIES, work, constants + c));
      FloatVector s = FloatVector.fromArray(SPECIES, work, scale + c);
      d = d.fma(s, FloatVector.fromArray(SPECIES, work, beta + c));
      d = d.blend(low, d.compare(VectorOperators.LT, low));
      d.blend(high, d.compare(VectorOperators.GT, high))
          .add(FloatVector.fromArray(SPECIES, residual, residualRow + c))
          .intoArray(out, outRow + c);
    }
    for (; c < width; c++) {
      float x = Math.fma(z[zRow + c] - work[constants + c], work[scale + c], work[beta + c]);
      out[outRow + c] = VectorActivation.clamp(x, low, high) + residual[residualRow + c];
    }
  }

  /** g = dy clamp'(scale (z - mean) + beta), over one row; g may be dy. */
  static void clampGradient(
      float[] z,
      int zRow,
      float[] dy,
      int dyRow,
      float[] g,
      int gRow,
      int width,
      float[] work,
      int constants,
      int stride,
      float low,
      float high) {
    int scale = constants + NormPlanes.SCALE * stride;
    int beta = constants + NormPlanes.BETA * stride;
    int c = 0;
    for (; c <= width - LANES; c += LANES) {
      FloatVector d = FloatVector.fromArray(SPECIES, z, zRow + c);
      d = d.sub(FloatVector.fromArray(SPECIES, work, constants + c));
      FloatVector s = FloatVector.fromArray(SPECIES, work, scale + c);
      FloatVector x = d.fma(s, FloatVector.fromArray(SPECIES, work, beta + c));
      VectorMask<Float> flat =
          x.compare(VectorOperators.LE, low).or(x.compare(VectorOperators.GE, high));
      FloatVector.fromArray(SPECIES, dy, dyRow + c).blend(0f, flat).intoArray(g, gRow + c);
    }
    for (; c < width; c++) {
      float x = Math.fma(z[zRow + c] - work[constants + c], work[scale + c], work[beta + c]);
      g[gRow + c] = x <= low || x >= high ? 0 : dy[dyRow + c];
    }
  }

  /** dz = scale g - slope (z - mean) - offset, over one row; dz may be g. */
  static void gradient(
      float[] z,
      int zRow,
      float[] g,
      int gRow,
      float[] dz,
      int dzRow,
      int width,
      float[] work,
      int constants,
      int stride) {
    int scale = constants + NormPlanes.SCALE * stride;
    int slope = constants + NormPlanes.SLOPE * stride;
    int offset = constants + NormPlanes.OFFSET * stride;
    int c = 0;
    for (; c <= width - LANES; c += LANES) {
      FloatVector d = FloatVector.fromArray(SPECIES, z, zRow + c);
      d = d.sub(FloatVector.fromArray(SPECIES, work, constants + c));
      FloatVector rest =
          d.fma(
              FloatVector.fromArray(SPECIES, work, slope + c),
              FloatVector.fromArray(SPECIES, work, offset + c));
      FloatVector.fromArray(SPECIES, g, gRow + c)
          .mul(FloatVector.fromArray(SPECIES, work, scale + c))
          .sub(rest)
          .intoArray(dz, dzRow + c);
    }
    for (; c < width; c++) {
      float d = z[zRow + c] - work[constants + c];
      dz[dzRow + c] =
          g[gRow + c] * work[scale + c] - Math.fma(d, work[slope + c], work[offset + c]);
    }
  }
}
