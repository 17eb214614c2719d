package dev.sextant.tensor.internal.cpu.bottleneck;

import dev.sextant.tensor.Activation;
import dev.sextant.tensor.FixedKernel;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import dev.sextant.tensor.internal.cpu.depthwise.DepthwiseForward;
import dev.sextant.tensor.internal.cpu.depthwise.DepthwiseKernels;
import dev.sextant.tensor.internal.cpu.gemm.GemmBlock;
import dev.sextant.tensor.internal.cpu.gemm.GemmKernels;
import dev.sextant.tensor.internal.cpu.team.WorkerTeam;
import org.jspecify.annotations.Nullable;

/**
 * An expansion, the depthwise convolution that reads it and the projection of that, a band of rows
 * at a time: what one makes the next reads while it is in the second-level cache, and it is nowhere
 * whole. Workers take runs of output rows, and expand what their first ones read for themselves.
 */
final class BandedExpansion implements WorkerTeam.Task {
  /**
   * Bytes of a worker's band of the expansion. That of the depthwise convolution is no larger: both
   * are half of a second-level cache of 1 MiB.
   */
  private static final int BAND_BYTES = 256 << 10;

  private static final float[] NONE = {};

  private final WorkerTeam team;
  private final DepthwiseKernels depthwise;
  private final GemmKernels gemm;
  private final GemmBlock[] blocks;
  private final GemmBlock[] projections;
  private final float[][] scratch;
  private final int[] shifts;
  private final int[] outShifts;

  private int images;
  private int height;
  private int width;
  private int outHeight;
  private int outWidth;
  private int bandRows;
  private boolean projected;
  private float[] x = NONE;
  private int ix;
  private float[] bands = NONE;
  private int ibands;
  private int bandFloats;
  private int perWorker;
  private float[] result = NONE;
  private int iresult;
  private float[] residuals = NONE;
  private int iresiduals;

  BandedExpansion(WorkerTeam team, Memory memory, DepthwiseKernels depthwise) {
    this.team = team;
    this.depthwise = depthwise;
    gemm = new GemmKernels(team, memory);
    blocks = GemmBlock.forTeam(team.threads());
    scratch = new float[team.threads()][GemmBlock.SCRATCH];
    projections = GemmBlock.forTeam(team.threads());
    shifts = new int[team.threads()];
    outShifts = new int[team.threads()];
  }

  /** Whether a band has rows enough: of fewer too many would be those of the band before. */
  static boolean suits(
      Shape x, FixedKernel expand, FixedKernel kernel, @Nullable FixedKernel project) {
    long row = (long) x.get(2) * expand.shape().channels() * Float.BYTES;
    Window window = kernel.window();
    return row > 0
        && expand.parts() == 1
        && (project == null || project.parts() == 1)
        // More padding than the window spans gives more columns than there were.
        && 2 * window.padding() < window.span()
        && (window.span() + window.stride()) * row <= BAND_BYTES;
  }

  /** See {@link dev.sextant.tensor.family.Bottleneck#expanded}. */
  void run(
      Tensor input,
      FixedKernel expand,
      Activation first,
      FixedKernel kernel,
      Activation second,
      Shape middle,
      @Nullable FixedKernel project,
      @Nullable Tensor residual,
      Tensor out) {
    int channels = expand.shape().channels();
    Shape wide = input.shape().withChannels(channels);
    images = wide.get(0);
    height = wide.get(1);
    width = wide.get(2);
    outHeight = middle.get(1);
    outWidth = middle.get(2);
    int row = width * channels;
    int sourceRows = BAND_BYTES / Float.BYTES / row;
    bandRows = (sourceRows - kernel.window().span()) / kernel.window().stride() + 1;
    bandFloats = lines(sourceRows * row);
    perWorker = bandFloats + (project == null ? 0 : lines(bandRows * outWidth * channels));
    share(blocks, wide.rows(), expand, first);
    projected = project != null;
    if (project != null) {
      share(projections, middle.rows(), project, Activation.IDENTITY);
    }
    int floats = Math.multiplyExact(blocks.length, perWorker);
    try (Tensor space = gemm.workspace(floats, "expanded bands");
        Tensor _ =
            depthwise.bandWorkspace(
                wide,
                kernel,
                second,
                space.floats(),
                shifts,
                middle,
                projected ? space.floats() : out.floats(),
                projected ? 0 : out.offset(),
                projected ? outShifts : null)) {
      x = input.floats();
      ix = input.offset();
      bands = space.floats();
      ibands = space.offset();
      result = out.floats();
      iresult = out.offset();
      residuals = residual == null ? NONE : residual.floats();
      iresiduals = residual == null ? 0 : residual.offset();
      team.run(this);
    } finally {
      x = NONE;
      bands = NONE;
      result = NONE;
      residuals = NONE;
      for (int i = 0; i < blocks.length; i++) {
        blocks[i].clear();
        projections[i].clear();
      }
    }
  }

  private static int lines(int floats) {
    return (floats + 31) / 32 * 32;
  }

  private static void share(GemmBlock[] to, int rows, FixedKernel kernel, Activation activation) {
    to[0].sizes(rows, kernel.shape().channels(), kernel.shape().rows());
    to[0].fixed(kernel);
    to[0].epilogue(activation);
    for (int i = 1; i < to.length; i++) {
      to[i].shareB(to[0]);
    }
  }

  @Override
  public void run(int worker, int workers) {
    depthwise.forward.start(worker);
    int rows = images * outHeight;
    int row = GemmKernels.cut(rows, worker, workers);
    int end = GemmKernels.cut(rows, worker + 1, workers);
    while (row < end) {
      int image = row / outHeight;
      int stop = Math.min(end, (image + 1) * outHeight);
      image(worker, image, row - image * outHeight, stop - image * outHeight);
      row = stop;
    }
  }

  /** Some output rows of an image. */
  private void image(int worker, int image, int fromRow, int toRow) {
    DepthwiseForward forward = depthwise.forward;
    GemmBlock block = blocks[worker];
    int row = width * block.n;
    int band = ibands + worker * perWorker;
    int outBand = band + bandFloats;
    // Which rows of the source are there.
    int from = 0;
    int end = 0;
    for (int y = fromRow; y < toRow; y += bandRows) {
      int toY = Math.min(toRow, y + bandRows);
      int next = Math.min(height, forward.firstSource(y, toY));
      int nextEnd = Math.max(next, forward.endSource(y, toY));
      int kept = next < from ? 0 : Math.max(0, Math.min(end, nextEnd) - next);
      if (kept > 0) {
        System.arraycopy(bands, band + (next - from) * row, bands, band, kept * row);
      }
      from = next;
      end = nextEnd;
      int pixels = (end - from - kept) * width;
      block.a(x, ix + (image * height + from + kept) * width * block.k, block.k, 1);
      block.c(bands, band + kept * row, block.n, false);
      block.run(0, pixels, 0, block.vectors(), scratch[worker]);
      shifts[worker] = band - (image * height + from) * row;
      outShifts[worker] = outBand - (image * outHeight + y) * outWidth * block.n;
      forward.rows(worker, image, y, toY);
      if (projected) {
        project(worker, outBand, (image * outHeight + y) * outWidth, (toY - y) * outWidth);
      }
    }
  }

  /** Some pixels of the output, from where their depthwise convolution is. */
  private void project(int worker, int from, int pixel, int count) {
    GemmBlock block = projections[worker];
    block.a(bands, from, block.k, 1);
    block.c(result, iresult + pixel * block.n, block.n, false);
    if (residuals != NONE) {
      block.residual(residuals, iresiduals + pixel * block.n);
    }
    block.run(0, count, 0, block.vectors(), scratch[worker]);
  }
}
