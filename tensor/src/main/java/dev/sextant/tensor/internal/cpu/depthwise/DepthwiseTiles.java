package dev.sextant.tensor.internal.cpu.depthwise;

import dev.sextant.tensor.internal.cpu.vector.VectorWidth;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Moves pixels between tensors and the tiles that the depthwise kernels work on.
 *
 * <p>A tile is one vector of channels; a row of it is {@code [width, lanes]}. Where no vector
 * divides the channels the last tile begins early and overlaps the one before: what both compute is
 * the same. Fewer channels than lanes make one tile whose missing channels are zeros; only {@link
 * #widen} and {@link #narrow} know of them.
 */
public final class DepthwiseTiles {
  private static final VectorSpecies<Float> SPECIES = VectorWidth.SPECIES;
  static final int LANES = SPECIES.length();

  /**
   * Pixels of one tile that are moved before those of the next: the compiler unrolls loops of so
   * many, and the tensor is still met in the order of its memory.
   */
  static final int BLOCK = 8;

  private DepthwiseTiles() {}

  /** How many tiles hold that many channels. */
  public static int count(int channels) {
    return (channels + LANES - 1) / LANES;
  }

  /** The first channel of a tile. */
  static int channel(int tile, int channels) {
    return Math.max(0, Math.min(tile * LANES, channels - LANES));
  }

  /**
   * Copies pixels into a row of a tile.
   *
   * @param from the first pixel's first channel of the tile
   * @param step elements of x from one pixel to the next
   */
  static void load(float[] x, int from, int step, int pixels, float[] a, int to) {
    for (int i = 0; i < pixels; i++) {
      FloatVector.fromArray(SPECIES, x, from + i * step).intoArray(a, to + i * LANES);
    }
  }

  /** Copies a row of a tile to pixels {@code step} apart, clamped to [low, high]. */
  static void store(
      float[] a, int from, int pixels, float[] out, int to, int step, float low, float high) {
    for (int i = 0; i < pixels; i++) {
      FloatVector v = FloatVector.fromArray(SPECIES, a, from + i * LANES);
      v = v.blend(low, v.compare(VectorOperators.LT, low));
      v.blend(high, v.compare(VectorOperators.GT, high)).intoArray(out, to + i * step);
    }
  }

  /** Copies a row of a tile to pixels {@code step} apart. */
  static void store(float[] a, int from, int pixels, float[] out, int to, int step) {
    for (int i = 0; i < pixels; i++) {
      FloatVector.fromArray(SPECIES, a, from + i * LANES).intoArray(out, to + i * step);
    }
  }

  /** Copies pixels of fewer channels than a vector into a row of a tile. */
  static void widen(float[] x, int from, int step, int pixels, int channels, float[] a, int to) {
    VectorMask<Float> mask = SPECIES.indexInRange(0, channels);
    for (int i = 0; i < pixels; i++) {
      FloatVector.fromArray(SPECIES, x, from + i * step, mask).intoArray(a, to + i * LANES);
    }
  }

  /** Copies a row of a tile to pixels of fewer channels than a vector. */
  static void narrow(float[] a, int from, int pixels, int channels, float[] out, int to, int step) {
    VectorMask<Float> mask = SPECIES.indexInRange(0, channels);
    for (int i = 0; i < pixels; i++) {
      FloatVector.fromArray(SPECIES, a, from + i * LANES).intoArray(out, to + i * step, mask);
    }
  }
}
