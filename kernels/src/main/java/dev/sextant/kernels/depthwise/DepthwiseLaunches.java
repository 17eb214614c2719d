package dev.sextant.kernels.depthwise;

import dev.sextant.kernels.channels.ChannelBlocks;
import dev.sextant.kernels.channels.ChannelPasses;
import dev.sextant.kernels.device.Kernels;
import dev.sextant.kernels.driver.Launch;
import dev.sextant.kernels.stencil.StencilLaunches;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import dev.sextant.tensor.family.Depthwise;
import dev.sextant.tensor.family.DepthwiseRules;
import dev.sextant.tensor.family.Elementwise;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** {@link Depthwise} on a device. */
public final class DepthwiseLaunches implements Depthwise {
  /** Tiles that a thread of the filter gradient walks over at least. */
  private static final int TILES_OF_THREAD = 4;

  private static final int BLOCKS_OF_PROCESSOR = 4;

  private final Kernels kernels;
  private final ChannelPasses passes;
  private final Elementwise elements;

  /** Kernels that are loaded there. */
  public DepthwiseLaunches(Kernels kernels, ChannelPasses passes, Elementwise elements) {
    this.kernels = kernels;
    this.passes = passes;
    this.elements = elements;
  }

  @Override
  public void forward(
      Tensor x, Tensor w, Window window, @Nullable Tensor bias, Activation activation, Tensor out) {
    DepthwiseRules.forward(x, w, window, bias, out);
    int width = Kernels.width(x.shape().get(3), x, w, bias, out);
    stencil(DepthwiseKernel.plain(window, false, bias != null, activation, width), x, w, bias, out);
  }

  @Override
  public void backwardData(Tensor dy, Tensor w, Window window, Tensor dx) {
    DepthwiseRules.backwardData(dy, w, window, dx);
    int width = Kernels.width(dx.shape().get(3), dy, w, dx);
    stencil(
        DepthwiseKernel.plain(window, true, false, Activation.IDENTITY, width), dy, w, null, dx);
  }

  @Override
  public void backwardFilter(Tensor x, Tensor dy, Window window, Tensor dw) {
    DepthwiseRules.backwardFilter(x, dy, window, dw);
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

  private void stencil(
      DepthwiseKernel kernel, Tensor from, Tensor w, @Nullable Tensor bias, Tensor to) {
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
  public void stencil(
      DepthwiseKernel kernel,
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
    StencilLaunches.tiles(launch, from, to, down, across, kernel.width());
  }

  /** Blocks that share the tiles of a stencil's target: as many as leave statistics. */
  public static int tileBlocks(DepthwiseKernel kernel, Tensor to) {
    int down = kernel.tilesDown(to.shape().get(1));
    int across = kernel.tilesAcross(to.shape().get(2));
    int tiles = to.shape().get(0) * down * across;
    return Kernels.ceil(tiles, ChannelBlocks.of(to.shape().get(3), kernel.width(), tiles).y());
  }

  /**
   * Launches a filter gradient and the sum over its chunks.
   *
   * @param sources gives x and dy
   */
  public void filter(
      DepthwiseFilter kernel, Consumer<Launch> sources, Tensor x, Tensor dy, Tensor dw) {
    int down = dy.shape().get(1);
    int across = Kernels.ceil(dy.shape().get(2), DepthwiseFilter.tile(kernel.window()));
    int tiles = dy.shape().get(0) * down * across;
    ChannelBlocks blocks = ChannelBlocks.of(dw.shape().get(2), kernel.width(), tiles);
    int most =
        Kernels.ceil(
            BLOCKS_OF_PROCESSOR * kernels.driver().properties().processors(), blocks.parts());
    int chunk = Math.max(Kernels.ceil(tiles, most), TILES_OF_THREAD * blocks.y());
    int chunks = Kernels.ceil(tiles, chunk);
    try (Tensor partial = kernels.workspace(chunks * dw.size(), "partial filter gradients")) {
      Launch launch = kernels.of(kernel);
      sources.accept(launch);
      Kernels.argument(launch, chunks == 1 ? dw : partial).integer(chunk);
      StencilLaunches.extents(launch, x, dy, down, across);
      launch.grid(chunks, blocks.parts(), 1).block(blocks.x(), blocks.y()).run();
      if (chunks > 1) {
        passes.sumOfChunks(partial, chunks, dw);
      }
    }
  }

  /** The widest vector that the kernel's size, the channels and the addresses allow. */
  public static int filterWidth(Window window, int count, @Nullable Tensor... tensors) {
    int width = DepthwiseFilter.widest(window.kernel());
    return count % width == 0 && Kernels.aligned(width, tensors) ? width : 1;
  }
}
