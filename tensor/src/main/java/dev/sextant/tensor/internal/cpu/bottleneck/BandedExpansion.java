package dev.sextant.tensor.internal.cpu.bottleneck;

import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.family.FixedKernel;
import dev.sextant.tensor.internal.cpu.depthwise.DepthwiseForward;
import dev.sextant.tensor.internal.cpu.depthwise.DepthwiseKernels;
import dev.sextant.tensor.internal.cpu.gemm.GemmBlock;
import dev.sextant.tensor.internal.cpu.gemm.GemmKernels;
import dev.sextant.tensor.internal.cpu.team.WorkerTeam;

/**
 * An expansion and the depthwise convolution that reads it, a band of rows at a time: what is
 * expanded is read while it is in the second-level cache, and is nowhere whole. Workers take runs
 * of output rows, and expand what their first ones read for themselves.
 */
final class BandedExpansion implements WorkerTeam.Task {
  /** Bytes of a worker's band, less than half of a second-level cache of 1 MiB. */
  private static final int BAND_BYTES = 384 << 10;

  private static final float[] NONE = {};

  private final WorkerTeam team;
  private final DepthwiseKernels depthwise;
  private final GemmKernels gemm;
  private final GemmBlock[] blocks;
  private final float[][] scratch;
  private final int[] shifts;

  private int images;
  private int height;
  private int width;
  private int outHeight;
  private int bandRows;
  private float[] x = NONE;
  private int ix;
  private float[] bands = NONE;
  private int ibands;
  private int bandFloats;

  BandedExpansion(WorkerTeam team, Memory memory, DepthwiseKernels depthwise) {
    this.team = team;
    this.depthwise = depthwise;
    gemm = new GemmKernels(team, memory);
    blocks = GemmBlock.forTeam(team.threads());
    scratch = new float[team.threads()][GemmBlock.SCRATCH];
    shifts = new int[team.threads()];
  }

  /** Whether a band has rows enough: of fewer too many would be those of the band before. */
  static boolean suits(Shape x, FixedKernel expand, FixedKernel kernel) {
    long row = (long) x.get(2) * expand.shape().channels() * Float.BYTES;
    return row > 0 && expand.parts() == 1 && 2 * kernel.window().span() * row <= BAND_BYTES;
  }

  /** See {@link dev.sextant.tensor.family.Bottleneck#expanded}. */
  void run(
      Tensor input,
      FixedKernel expand,
      Activation first,
      FixedKernel kernel,
      Activation second,
      Tensor out) {
    int channels = expand.shape().channels();
    Shape middle = input.shape().withChannels(channels);
    images = middle.get(0);
    height = middle.get(1);
    width = middle.get(2);
    outHeight = out.shape().get(1);
    int row = width * channels;
    int sourceRows = BAND_BYTES / Float.BYTES / row;
    bandRows = (sourceRows - kernel.window().span()) / kernel.window().stride() + 1;
    bandFloats = (sourceRows * row + 31) / 32 * 32;
    blocks[0].sizes(images * height * width, channels, input.shape().channels());
    blocks[0].fixed(expand);
    blocks[0].epilogue(first);
    for (int i = 1; i < blocks.length; i++) {
      blocks[i].shareB(blocks[0]);
    }
    int floats = Math.multiplyExact(blocks.length, bandFloats);
    try (Tensor space = gemm.workspace(floats, "expanded bands");
        Tensor _ = depthwise.bandWorkspace(middle, kernel, second, out, space.floats(), shifts)) {
      x = input.floats();
      ix = input.offset();
      bands = space.floats();
      ibands = space.offset();
      team.run(this);
    } finally {
      x = NONE;
      bands = NONE;
      for (GemmBlock block : blocks) {
        block.clear();
      }
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
    int band = ibands + worker * bandFloats;
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
      forward.rows(worker, image, y, toY);
    }
  }
}
