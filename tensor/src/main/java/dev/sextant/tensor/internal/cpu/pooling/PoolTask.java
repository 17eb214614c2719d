package dev.sextant.tensor.internal.cpu.pooling;

import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import dev.sextant.tensor.internal.cpu.team.WorkerTeam;
import dev.sextant.tensor.internal.cpu.vector.VectorWidth;

/** A pooling on a team: its operands and extents, and which taps of a window lie in the image. */
abstract class PoolTask implements WorkerTeam.Task {
  static final int LANES = VectorWidth.SPECIES.length();
  static final float[] NONE = {};

  Window window = Window.POINTWISE;
  float[] x = NONE;
  float[] dy = NONE;
  float[] out = NONE;
  int xOffset;
  int dyOffset;
  int outOffset;
  int images;
  int height;
  int width;
  int channels;
  int outHeight;
  int outWidth;

  /**
   * The operands of the call in progress; one that a pooling does not have may be any tensor.
   *
   * @param image shape of the images, {@code [N, H, W, C]}
   * @param pooled shape of what is made of them, {@code [N, H', W', C]}
   */
  void bind(Tensor x, Tensor dy, Tensor out, Shape image, Shape pooled, Window window) {
    this.x = x.floats();
    this.dy = dy.floats();
    this.out = out.floats();
    xOffset = x.offset();
    dyOffset = dy.offset();
    outOffset = out.offset();
    images = image.get(0);
    height = image.get(1);
    width = image.get(2);
    channels = image.get(3);
    outHeight = pooled.get(1);
    outWidth = pooled.get(2);
    this.window = window;
  }

  /** Forgets the arrays, so that nothing is held between calls. */
  void clear() {
    x = NONE;
    dy = NONE;
    out = NONE;
  }

  /** Taps of all windows, which say how long a pooling takes. */
  long taps() {
    return (long) images * outHeight * outWidth * channels * window.kernel() * window.kernel();
  }

  /** Vectors that the channels of a pixel take. */
  int chunks() {
    return (channels + LANES - 1) / LANES;
  }

  /** The first tap inside the image of a window that begins at a row or column. */
  static int firstTap(int begin, int dilation) {
    return begin >= 0 ? 0 : (-begin + dilation - 1) / dilation;
  }

  /** One past the last tap inside the image. */
  static int endTap(int begin, int extent, Window window) {
    int inside = (extent - begin + window.dilation() - 1) / window.dilation();
    return Math.min(window.kernel(), Math.max(0, inside));
  }
}
