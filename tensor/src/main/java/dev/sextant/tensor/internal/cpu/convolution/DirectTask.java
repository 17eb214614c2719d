package dev.sextant.tensor.internal.cpu.convolution;

import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Window;
import dev.sextant.tensor.internal.cpu.gemm.GemmBlock;
import dev.sextant.tensor.internal.cpu.gemm.GemmKernels;
import dev.sextant.tensor.internal.cpu.team.WorkerTeam;
import dev.sextant.tensor.internal.cpu.vector.VectorActivation;
import dev.sextant.tensor.internal.cpu.vector.VectorMath;

/**
 * The forward pass of a dense convolution whose patches are read where they lie in the image, row
 * of output pixels by row: what images of few channels take, of which gathering a patch costs more
 * than to multiply it. Pixels whose patches reach over an end of their row, two a row in most
 * networks, are gathered all the same.
 *
 * <p>Workers take runs of output rows.
 */
final class DirectTask implements WorkerTeam.Task {
  private static final int LANES = GemmBlock.LANES;
  private static final float[] NONE = {};

  /** Most input channels with which it was faster than gathering. */
  private static final int MOST_CHANNELS = 4;

  private final Im2col patches;
  private final GemmBlock[] blocks;
  private final float[][] scratch;

  private Window window = Window.POINTWISE;
  private int images;
  private int height;
  private int width;
  private int channels;
  private int outHeight;
  private int outWidth;

  /** The first output column whose patch begins inside the image, and the one behind the last. */
  private int first;

  private int end;

  float[] x = NONE;
  int ix;
  float[] out = NONE;
  int iout;

  /** An array laid out as {@link #out} is, added at the end; empty for none. */
  float[] residual = NONE;

  int iresidual;
  Activation activation = Activation.IDENTITY;

  /** Room for the patches at the ends of a row, for each worker. */
  float[] columns = NONE;

  int icolumns;

  /**
   * A task on a team whose workers have these.
   *
   * @param patches the geometry, set before a run
   */
  DirectTask(Im2col patches, GemmBlock[] blocks, float[][] scratch) {
    this.patches = patches;
    this.blocks = blocks;
    this.scratch = scratch;
  }

  /** Whether a convolution is faster this way. */
  static boolean suits(Window window, int channels) {
    return window.dilation() == 1 && window.kernel() > 1 && channels <= MOST_CHANNELS;
  }

  /** The geometry: image {@code [N, H, W, Cin]}, output {@code [N, H', W', ..]}. */
  void set(Window of, Shape image, Shape output) {
    window = of;
    images = image.get(0);
    height = image.get(1);
    width = image.get(2);
    channels = image.get(3);
    outHeight = output.get(1);
    outWidth = output.get(2);
    int stride = of.stride();
    first = Math.min(outWidth, (of.padding() + stride - 1) / stride);
    int room = width + of.padding() - of.kernel();
    end = Math.clamp(room < 0 ? 0 : room / stride + 1, first, outWidth);
  }

  /** Floats of {@link #columns} that a worker needs. */
  int columnsPerWorker() {
    return Math.max(first, outWidth - end) * patches.depth();
  }

  /** Forgets the arrays. */
  void clear() {
    x = NONE;
    out = NONE;
    residual = NONE;
    columns = NONE;
  }

  @Override
  public void run(int worker, int workers) {
    GemmBlock block = blocks[worker];
    int rows = images * outHeight;
    int to = GemmKernels.cut(rows, worker + 1, workers);
    for (int row = GemmKernels.cut(rows, worker, workers); row < to; row++) {
      int at = iout + row * outWidth * block.n;
      ends(worker, row * outWidth, first, at);
      interior(block, scratch[worker], row, at + first * block.n);
      ends(worker, row * outWidth + end, outWidth - end, at + end * block.n);
      if (!activation.clamps()) {
        VectorActivation.apply(out, at + first * block.n, (end - first) * block.n, activation);
      }
      int count = outWidth * block.n;
      if (residual != NONE) {
        int from = iresidual + row * count;
        VectorMath.add(residual, from, out, at, out, at, count);
      }
    }
  }

  /** Some pixels whose patches are gathered. */
  private void ends(int worker, int pixel, int count, int at) {
    if (count == 0) {
      return;
    }
    GemmBlock block = blocks[worker];
    int mine = icolumns + worker * columnsPerWorker();
    patches.gather(x, ix, pixel, pixel + count, columns, mine);
    block.a(columns, mine, patches.depth(), 1);
    block.c(out, at, block.n, false);
    block.run(0, count, 0, block.vectors(), scratch[worker]);
  }

  /** The pixels of a row whose patches lie between the ends of the image's rows. */
  private void interior(GemmBlock block, float[] tile, int row, int at) {
    int top = row % outHeight * window.stride() - window.padding();
    int firstLine = Math.max(0, -top);
    int lines = Math.max(0, Math.min(window.kernel(), height - top) - firstLine);
    int image = row / outHeight * height + top + firstLine;
    int left = first * window.stride() - window.padding();
    int from = ix + (image * width + left) * channels;
    int run = window.kernel() * channels;
    int vectors = block.vectors();
    int panel;
    for (int vector = 0; vector < vectors; vector += panel) {
      panel = GemmBlock.width(vectors - vector);
      int last = Math.min(LANES, block.n - (vector + panel - 1) * LANES);
      tiles(block, tile, from, lines, run, firstLine * run, vector, panel, last, at);
    }
  }

  /** One panel of vectors, over the pixels of a row. */
  private void tiles(
      GemmBlock block,
      float[] tile,
      int from,
      int lines,
      int run,
      int depth,
      int vector,
      int panel,
      int last,
      int at) {
    int pixels = end - first;
    int step = window.stride() * channels;
    int[] heights = GemmBlock.heights(panel);
    int choice = GemmBlock.tallest(heights, pixels);
    int pixel = 0;
    while (pixel < pixels) {
      int count = heights[choice];
      if (count > pixels - pixel) {
        choice++;
        continue;
      }
      int to = at + pixel * block.n + vector * LANES;
      // What a pixel writes too much, the next one writes again where one panel takes all channels.
      boolean whole =
          last == LANES
              || (panel == block.vectors() && (pixels - pixel - count) * block.n >= LANES - last);
      PatchTile.run(
          panel,
          count,
          x,
          from + pixel * step,
          step,
          width * channels,
          lines,
          run,
          block.packed(),
          block.panel(vector) + depth * panel * LANES,
          block.start(),
          block.startAt(vector),
          whole ? out : tile,
          whole ? to : 0,
          whole ? block.n : panel * LANES,
          VectorActivation.low(activation),
          VectorActivation.high(activation));
      if (!whole) {
        GemmBlock.copyTile(
            tile, 0, panel * LANES, out, to, block.n, count, (panel - 1) * LANES + last);
      }
      pixel += count;
    }
  }
}
