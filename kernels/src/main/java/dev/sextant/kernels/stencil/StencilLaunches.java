package dev.sextant.kernels.stencil;

import dev.sextant.kernels.channels.ChannelBlocks;
import dev.sextant.kernels.device.Kernels;
import dev.sextant.kernels.driver.Launch;
import dev.sextant.tensor.Tensor;

/** How kernels over tiles of images ({@link ImageTiles}) are launched. */
public final class StencilLaunches {
  private StencilLaunches() {}

  /** Gives the extents and launches a thread for each tile. */
  public static void tiles(Launch launch, Tensor from, Tensor to, int down, int across, int width) {
    int tiles = extents(launch, from, to, down, across);
    ChannelBlocks blocks = ChannelBlocks.of(to.shape().get(3), width, tiles);
    launch
        .grid(Kernels.ceil(tiles, blocks.y()), blocks.parts(), 1)
        .block(blocks.x(), blocks.y())
        .run();
  }

  /** Gives the extents as the next parameters; returns the number of tiles. */
  public static int extents(Launch launch, Tensor source, Tensor target, int down, int across) {
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
}
