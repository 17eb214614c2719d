package dev.sextant.kernels.cuda;

import dev.sextant.kernels.driver.Driver.Convolution;
import dev.sextant.kernels.driver.Driver.Direction;
import dev.sextant.kernels.driver.Driver.Matrix;
import dev.sextant.kernels.driver.Launch;
import dev.sextant.kernels.family.Depthwise;
import dev.sextant.kernels.family.DepthwiseFilter;
import dev.sextant.kernels.family.Pooling;
import dev.sextant.kernels.family.Pooling.Mode;
import dev.sextant.kernels.family.Transpose;
import dev.sextant.kernels.ptx.KernelSource;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Convolutions and poolings. */
final class ImageLaunches {
  /** Tiles that a thread of the filter gradient walks over at least. */
  private static final int TILES_OF_THREAD = 4;

  private static final int BLOCKS_OF_PROCESSOR = 4;

  private final Kernels kernels;
  private final ChannelLaunches channels;
  private final ElementLaunches elements;

  ImageLaunches(Kernels kernels, ChannelLaunches channels, ElementLaunches elements) {
    this.kernels = kernels;
    this.channels = channels;
    this.elements = elements;
  }

  // ---- dense convolution: one GEMM where it is pointwise, cuDNN elsewhere

  void conv2d(
      Tensor x,
      Tensor w,
      Window window,
      @Nullable Tensor bias,
      Activation activation,
      @Nullable Tensor residual,
      Tensor out) {
    if (out.size() == 0) {
      return;
    }
    if (x.size() == 0) {
      elements.fill(out, 0);
    } else if (window.isPointwise()) {
      kernels.driver().gemm(pixels(x), false, matrix(w), false, pixels(out), inputs(w), false);
    } else {
      try (Tensor filters = transposed(w, outputs(w))) {
        convolve(shape(x, w, window, out), Direction.FORWARD, x, filters, out);
      }
    }
    if (bias != null || residual != null || activation != Activation.IDENTITY) {
      channels.bias(out, bias, activation, residual, out);
    }
  }

  void conv2dBackwardData(Tensor dy, Tensor w, Window window, Tensor dx) {
    if (dx.size() == 0) {
      return;
    }
    if (dy.size() == 0) {
      elements.fill(dx, 0);
    } else if (window.isPointwise()) {
      kernels.driver().gemm(pixels(dy), false, matrix(w), true, pixels(dx), outputs(w), false);
    } else {
      try (Tensor filters = transposed(w, outputs(w))) {
        convolve(shape(dx, w, window, dy), Direction.BACKWARD_DATA, dy, filters, dx);
      }
    }
  }

  void conv2dBackwardFilter(Tensor x, Tensor dy, Window window, Tensor dw) {
    if (dw.size() == 0) {
      return;
    }
    if (x.size() == 0 || dy.size() == 0) {
      elements.fill(dw, 0);
    } else if (window.isPointwise()) {
      int rows = x.shape().rows();
      kernels.driver().gemm(pixels(x), true, pixels(dy), false, matrix(dw), rows, false);
    } else {
      try (Tensor filters = kernels.workspace(dw.size(), "filter gradients")) {
        convolve(shape(x, dw, window, dy), Direction.BACKWARD_FILTER, x, dy, filters);
        transpose(filters, outputs(dw), dw);
      }
    }
  }

  /** Scratch comes from the pool: it counts, and a step that asks for it again gets it again. */
  private void convolve(Convolution shape, Direction direction, Tensor a, Tensor b, Tensor out) {
    long bytes = kernels.driver().convolutionWorkspace(shape, direction);
    if (bytes == 0) {
      kernels.driver().convolution(shape, direction, address(a), address(b), address(out), 0);
      return;
    }
    int floats = Math.toIntExact((bytes + 3) / 4);
    try (Tensor scratch = kernels.workspace(floats, "convolution")) {
      kernels
          .driver()
          .convolution(shape, direction, address(a), address(b), address(out), address(scratch));
    }
  }

  private static long address(Tensor tensor) {
    return DeviceStorage.address(tensor);
  }

  private static int inputs(Tensor w) {
    return w.shape().get(2);
  }

  private static int outputs(Tensor w) {
    return w.shape().get(3);
  }

  private static Matrix pixels(Tensor image) {
    return new Matrix(address(image), image.shape().rows(), image.shape().channels());
  }

  private static Matrix matrix(Tensor w) {
    return new Matrix(address(w), inputs(w), outputs(w));
  }

  private static Convolution shape(Tensor x, Tensor w, Window window, Tensor out) {
    Shape in = x.shape();
    return new Convolution(
        in.get(0),
        in.get(1),
        in.get(2),
        in.get(3),
        out.shape().get(1),
        out.shape().get(2),
        outputs(w),
        window.kernel(),
        window.stride(),
        window.padding(),
        window.dilation());
  }

  /** A kernel {@code [k, k, Cin, Cout]} as cuDNN's filters {@code [Cout, k, k, Cin]}. */
  private Tensor transposed(Tensor w, int outputs) {
    Tensor filters = kernels.workspace(w.size(), "filters");
    transpose(w, w.size() / outputs, filters);
    return filters;
  }

  private void transpose(Tensor x, int rows, Tensor out) {
    int size = x.size();
    int block = Math.min(KernelSource.THREADS, size);
    Kernels.arguments(kernels.of(new Transpose()), x, out)
        .integer(rows)
        .integer(size / rows)
        .integer(size)
        .grid(Kernels.ceil(size, block), 1, 1)
        .block(block, 1)
        .run();
  }

  // ---- depthwise convolution

  void depthwise(
      Tensor x, Tensor w, Window window, @Nullable Tensor bias, Activation activation, Tensor out) {
    int width = Kernels.width(x.shape().get(3), x, w, bias, out);
    stencil(Depthwise.plain(window, false, bias != null, activation, width), x, w, bias, out);
  }

  void depthwiseBackwardData(Tensor dy, Tensor w, Window window, Tensor dx) {
    int width = Kernels.width(dx.shape().get(3), dy, w, dx);
    stencil(Depthwise.plain(window, true, false, Activation.IDENTITY, width), dy, w, null, dx);
  }

  private void stencil(Depthwise kernel, Tensor from, Tensor w, @Nullable Tensor bias, Tensor to) {
    if (to.size() > 0) {
      stencil(kernel, Kernels.argument(kernels.of(kernel), from), from, w, bias, to, null);
    }
  }

  /**
   * Goes on where a launch has its source.
   *
   * @param from of the source's extents
   * @param partial where each block leaves statistics; absent: nowhere
   */
  void stencil(
      Depthwise kernel,
      Launch launch,
      Tensor from,
      Tensor w,
      @Nullable Tensor bias,
      Tensor to,
      @Nullable Tensor partial) {
    Kernels.argument(launch, w);
    if (bias != null) {
      Kernels.argument(launch, bias);
    }
    int down = kernel.tilesDown(to.shape().get(1));
    int across = kernel.tilesAcross(to.shape().get(2));
    Kernels.argument(launch, to);
    if (partial != null) {
      Kernels.argument(launch, partial);
    }
    tiles(launch, from, to, down, across, kernel.width());
  }

  /** Gives the extents and launches a thread for each tile. */
  private static void tiles(
      Launch launch, Tensor from, Tensor to, int down, int across, int width) {
    int tiles = extents(launch, from, to, down, across);
    ChannelBlocks blocks = ChannelBlocks.of(to.shape().get(3), width, tiles);
    launch
        .grid(Kernels.ceil(tiles, blocks.y()), blocks.parts(), 1)
        .block(blocks.x(), blocks.y())
        .run();
  }

  /** Blocks that share the tiles of a stencil's target: as many as leave statistics. */
  static int tileBlocks(Depthwise kernel, Tensor to) {
    int down = kernel.tilesDown(to.shape().get(1));
    int across = kernel.tilesAcross(to.shape().get(2));
    int tiles = to.shape().get(0) * down * across;
    return Kernels.ceil(tiles, ChannelBlocks.of(to.shape().get(3), kernel.width(), tiles).y());
  }

  private static int extents(Launch launch, Tensor source, Tensor target, int down, int across) {
    int tiles = target.shape().get(0) * down * across;
    launch
        .integer(source.shape().get(3))
        .integer(source.shape().get(1))
        .integer(source.shape().get(2))
        .integer(target.shape().get(1))
        .integer(target.shape().get(2))
        .integer(down)
        .integer(across)
        .integer(tiles);
    return tiles;
  }

  void depthwiseBackwardFilter(Tensor x, Tensor dy, Window window, Tensor dw) {
    if (dw.size() == 0) {
      return;
    }
    if (x.size() == 0) {
      elements.fill(dw, 0);
      return;
    }
    int width = filterWidth(window, dw.shape().get(2), x, dy, dw);
    DepthwiseFilter kernel = DepthwiseFilter.plain(window, width);
    filter(kernel, launch -> Kernels.arguments(launch, x, dy), x, dy, dw);
  }

  /**
   * Launches a filter gradient and the sum over its chunks.
   *
   * @param sources gives x and dy
   */
  void filter(DepthwiseFilter kernel, Consumer<Launch> sources, Tensor x, Tensor dy, Tensor dw) {
    int down = dy.shape().get(1);
    int across = Kernels.ceil(dy.shape().get(2), DepthwiseFilter.tile(kernel.window()));
    int tiles = dy.shape().get(0) * down * across;
    ChannelBlocks blocks = ChannelBlocks.of(dw.shape().get(2), kernel.width(), tiles);
    int most =
        Kernels.ceil(BLOCKS_OF_PROCESSOR * kernels.driver().info().processors(), blocks.parts());
    int chunk = Math.max(Kernels.ceil(tiles, most), TILES_OF_THREAD * blocks.y());
    int chunks = Kernels.ceil(tiles, chunk);
    try (Tensor partial = kernels.workspace(chunks * dw.size(), "partial filter gradients")) {
      Launch launch = kernels.of(kernel);
      sources.accept(launch);
      Kernels.argument(launch, chunks == 1 ? dw : partial).integer(chunk);
      extents(launch, x, dy, down, across);
      launch.grid(chunks, blocks.parts(), 1).block(blocks.x(), blocks.y()).run();
      if (chunks > 1) {
        channels.sumOfChunks(partial, chunks, dw);
      }
    }
  }

  /** The widest vector that the kernel's size, the channels and the addresses allow. */
  static int filterWidth(Window window, int count, @Nullable Tensor... tensors) {
    int width = DepthwiseFilter.widest(window.kernel());
    return count % width == 0 && Kernels.aligned(width, tensors) ? width : 1;
  }

  // ---- pooling

  void maxPool(Tensor x, Window window, Tensor out) {
    pool(Mode.MAX, x, null, window, out);
  }

  void avgPool(Tensor x, Window window, Tensor out) {
    pool(Mode.AVERAGE, x, null, window, out);
  }

  void maxPoolBackward(Tensor x, Tensor dy, Window window, Tensor dx) {
    try (Tensor flat = kernels.workspace(dy.size(), "winners");
        Tensor winners = flat.reshape(dy.shape())) {
      pool(Mode.WINNER, x, null, window, winners);
      pool(Mode.MAX_BACKWARD, dy, winners, window, dx);
    }
  }

  void avgPoolBackward(Tensor dy, Window window, Tensor dx) {
    pool(Mode.AVERAGE_BACKWARD, dy, null, window, dx);
  }

  private void pool(Mode mode, Tensor from, @Nullable Tensor winners, Window window, Tensor to) {
    if (to.size() == 0) {
      return;
    }
    int width = Kernels.width(to.shape().get(3), from, winners, to);
    Pooling source = new Pooling(mode, window, width);
    Launch launch = Kernels.argument(kernels.of(source), from);
    if (winners != null) {
      Kernels.argument(launch, winners);
    }
    int down = source.tiles(to.shape().get(1));
    int across = source.tiles(to.shape().get(2));
    tiles(Kernels.argument(launch, to), from, to, down, across, width);
  }
}
