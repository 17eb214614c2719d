package dev.sextant.kernels.channels;

import dev.sextant.kernels.channels.ChannelMap.Formula;
import dev.sextant.kernels.channels.ChannelReduction.Quantity;
import dev.sextant.kernels.device.DeviceStorage;
import dev.sextant.kernels.device.Kernels;
import dev.sextant.kernels.elementwise.ElementwiseKernel;
import dev.sextant.kernels.elementwise.ElementwiseLaunches;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.family.ChannelRules;
import dev.sextant.tensor.family.Channels;
import org.jspecify.annotations.Nullable;

/** {@link Channels} on a device. */
public final class ChannelLaunches implements Channels {
  private final Kernels kernels;
  private final ChannelPasses passes;
  private final ElementwiseLaunches elements;

  /** Kernels that are loaded there. */
  public ChannelLaunches(Kernels kernels, ChannelPasses passes, ElementwiseLaunches elements) {
    this.kernels = kernels;
    this.passes = passes;
    this.elements = elements;
  }

  @Override
  public void addBias(Tensor x, Tensor bias, Tensor out) {
    ChannelRules.addBias(x, bias, out);
    bias(x, bias, Activation.IDENTITY, null, out);
  }

  @Override
  public void sum(Tensor x, Tensor out) {
    ChannelRules.sum(x, out);
    passes.sum(x, x.shape(), 1, 1f, out);
  }

  @Override
  public void scale(Tensor x, Tensor s, Tensor out) {
    ChannelRules.scale(x, s, out);
    Tensor[] inputs = {x};
    Tensor[] vectors = {s};
    int images = x.shape().get(0);
    passes.map(
        Formula.SCALE, Activation.IDENTITY, images, inputs, vectors, launch -> {}, null, out);
  }

  @Override
  public void dot(Tensor a, Tensor b, Tensor out) {
    ChannelRules.dot(a, b, out);
    passes.reduce(
        Quantity.DOT,
        Activation.IDENTITY,
        a.shape(),
        a.shape().get(0),
        Kernels.width(a.shape().channels(), a, b, out),
        launch -> Kernels.arguments(launch, a, b),
        launch -> Kernels.argument(launch, out));
  }

  @Override
  public void copy(Tensor from, int fromChannel, Tensor to, int toChannel, int count) {
    ChannelRules.copy(from, fromChannel, to, toChannel, count);
    int rows = from.shape().rows();
    if (rows == 0 || count == 0) {
      return;
    }
    int fromChannels = from.shape().channels();
    int toChannels = to.shape().channels();
    boolean wide =
        Kernels.aligned(Kernels.VECTOR, from, to)
            && (fromChannel | toChannel | count | fromChannels | toChannels) % Kernels.VECTOR == 0;
    int width = wide ? Kernels.VECTOR : 1;
    ChannelBlocks blocks = ChannelBlocks.of(count, width, rows);
    kernels
        .of(new CopyChannels(width))
        .pointer(DeviceStorage.address(from) + 4L * fromChannel, from.bytes() - 4L * fromChannel)
        .pointer(DeviceStorage.address(to) + 4L * toChannel, to.bytes() - 4L * toChannel)
        .integer(rows)
        .integer(count)
        .integer(fromChannels)
        .integer(toChannels)
        .grid(Kernels.ceil(rows, blocks.y()), blocks.parts(), 1)
        .block(blocks.x(), blocks.y())
        .run();
  }

  /** out = activation(x + bias) + residual; bias and residual may be absent. */
  public void bias(
      Tensor x,
      @Nullable Tensor bias,
      Activation activation,
      @Nullable Tensor residual,
      Tensor out) {
    if (bias == null && residual == null) {
      elements.plain(ElementwiseKernel.Operation.ACTIVATE, activation, x, out);
      return;
    }
    Formula formula = bias == null ? Formula.NO_BIAS : Formula.BIAS;
    Tensor[] vectors = bias == null ? new Tensor[0] : new Tensor[] {bias};
    passes.map(formula, activation, 1, new Tensor[] {x}, vectors, launch -> {}, residual, out);
  }
}
