package dev.sextant.tensor;

import dev.sextant.tensor.family.Convolution;
import dev.sextant.tensor.family.Depthwise;
import org.jspecify.annotations.Nullable;

/**
 * The kernel and the bias of a convolution that does not change any more, laid out once in the
 * order in which the forward pass of a device reads them. Made by {@link Convolution#fix} or {@link
 * Depthwise#fix}, for the same family's forward pass; all backends of the device may read it at
 * once.
 *
 * @param shape the kernel's, {@code [k, k, Cin, Cout]} or {@code [k, k, C]}
 * @param window kernel size, stride, padding and dilation
 * @param values the kernel as the device wants it
 * @param bias {@code [Cout]} or {@code [C]}; null where it lies behind the kernel
 * @param parts runs of output channels that are laid out apart, each for workers of its own
 */
public record FixedKernel(
    Shape shape, Window window, Tensor values, @Nullable Tensor bias, int parts)
    implements AutoCloseable {
  /** {@return the bytes it takes} */
  public long bytes() {
    return values.bytes() + (bias == null ? 0 : bias.bytes());
  }

  /** Gives its tensors up. Idempotent. */
  @Override
  public void close() {
    values.close();
    if (bias != null) {
      bias.close();
    }
  }
}
