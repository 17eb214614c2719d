package dev.sextant.tensor.internal.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Moves image rows between tensors and the zero-padded tiles that the depthwise kernels work on.
 *
 * <p>A tile is one vector of channels; a padded row of it is {@code [width, lanes]}. The last
 * tile's missing channels are zeros. So only these copies know of borders, of channel counts that
 * no vector divides, and of pixels that lie {@code channels} apart, which at powers of two would
 * all share one cache set; and they read the tensors in the order of their memory.
 */
final class DepthwiseTiles {
  private static final VectorSpecies<Float> SPECIES = VectorWidth.SPECIES;
  static final int LANES = SPECIES.length();

  private DepthwiseTiles() {}

  /** How many tiles hold that many channels. */
  static int count(int channels) {
    return (channels + LANES - 1) / LANES;
  }

  /**
   * Copies pixels of some neighbouring tiles.
   *
   * @param from the first pixel's first channel
   * @param pixels how many
   * @param step elements of x from one pixel to the next
   * @param lanes channels to copy of each pixel; the last tile may be partial
   * @param to the first pixel of the first tile
   * @param tileSize elements from one tile to the next
   */
  static void load(
      float[] x, int from, int pixels, int step, int lanes, float[] a, int to, int tileSize) {
    int full = lanes / LANES;
    int rest = lanes - full * LANES;
    for (int i = 0; i < pixels; i++) {
      int p = from + i * step;
      int o = to + i * LANES;
      for (int tile = 0; tile < full; tile++) {
        FloatVector.fromArray(SPECIES, x, p).intoArray(a, o);
        p += LANES;
        o += tileSize;
      }
    }
    if (rest > 0) {
      VectorMask<Float> mask = SPECIES.indexInRange(0, rest);
      int p = from + full * LANES;
      int o = to + full * tileSize;
      for (int i = 0; i < pixels; i++) {
        FloatVector.fromArray(SPECIES, x, p + i * step, mask).intoArray(a, o + i * LANES);
      }
    }
  }

  /**
   * Copies dense pixels of one tile into a tensor, clamped to [low, high].
   *
   * @param a the workspace
   * @param from the first pixel
   * @param pixels how many
   * @param lanes channels of the tile
   * @param to the first pixel's first channel of the tile
   * @param step elements of out from one pixel to the next
   */
  static void store(
      float[] a,
      int from,
      int pixels,
      int lanes,
      float[] out,
      int to,
      int step,
      float low,
      float high) {
    if (lanes >= LANES) {
      for (int i = 0; i < pixels; i++) {
        FloatVector v = FloatVector.fromArray(SPECIES, a, from + i * LANES);
        v = v.blend(low, v.compare(VectorOperators.LT, low));
        v.blend(high, v.compare(VectorOperators.GT, high)).intoArray(out, to + i * step);
      }
      return;
    }
    VectorMask<Float> mask = SPECIES.indexInRange(0, lanes);
    for (int i = 0; i < pixels; i++) {
      FloatVector v = FloatVector.fromArray(SPECIES, a, from + i * LANES);
      v = v.blend(low, v.compare(VectorOperators.LT, low));
      v.blend(high, v.compare(VectorOperators.GT, high)).intoArray(out, to + i * step, mask);
    }
  }
}
