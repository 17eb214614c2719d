package dev.sextant.tensor.internal.cpu.depthwise;

import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.internal.cpu.vector.CacheLines;
import dev.sextant.tensor.internal.cpu.vector.VectorActivation;
import org.jspecify.annotations.Nullable;

/**
 * The tensor whose rows a depthwise kernel brings into its ring, as they are or through a batch
 * norm; reused from call to call. In place of the tensor, or of the gradient beside it, there may
 * be a {@link DepthwiseSlab}.
 */
public final class DepthwiseSource {
  private static final int LANES = DepthwiseTiles.LANES;

  /** What becomes of a row on its way. */
  enum Kind {
    /** Nothing. */
    PLAIN,
    /** It is normalised and activated. */
    NORMALIZED,
    /** With g it makes the gradient of a norm's input. */
    GRADIENT,
    /** With the gradient behind the norm's activation, which clamps, it makes the same. */
    CLAMP_GRADIENT
  }

  private Kind kind = Kind.PLAIN;
  private float[] x = {};
  private int offset;
  private @Nullable DepthwiseSlab slab;
  private float[] g = {};
  private int gOffset;
  private @Nullable DepthwiseSlab gSlab;
  private int height;
  private int channels;
  private int constants;
  private Activation activation = Activation.IDENTITY;

  /** Pixels of a row. */
  int width;

  /** For each worker what its own copy of some rows lies further on than in the tensor, or null. */
  private int @Nullable [] shifts;

  /** Whether what is read is in the second-level cache. */
  boolean near;

  /** Reads a tensor as it is. */
  void plain(Tensor tensor) {
    view(Kind.PLAIN, tensor);
  }

  /**
   * Reads rows of an image that is nowhere whole, from where each worker has put them.
   *
   * @param image {@code [N, H, W, ..]}: an image's extents
   * @param ofChannels its channels
   * @param array where all workers' rows are
   * @param workerShifts for each worker, how much further on than in the whole images its rows lie
   */
  public void bands(Shape image, int ofChannels, float[] array, int[] workerShifts) {
    view(Kind.PLAIN, image, ofChannels);
    x = array;
    offset = 0;
    shifts = workerShifts;
  }

  /** Reads activation(norm(tensor)); the norm's constants lie there in the workspace. */
  public void normalized(Tensor tensor, int constantsAt, Activation by) {
    view(Kind.NORMALIZED, tensor);
    constants = constantsAt;
    activation = by;
  }

  /** Reads the gradient of the input z of a norm whose constants lie there in the workspace. */
  public void gradient(Tensor z, Tensor gradient, int constantsAt) {
    view(Kind.GRADIENT, z);
    g = gradient.floats();
    gOffset = gradient.offset();
    constants = constantsAt;
  }

  /**
   * Reads activation(norm(z)) with z in a slab.
   *
   * @param image {@code [N, H, W, ..]}: an image's extents
   * @param ofChannels channels of z, of which the slab has some
   * @param constantsAt where the norm's constants lie in the workspace
   * @param by clamps
   */
  public void normalized(
      DepthwiseSlab z, Shape image, int ofChannels, int constantsAt, Activation by) {
    view(Kind.NORMALIZED, image, ofChannels);
    slab = z;
    x = z.array;
    constants = constantsAt;
    activation = by;
  }

  /**
   * Reads the gradient of the input z of a norm whose constants lie there in the workspace.
   *
   * @param dy behind the norm and its activation, in a slab
   * @param by clamps
   */
  public void gradient(Tensor z, DepthwiseSlab dy, int constantsAt, Activation by) {
    view(Kind.CLAMP_GRADIENT, z);
    gSlab = dy;
    g = dy.array;
    constants = constantsAt;
    activation = by;
  }

  /**
   * Whether rows are read where they lie, as they are: {@link #row}. Not where most vectors would
   * reach over the end of a cache line, each of them once for every kernel row: there a copy is
   * cheaper (darts-v2, 36 channels: 11.5 ms with it, 12.1 without).
   */
  boolean liesOpen() {
    return kind == Kind.PLAIN && slab == null && channels >= LANES && channels % (LANES / 2) == 0;
  }

  /** The array of what lies open. */
  float[] array() {
    return x;
  }

  /** Where the first pixel of a row lies. */
  int row(int worker, int image, int row) {
    int at = (image * height + row) * width * channels;
    return offset + at + (shifts == null ? 0 : shifts[worker]);
  }

  private void view(Kind of, Tensor tensor) {
    view(of, tensor.shape(), tensor.shape().channels());
    x = tensor.floats();
    offset = tensor.offset();
  }

  private void view(Kind of, Shape image, int ofChannels) {
    kind = of;
    activation = Activation.IDENTITY;
    slab = null;
    gSlab = null;
    shifts = null;
    height = image.get(1);
    width = image.get(2);
    channels = ofChannels;
  }

  /**
   * Brings a row in.
   *
   * @param worker whose slab is read, if there is one
   * @param work the workspace
   * @param to where the row of the first tile begins
   * @param tileSize elements from one tile to the next
   * @param scratch two rows, changed
   */
  void load(
      int worker,
      int image,
      int row,
      int fromTile,
      int toTile,
      float[] work,
      int to,
      int tileSize,
      int scratch) {
    int at = (image * height + row) * width * channels + (shifts == null ? 0 : shifts[worker]);
    if (channels >= LANES) {
      int step = slab == null ? channels : slab.step;
      int from = slab == null ? offset + at : slab.row(worker, row * width, fromTile);
      int gStep = gSlab == null ? channels : gSlab.step;
      int gFrom = gSlab == null ? gOffset + at : gSlab.row(worker, row * width, fromTile);
      touch(fromTile, toTile, from, gFrom, work, scratch);
      for (int pixel = 0; pixel < width; pixel += DepthwiseTiles.BLOCK) {
        int pixels = Math.min(DepthwiseTiles.BLOCK, width - pixel);
        for (int tile = fromTile; tile < toTile; tile++) {
          int first = DepthwiseTiles.channel(tile, channels);
          int o = to + (tile - fromTile) * tileSize + pixel * LANES;
          int i = from + pixel * step + first;
          int j = gFrom + pixel * gStep + first;
          if (pixels == DepthwiseTiles.BLOCK) {
            load(x, i, step, g, j, gStep, DepthwiseTiles.BLOCK, work, o, tile);
          } else {
            load(x, i, step, g, j, gStep, pixels, work, o, tile);
          }
        }
      }
    } else {
      DepthwiseTiles.widen(x, offset + at, channels, width, channels, work, scratch);
      int second = scratch + width * LANES;
      if (kind == Kind.GRADIENT) {
        DepthwiseTiles.widen(g, gOffset + at, channels, width, channels, work, second);
      }
      load(work, scratch, LANES, work, second, LANES, width, work, to, fromTile);
    }
    if (!activation.clamps()) {
      for (int tile = fromTile; tile < toTile; tile++) {
        int o = to + (tile - fromTile) * tileSize;
        VectorActivation.apply(work, o, width * LANES, activation);
      }
    }
  }

  /**
   * Reads an element of each cache line of a row, of what is not in the cache yet, in the order of
   * memory, which the prefetchers follow. Tile by tile they do not, and the loads wait for memory:
   * without this a 3x3 forward pass took 1.2 to 1.4 times, a backward one 1.15 times as long. A
   * single tile is one regular stride, which the prefetchers follow as it is, and what is near need
   * not be fetched.
   */
  private void touch(int fromTile, int toTile, int from, int gFrom, float[] work, int scratch) {
    if (near || toTile - fromTile == 1) {
      return;
    }
    int first = DepthwiseTiles.channel(fromTile, channels);
    int count = DepthwiseTiles.channel(toTile - 1, channels) + LANES - first;
    // The sums have no meaning; used, so that the compiler keeps the reads.
    if (slab == null) {
      work[scratch] = touch(x, from + first, count);
    }
    if (kind == Kind.GRADIENT) {
      work[scratch] = touch(g, gFrom + first, count);
    }
  }

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
      int step,
      float[] gradient,
      int gradientAt,
      int gradientStep,
      int pixels,
      float[] work,
      int to,
      int tile) {
    int norm = constants + tile * DepthwiseNormTiles.CONSTANTS;
    float low = VectorActivation.low(activation);
    float high = VectorActivation.high(activation);
    switch (kind) {
      case PLAIN -> DepthwiseTiles.load(from, at, step, pixels, work, to);
      case NORMALIZED ->
          DepthwiseNormTiles.normalize(from, at, step, pixels, work, to, norm, low, high);
      case GRADIENT ->
          DepthwiseNormTiles.gradient(gradient, gradientAt, from, at, step, pixels, work, to, norm);
      case CLAMP_GRADIENT ->
          DepthwiseNormTiles.clampGradient(
              gradient,
              gradientAt,
              gradientStep,
              from,
              at,
              step,
              pixels,
              work,
              to,
              norm,
              low,
              high);
    }
  }
}
