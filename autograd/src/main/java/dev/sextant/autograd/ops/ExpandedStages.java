package dev.sextant.autograd.ops;

import dev.sextant.autograd.Tape;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.NormGradient;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import dev.sextant.tensor.family.Expansions;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The expansion and the depthwise convolution of a bottleneck in one: of the expansion only the
 * moments of its input are kept, and its output where that is better than to make it again.
 */
@SuppressWarnings("NullAway.Init") // fields are set by the forward pass
final class ExpandedStages {
  private Tensor inputMean;
  private Tensor covariance;
  private @Nullable Tensor expanded;

  /**
   * Whether three stages are a bottleneck that is faster this way.
   *
   * @param x the shape of the first one's input
   */
  static boolean pay(Backend backend, Shape x, List<ChainLink> links) {
    Expansions kernels = backend.bottleneck().expansions();
    NormalizedChain.ConvNorm expansion = links.get(0).stage;
    NormalizedChain.ConvNorm depthwise = links.get(1).stage;
    return kernels != null
        && expansion.isPointwise()
        && expansion.activation().clamps()
        && expansion.gamma().shape().channels() >= Expansions.LEAST_CHANNELS
        && depthwise.isDepthwise()
        && depthwise.activation().clamps()
        && links.get(2).stage.isPointwise()
        && kernels.pays(x);
  }

  private static Expansions kernels(Tape tape) {
    return Objects.requireNonNull(tape.backend().bottleneck().expansions());
  }

  /** Runs both stages on x. Unless kept for a backward pass, only the second one's output stays. */
  void forward(Tape tape, Tensor x, ChainLink expansion, ChainLink depthwise, boolean keep) {
    Expansions kernels = kernels(tape);
    int channels = x.shape().channels();
    inputMean = tape.output(Shape.of(channels), "normalized_chain.input_mean");
    covariance = tape.output(Shape.of(channels, channels), "normalized_chain.covariance");
    statistics(tape, expansion);
    statistics(tape, depthwise);
    Tensor w = expansion.stage.w().value();
    kernels.covariance(x, inputMean, covariance);
    kernels.moments(inputMean, covariance, w, expansion.mean, expansion.variance);
    String label = "normalized_chain.convolution";
    expanded =
        keep && !kernels.repeats(x.shape())
            ? tape.output(expansion.stage.output(x.shape()), label)
            : null;
    Window window = depthwise.stage.window();
    depthwise.z = tape.output(window.output(x.shape(), expansion.mean.size()), label);
    kernels.depthwise(
        x,
        w,
        expansion.norm(),
        expanded,
        depthwise.stage.w().value(),
        window,
        depthwise.z,
        depthwise.mean,
        depthwise.variance);
    update(tape, expansion, x.shape().rows());
    update(tape, depthwise, depthwise.z.shape().rows());
    if (!keep) {
      inputMean.close();
      covariance.close();
    }
  }

  private static void statistics(Tape tape, ChainLink link) {
    Shape shape = link.stage.gamma().shape();
    link.mean = tape.output(shape, "normalized_chain.mean");
    link.variance = tape.output(shape, "normalized_chain.variance");
  }

  private static void update(Tape tape, ChainLink link, int rows) {
    if (tape.mode().updatesStatistics()) {
      link.stage.running().update(tape.backend(), rows, link.mean, link.variance);
    }
  }

  /**
   * Runs the bottleneck backward, and frees what was kept of it.
   *
   * @param g behind the last stage's norm, closed
   * @param gradient of that norm
   * @param dx written; null if not wanted
   */
  void backward(
      Tape tape,
      Tensor g,
      NormGradient gradient,
      List<ChainLink> links,
      Tensor x,
      @Nullable Tensor dx) {
    Expansions kernels = kernels(tape);
    ChainLink middle = links.get(1);
    Tensor z = links.get(2).z;
    Expansions.ConvolutionGradient projection = links.get(2).backward(tape, gradient);
    Expansions.ConvolutionGradient depthwise = middle.backward(tape, middle.newGradient(tape));
    Expansions.ConvolutionGradient expansion =
        links.get(0).backward(tape, links.get(0).newGradient(tape));
    Tensor behind =
        kernels.repeats(z.shape())
            ? null
            : tape.output(middle.z.shape(), "normalized_chain.gradient");
    kernels.reduceProjection(g, z, projection, middle.z, depthwise.gradient(), behind);
    kernels.backward(
        g,
        z,
        projection,
        middle.z,
        behind,
        depthwise,
        middle.stage.window(),
        x,
        inputMean,
        covariance,
        expanded,
        expansion,
        dx);
    close(behind);
    close(expanded);
    g.close();
    z.close();
    middle.z.close();
    inputMean.close();
    covariance.close();
    accumulate(tape, links.get(2), projection);
    accumulate(tape, middle, depthwise);
    accumulate(tape, links.get(0), expansion);
  }

  private static void close(@Nullable Tensor tensor) {
    if (tensor != null) {
      tensor.close();
    }
  }

  private static void accumulate(
      Tape tape, ChainLink link, Expansions.ConvolutionGradient gradients) {
    NormalizedChain.ConvNorm stage = link.stage;
    Tensor dw = gradients.dw();
    if (dw != null) {
      tape.accumulate(stage.w(), dw);
    }
    tape.accumulate(stage.gamma(), gradients.gradient().dgamma());
    tape.accumulate(stage.beta(), gradients.gradient().dbeta());
  }
}
