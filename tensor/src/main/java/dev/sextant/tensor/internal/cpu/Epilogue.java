package dev.sextant.tensor.internal.cpu;

import dev.sextant.tensor.Activation;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/** What a GEMM or a convolution does to a stretch of its output while that is in cache. */
final class Epilogue {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = SPECIES.length();

  private Epilogue() {}

  /** Applies an activation in place. */
  static void activate(Activation activation, float[] x, int offset, int count) {
    switch (activation) {
      case IDENTITY -> {}
      case RELU -> clamp(x, offset, count, Float.POSITIVE_INFINITY);
      case RELU6 -> clamp(x, offset, count, 6);
      case HSWISH -> hardSwish(x, offset, count);
      case SIGMOID -> sigmoid(x, offset, count);
    }
  }

  /** y += x. */
  static void add(float[] x, int ix, float[] y, int iy, int count) {
    int bound = SPECIES.loopBound(count);
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector.fromArray(SPECIES, y, iy + i)
          .add(FloatVector.fromArray(SPECIES, x, ix + i))
          .intoArray(y, iy + i);
    }
    if (i < count) {
      VectorMask<Float> mask = SPECIES.indexInRange(i, count);
      FloatVector.fromArray(SPECIES, y, iy + i, mask)
          .add(FloatVector.fromArray(SPECIES, x, ix + i, mask))
          .intoArray(y, iy + i, mask);
    }
  }

  private static void clamp(float[] x, int offset, int count, float top) {
    int bound = SPECIES.loopBound(count);
    int i = 0;
    for (; i < bound; i += LANES) {
      VectorActivation.clamp(FloatVector.fromArray(SPECIES, x, offset + i), 0f, top)
          .intoArray(x, offset + i);
    }
    if (i < count) {
      VectorMask<Float> mask = SPECIES.indexInRange(i, count);
      VectorActivation.clamp(FloatVector.fromArray(SPECIES, x, offset + i, mask), 0f, top)
          .intoArray(x, offset + i, mask);
    }
  }

  private static void hardSwish(float[] x, int offset, int count) {
    int bound = SPECIES.loopBound(count);
    int i = 0;
    for (; i < bound; i += LANES) {
      VectorActivation.hswish(FloatVector.fromArray(SPECIES, x, offset + i))
          .intoArray(x, offset + i);
    }
    if (i < count) {
      VectorMask<Float> mask = SPECIES.indexInRange(i, count);
      VectorActivation.hswish(FloatVector.fromArray(SPECIES, x, offset + i, mask))
          .intoArray(x, offset + i, mask);
    }
  }

  private static void sigmoid(float[] x, int offset, int count) {
    int bound = SPECIES.loopBound(count);
    int i = 0;
    for (; i < bound; i += LANES) {
      VectorMath.sigmoid(FloatVector.fromArray(SPECIES, x, offset + i)).intoArray(x, offset + i);
    }
    if (i < count) {
      VectorMask<Float> mask = SPECIES.indexInRange(i, count);
      VectorMath.sigmoid(FloatVector.fromArray(SPECIES, x, offset + i, mask))
          .intoArray(x, offset + i, mask);
    }
  }
}
