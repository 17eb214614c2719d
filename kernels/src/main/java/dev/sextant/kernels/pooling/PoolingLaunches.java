package dev.sextant.kernels.pooling;

import dev.sextant.kernels.channels.ChannelMap.Formula;
import dev.sextant.kernels.channels.ChannelPasses;
import dev.sextant.kernels.device.Kernels;
import dev.sextant.kernels.driver.Launch;
import dev.sextant.kernels.pooling.PoolingKernel.Mode;
import dev.sextant.kernels.stencil.StencilLaunches;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import dev.sextant.tensor.family.Elementwise;
import dev.sextant.tensor.family.Pooling;
import dev.sextant.tensor.family.PoolingRules;
import org.jspecify.annotations.Nullable;

/** {@link Pooling} on a device. */
public final class PoolingLaunches implements Pooling {
  private final Kernels kernels;
  private final ChannelPasses passes;
  private final Elementwise elements;

  /** Kernels that are loaded there. */
  public PoolingLaunches(Kernels kernels, ChannelPasses passes, Elementwise elements) {
    this.kernels = kernels;
    this.passes = passes;
    this.elements = elements;
  }

  @Override
  public void max(Tensor x, Window window, Tensor out) {
    PoolingRules.max(x, window, out);
    pool(Mode.MAX, x, null, window, out);
  }

  @Override
  public void maxBackward(Tensor x, Tensor dy, Window window, Tensor dx) {
    PoolingRules.maxBackward(x, dy, window, dx);
    try (Tensor flat = kernels.workspace(dy.size(), "winners");
        Tensor winners = flat.reshape(dy.shape())) {
      pool(Mode.WINNER, x, null, window, winners);
      pool(Mode.MAX_BACKWARD, dy, winners, window, dx);
    }
  }

  @Override
  public void average(Tensor x, Window window, Tensor out) {
    PoolingRules.average(x, window, out);
    pool(Mode.AVERAGE, x, null, window, out);
  }

  @Override
  public void averageBackward(Tensor dy, Window window, Tensor dx) {
    PoolingRules.averageBackward(dy, window, dx);
    pool(Mode.AVERAGE_BACKWARD, dy, null, window, dx);
  }

  @Override
  public void globalAverage(Tensor x, Tensor out) {
    PoolingRules.globalAverage(x, out);
    if (x.size() == 0) {
      elements.fill(out, 0);
      return;
    }
    passes.sum(x, x.shape(), x.shape().get(0), share(x), out);
  }

  @Override
  public void globalAverageBackward(Tensor dy, Tensor dx) {
    PoolingRules.globalAverageBackward(dy, dx);
    Tensor[] vectors = {dy};
    passes.map(
        Formula.BROADCAST,
        Activation.IDENTITY,
        dx.shape().get(0),
        new Tensor[0],
        vectors,
        launch -> launch.number(share(dx)),
        null,
        dx);
  }

  /** 1 / pixels of an image. */
  private static float share(Tensor image) {
    return 1f / (image.shape().get(1) * image.shape().get(2));
  }

  private void pool(Mode mode, Tensor from, @Nullable Tensor winners, Window window, Tensor to) {
    if (to.size() == 0) {
      return;
    }
    int width = Kernels.width(to.shape().get(3), from, winners, to);
    PoolingKernel source = new PoolingKernel(mode, window, width);
    Launch launch = Kernels.argument(kernels.of(source), from);
    if (winners != null) {
      Kernels.argument(launch, winners);
    }
    int down = source.tiles(to.shape().get(1));
    int across = source.tiles(to.shape().get(2));
    StencilLaunches.tiles(Kernels.argument(launch, to), from, to, down, across, width);
  }
}
