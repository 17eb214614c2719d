package dev.sextant.tensor.internal.cpu;

import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Tensor;

/**
 * The tensor whose rows a depthwise kernel brings into its ring, as they are or through a batch
 * norm; reused from call to call.
 */
final class DepthwiseSource {
  private static final int LANES = DepthwiseTiles.LANES;

  /** What becomes of a row on its way. */
  enum Kind {
    /** Nothing. */
    PLAIN,
    /** It is normalised and activated. */
    NORMALIZED,
    /** With g it makes the gradient of a norm's input. */
    GRADIENT
  }

  private Kind kind = Kind.PLAIN;
  private float[] x = {};
  private int offset;
  private float[] g = {};
  private int gOffset;
  private int height;
  private int channels;
  private int constants;
  private Activation activation = Activation.IDENTITY;

  /** Pixels of a row. */
  int width;

  /** Reads a tensor as it is. */
  void plain(Tensor tensor) {
    view(Kind.PLAIN, tensor);
  }

  /** Reads activation(norm(tensor)); the norm's constants lie there in the workspace. */
  void normalized(Tensor tensor, int constantsAt, Activation by) {
    view(Kind.NORMALIZED, tensor);
    constants = constantsAt;
    activation = by;
  }

  /** Reads the gradient of the input z of a norm whose constants lie there in the workspace. */
  void gradient(Tensor z, Tensor gradient, int constantsAt) {
    view(Kind.GRADIENT, z);
    g = gradient.floats();
    gOffset = gradient.offset();
    constants = constantsAt;
  }

  private void view(Kind of, Tensor tensor) {
    kind = of;
    activation = Activation.IDENTITY;
    x = tensor.floats();
    offset = tensor.offset();
    height = tensor.shape().get(1);
    width = tensor.shape().get(2);
    channels = tensor.shape().get(3);
  }

  /** The element at which a row of an image begins. */
  int row(int image, int row) {
    return (image * height + row) * width * channels;
  }

  /**
   * Brings a row in.
   *
   * @param work the workspace
   * @param to where the row of the first tile begins
   * @param tileSize elements from one tile to the next
   * @param scratch two rows, changed
   */
  void load(
      int image,
      int row,
      int fromTile,
      int toTile,
      float[] work,
      int to,
      int tileSize,
      int scratch) {
    int at = row(image, row);
    if (channels >= LANES) {
      int first = at + DepthwiseTiles.channel(fromTile, channels);
      int end = at + DepthwiseTiles.channel(toTile - 1, channels) + LANES;
      // A single tile is one regular stride, which the prefetchers follow as it is.
      if (toTile - fromTile > 1) {
        work[scratch] = touch(x, offset + first, end - first);
        if (kind == Kind.GRADIENT) {
          work[scratch] = touch(g, gOffset + first, end - first);
        }
      }
      for (int pixel = 0; pixel < width; pixel += DepthwiseTiles.BLOCK) {
        int pixels = Math.min(DepthwiseTiles.BLOCK, width - pixel);
        for (int tile = fromTile; tile < toTile; tile++) {
          int from = at + pixel * channels + DepthwiseTiles.channel(tile, channels);
          int o = to + (tile - fromTile) * tileSize + pixel * LANES;
          if (pixels == DepthwiseTiles.BLOCK) {
            load(
                x, offset + from, g, gOffset + from, channels, DepthwiseTiles.BLOCK, work, o, tile);
          } else {
            load(x, offset + from, g, gOffset + from, channels, pixels, work, o, tile);
          }
        }
      }
    } else {
      DepthwiseTiles.widen(x, offset + at, channels, width, channels, work, scratch);
      int second = scratch + width * LANES;
      if (kind == Kind.GRADIENT) {
        DepthwiseTiles.widen(g, gOffset + at, channels, width, channels, work, second);
      }
      load(work, scratch, work, second, LANES, width, work, to, fromTile);
    }
    if (!VectorActivation.isClamp(activation)) {
      for (int tile = fromTile; tile < toTile; tile++) {
        int o = to + (tile - fromTile) * tileSize;
        VectorActivation.apply(work, o, width * LANES, activation);
      }
    }
  }

  /**
   * Reads an element of each cache line of some channels of a row in the order of memory, which the
   * prefetchers follow. Tile by tile they do not, and the loads wait for memory: without this a 3x3
   * forward pass took 1.2 to 1.4 times, a backward one 1.15 times as long.
   *
   * @return their sum, which has no meaning; used, so that the compiler keeps the reads
   */
  private float touch(float[] a, int from, int count) {
    if (count == channels) {
      return CacheLines.touch(a, from, width * channels);
    }
    float sum = 0;
    for (int pixel = 0; pixel < width; pixel++) {
      sum += CacheLines.touch(a, from + pixel * channels, count);
    }
    return sum;
  }

  private void load(
      float[] from,
      int at,
      float[] gradient,
      int gradientAt,
      int step,
      int pixels,
      float[] work,
      int to,
      int tile) {
    int norm = constants + tile * DepthwiseNormTiles.CONSTANTS;
    switch (kind) {
      case PLAIN -> DepthwiseTiles.load(from, at, step, pixels, work, to);
      case NORMALIZED ->
          DepthwiseNormTiles.normalize(
              from,
              at,
              step,
              pixels,
              work,
              to,
              norm,
              VectorActivation.low(activation),
              VectorActivation.high(activation));
      case GRADIENT ->
          DepthwiseNormTiles.gradient(gradient, gradientAt, from, at, step, pixels, work, to, norm);
    }
  }
}
