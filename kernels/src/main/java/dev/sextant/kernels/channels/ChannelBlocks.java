package dev.sextant.kernels.channels;

import dev.sextant.kernels.device.Kernels;
import dev.sextant.kernels.ptx.KernelSource;

/**
 * How the threads of a block are laid over channels and rows: x takes all vectors of a row (a part
 * of them where there are more than a block's threads), y as many rows as there are threads left,
 * so that neighbours in a warp read neighbours in memory.
 *
 * @param x vectors of channels in a block
 * @param y rows in a block
 * @param parts blocks that share a row
 */
public record ChannelBlocks(int x, int y, int parts) {
  /**
   * The layout.
   *
   * @param rows no more lanes than rows are of use
   */
  public static ChannelBlocks of(int channels, int width, int rows) {
    int vectors = Kernels.ceil(channels, width);
    int parts = Kernels.ceil(vectors, KernelSource.THREADS);
    int x = Kernels.ceil(vectors, parts);
    return new ChannelBlocks(x, Math.min(Math.max(1, KernelSource.THREADS / x), rows), parts);
  }
}
