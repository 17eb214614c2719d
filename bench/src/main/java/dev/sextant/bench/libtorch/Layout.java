package dev.sextant.bench.libtorch;

/** How images lie in libtorch's memory; their extents are {@code [N, C, H, W]} in both. */
public enum Layout {
  /** {@code torch.channels_last}: pixels of all channels, as this engine has them. */
  CHANNELS_LAST(2),
  /** {@code torch.contiguous_format}: whole channels, PyTorch's default. */
  CHANNELS_FIRST(0);

  private final int memoryFormat;

  Layout(int memoryFormat) {
    this.memoryFormat = memoryFormat;
  }

  /** The number that TorchScript has for it. */
  int memoryFormat() {
    return memoryFormat;
  }
}
