package dev.sextant.tensor.internal.cpu.convolution;

import dev.sextant.tensor.Activation;
import dev.sextant.tensor.FixedKernel;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import dev.sextant.tensor.family.Convolution;
import dev.sextant.tensor.family.ConvolutionRules;
import dev.sextant.tensor.internal.cpu.gemm.GemmBlock;
import dev.sextant.tensor.internal.cpu.gemm.GemmKernels;
import dev.sextant.tensor.internal.cpu.gemm.GemmPack;
import dev.sextant.tensor.internal.cpu.gemm.PartialSum;
import dev.sextant.tensor.internal.cpu.team.WorkerTeam;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Dense convolutions as matrix products. Pointwise ones are one product over the pixels; others
 * gather a few hundred pixels' patches at a time into a workspace of bounded size for each worker
 * ({@link Im2col}). Called from one thread at a time.
 *
 * <p>Forward and filter gradient are cut over pixels, the data gradient over images.
 */
public final class ConvolutionKernels implements Convolution {
  /** Floats of patches that a worker gathers at a time: 128 KiB. */
  private static final int TILE_FLOATS = 1 << 15;

  /** Pixels in a tile are a multiple of the tallest micro-kernels' rows. */
  private static final int TILE_QUANTUM = 36;

  private static final float[] NONE = {};

  private final WorkerTeam team;
  private final GemmKernels gemm;
  private final GemmBlock[] blocks;
  private final float[][] scratch;
  private final Im2col patches = new Im2col();
  private final PartialSum partialSum = new PartialSum();
  private final ForwardTask forward = new ForwardTask();
  private final DirectTask direct;
  private final DataTask data = new DataTask();
  private final FilterTask filter = new FilterTask();

  private int pixels;
  private int images;
  private int tile;
  private float[] columns = NONE;
  private int icolumns;
  private int columnsPerWorker;
  private float[] in = NONE;
  private int iin;
  private float[] out = NONE;
  private int iout;
  private float[] residuals = NONE;
  private int iresiduals;

  public ConvolutionKernels(WorkerTeam team, Memory memory) {
    this.team = team;
    gemm = new GemmKernels(team, memory);
    blocks = GemmBlock.forTeam(team.threads());
    scratch = new float[team.threads()][GemmBlock.SCRATCH];
    direct = new DirectTask(patches, blocks, scratch);
  }

  @Override
  public FixedKernel fix(Tensor w, Tensor bias, Window window, Shape x, int threads) {
    ConvolutionRules.fix(w, bias, window, x);
    int depth = w.shape().rows();
    int channels = w.shape().channels();
    int rows = window.output(x, channels).rows();
    // The others are cut over pixels.
    int parts = window.isPointwise() ? GemmKernels.stretches(rows, channels, depth, threads) : 1;
    Shape size = Shape.of(GemmPack.fixedSize(depth, channels));
    Tensor values = w.memory().floats(size, Memory.Category.WEIGHTS, "fixed kernel");
    GemmPack.fix(w, bias, depth, channels, parts, values.floats(), values.offset());
    return new FixedKernel(w.shape(), window, values, null, parts);
  }

  @Override
  public void forward(
      Tensor x,
      FixedKernel kernel,
      Activation activation,
      @Nullable Tensor residual,
      Tensor result) {
    ConvolutionRules.forward(x, kernel, residual, result);
    int rows = result.shape().rows();
    int channels = result.shape().channels();
    int depth = kernel.shape().rows();
    Window window = kernel.window();
    if (window.isPointwise()) {
      gemm.product(x, kernel, result, rows, channels, depth, activation, residual);
      return;
    }
    if (result.size() == 0) {
      return;
    }
    geometry(window, x, result);
    blocks[0].sizes(rows, channels, depth);
    blocks[0].fixed(kernel);
    try {
      if (DirectTask.suits(window, x.shape().channels())) {
        direct(x, window, activation, residual, result);
      } else {
        try (Tensor _ = tileSpace(depth)) {
          gathered(x, activation, residual, result);
        }
      }
    } finally {
      clear();
    }
  }

  /** Reads the patches where they lie, with the first block's weights. */
  private void direct(
      Tensor x, Window window, Activation activation, @Nullable Tensor residual, Tensor result) {
    blocks[0].epilogue(activation);
    shareFirst();
    direct.set(window, x.shape(), result.shape());
    int floats = Math.multiplyExact(blocks.length, direct.columnsPerWorker());
    try (Tensor space = gemm.workspace(floats, "conv.ends")) {
      direct.columns = space.floats();
      direct.icolumns = space.offset();
      direct.x = x.floats();
      direct.ix = x.offset();
      direct.out = result.floats();
      direct.iout = result.offset();
      direct.activation = activation;
      if (residual != null) {
        direct.residual = residual.floats();
        direct.iresidual = residual.offset();
      }
      gemm.run(direct, (long) result.size() * patches.depth());
    }
  }

  /** Gathers the patches, with the first block's weights. */
  private void gathered(Tensor x, Activation activation, @Nullable Tensor residual, Tensor result) {
    blocks[0].epilogue(activation);
    shareFirst();
    in = x.floats();
    iin = x.offset();
    out = result.floats();
    iout = result.offset();
    if (residual != null) {
      residuals = residual.floats();
      iresiduals = residual.offset();
    }
    gemm.run(forward, (long) result.size() * patches.depth());
  }

  @Override
  public void forward(
      Tensor x,
      Tensor w,
      Window window,
      @Nullable Tensor bias,
      Activation activation,
      @Nullable Tensor residual,
      Tensor result) {
    ConvolutionRules.forward(x, w, window, bias, residual, result);
    int rows = result.shape().rows();
    int channels = result.shape().channels();
    int depth = w.shape().rows();
    if (window.isPointwise()) {
      gemm.product(
          x, false, w, false, result, rows, channels, depth, false, bias, activation, residual);
      return;
    }
    if (result.size() == 0) {
      return;
    }
    geometry(window, x, result);
    GemmBlock first = blocks[0];
    first.sizes(rows, channels, depth);
    try (Tensor _ = gemm.bindB(first, w, false);
        Tensor _ = gemm.bindBias(first, bias);
        Tensor _ = tileSpace(depth)) {
      gathered(x, activation, residual, result);
    } finally {
      clear();
    }
  }

  @Override
  public void backwardData(Tensor dy, Tensor w, Window window, Tensor dx) {
    ConvolutionRules.backwardData(dy, w, window, dx);
    int channels = dy.shape().channels();
    int depth = w.shape().rows();
    if (window.isPointwise()) {
      gemm.product(
          dy,
          false,
          w,
          true,
          dx,
          dy.shape().rows(),
          depth,
          channels,
          false,
          null,
          Activation.IDENTITY,
          null);
      return;
    }
    if (dx.size() == 0) {
      return;
    }
    geometry(window, dx, dy);
    GemmBlock first = blocks[0];
    first.sizes(pixels, depth, channels);
    try (Tensor _ = gemm.bindB(first, w, true);
        Tensor _ = tileSpace(depth)) {
      shareFirst();
      in = dy.floats();
      iin = dy.offset();
      out = dx.floats();
      iout = dx.offset();
      data.imageFloats = dx.size() / images;
      team.run(data);
    } finally {
      clear();
    }
  }

  @Override
  public void backwardFilter(Tensor x, Tensor dy, Window window, Tensor dw) {
    ConvolutionRules.backwardFilter(x, dy, window, dw);
    int channels = dy.shape().channels();
    int depth = dw.shape().rows();
    if (window.isPointwise()) {
      gemm.product(
          x,
          true,
          dy,
          false,
          dw,
          depth,
          channels,
          dy.shape().rows(),
          false,
          null,
          Activation.IDENTITY,
          null);
      return;
    }
    if (dw.size() == 0) {
      return;
    }
    geometry(window, x, dy);
    int stride = (depth + GemmBlock.LANES - 1) / GemmBlock.LANES * GemmBlock.LANES;
    try (Tensor partials =
            gemm.workspace(Math.multiplyExact(blocks.length, channels * stride), "conv.partials");
        Tensor _ = tileSpace(depth)) {
      in = x.floats();
      iin = x.offset();
      for (int i = 0; i < blocks.length; i++) {
        blocks[i].c(partials.floats(), partials.offset() + i * channels * stride, stride, false);
      }
      filter.dy = dy.floats();
      filter.idy = dy.offset();
      filter.channels = channels;
      filter.stride = stride;
      team.run(filter);
      partialSum.from(partials.floats(), partials.offset(), blocks.length, stride, true);
      partialSum.to(dw.floats(), dw.offset(), depth, channels, false);
      team.run(partialSum);
    } finally {
      clear();
    }
  }

  private void geometry(Window window, Tensor image, Tensor output) {
    patches.set(window, image.shape(), output.shape());
    pixels = output.shape().rows();
    images = output.shape().get(0);
    int fitting = TILE_FLOATS / Math.max(1, patches.depth()) / TILE_QUANTUM;
    tile = Math.max(1, fitting) * TILE_QUANTUM;
  }

  /** A tile of patches for each worker, with a vector of slack for reading whole vectors. */
  private Tensor tileSpace(int depth) {
    columnsPerWorker = tile * depth + GemmBlock.LANES;
    Tensor space =
        gemm.workspace(Math.multiplyExact(blocks.length, columnsPerWorker), "conv.patches");
    columns = space.floats();
    icolumns = space.offset();
    return space;
  }

  private void shareFirst() {
    for (int i = 1; i < blocks.length; i++) {
      blocks[i].shareB(blocks[0]);
    }
  }

  private void clear() {
    for (GemmBlock block : blocks) {
      block.clear();
    }
    partialSum.clear();
    columns = NONE;
    in = NONE;
    out = NONE;
    residuals = NONE;
    filter.dy = NONE;
    direct.clear();
  }

  private final class ForwardTask implements WorkerTeam.Task {
    @Override
    public void run(int worker, int workers) {
      GemmBlock block = blocks[worker];
      int mine = icolumns + worker * columnsPerWorker;
      int to = GemmKernels.cut(pixels, worker + 1, workers);
      for (int from = GemmKernels.cut(pixels, worker, workers); from < to; from += tile) {
        int end = Math.min(to, from + tile);
        patches.gather(in, iin, from, end, columns, mine);
        block.a(columns, mine, patches.depth(), 1);
        block.c(out, iout + from * block.n, block.n, false);
        if (residuals != NONE) {
          block.residual(residuals, iresiduals + from * block.n);
        }
        block.run(0, end - from, 0, block.vectors(), scratch[worker]);
      }
    }
  }

  private final class DataTask implements WorkerTeam.Task {
    private int imageFloats;

    @Override
    public void run(int worker, int workers) {
      GemmBlock block = blocks[worker];
      int mine = icolumns + worker * columnsPerWorker;
      int firstImage = GemmKernels.cut(images, worker, workers);
      int endImage = GemmKernels.cut(images, worker + 1, workers);
      Arrays.fill(out, iout + firstImage * imageFloats, iout + endImage * imageFloats, 0f);
      int imagePixels = pixels / images;
      int to = endImage * imagePixels;
      for (int from = firstImage * imagePixels; from < to; from += tile) {
        int end = Math.min(to, from + tile);
        block.a(in, iin + from * block.k, block.k, 1);
        block.c(columns, mine, block.n, false);
        block.run(0, end - from, 0, block.vectors(), scratch[worker]);
        patches.scatterAdd(columns, mine, from, end, out, iout);
      }
    }
  }

  /**
   * dw transposed, {@code [Cout, k k Cin]} = dy transposed times patches: this way round the
   * patches are what is read in whole vectors.
   */
  private final class FilterTask implements WorkerTeam.Task {
    private float[] dy = NONE;
    private int idy;
    private int channels;
    private int stride;

    @Override
    public void run(int worker, int workers) {
      GemmBlock block = blocks[worker];
      int mine = icolumns + worker * columnsPerWorker;
      int from = GemmKernels.cut(pixels, worker, workers);
      int to = GemmKernels.cut(pixels, worker + 1, workers);
      boolean adding = false;
      do {
        int end = Math.min(to, from + tile);
        patches.gather(in, iin, from, end, columns, mine);
        block.sizes(channels, stride, end - from);
        block.a(dy, idy + from * channels, 1, channels);
        block.bRowMajor(columns, mine, patches.depth());
        block.run(0, channels, 0, block.vectors(), 0, end - from, adding, scratch[worker]);
        adding = true;
        from = end;
      } while (from < to);
    }
  }
}
