package dev.sextant.tensor.internal.cpu.bottleneck;

import dev.sextant.tensor.BatchNorm;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.NormGradient;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import dev.sextant.tensor.family.ExpansionRules;
import dev.sextant.tensor.family.Expansions;
import dev.sextant.tensor.internal.cpu.team.WorkerTeam;
import org.jspecify.annotations.Nullable;

/** {@link Expansions} on the Vector API. */
final class CpuExpansions implements Expansions {
  /** Fewest pixels of an image: products of fewer rows wait for the weights. */
  private static final int LEAST_PIXELS = 64;

  /** Most pixels, of which a worker's slabs take 4 MiB. */
  private static final int MOST_PIXELS = 1 << 14;

  /**
   * Most channels of x whose product is made again: that takes as many multiplications an element,
   * against three accesses to memory. Measured in a weight step of proxyless-cifar, bounds of 0, 32
   * and 64 are equally fast while the machine is quiet, 200 takes 5 % longer; so the largest that
   * costs nothing, for it holds least.
   */
  private static final int MOST_INPUTS = 64;

  private final WorkerTeam team;
  private final InputMoments inputMoments;
  private final ExpandedForward forward;
  private final ExpandedBackward backward;
  private final PointwiseBackward pointwise;

  CpuExpansions(WorkerTeam team, Memory memory, PointwiseBackward pointwise) {
    this.team = team;
    this.pointwise = pointwise;
    inputMoments = new InputMoments(team, memory);
    forward = new ExpandedForward(team, memory);
    backward = new ExpandedBackward(team, memory, inputMoments);
  }

  /**
   * Images are what the workers share, so there must be enough for shares alike. Those may be
   * large: slabs that outgrow the second-level cache are still written and read far fewer times
   * (measured: a step of 8x112x112x16, expansion 6, takes 24 ms where convolution by convolution
   * takes 31).
   */
  @Override
  public boolean pays(Shape x) {
    ExpansionRules.pays(x);
    int images = x.get(0);
    long pixels = (long) x.get(1) * x.get(2);
    int threads = team.threads();
    int largest = (images + threads - 1) / threads;
    return images > 0
        && pixels >= LEAST_PIXELS
        && pixels <= MOST_PIXELS
        && 8 * largest * threads <= 9 * images;
  }

  @Override
  public boolean repeats(Shape x) {
    ExpansionRules.repeats(x);
    return x.channels() <= MOST_INPUTS;
  }

  @Override
  public void covariance(Tensor x, Tensor mean, Tensor covariance) {
    ExpansionRules.covariance(x, mean, covariance);
    inputMoments.covariance(x, mean, covariance);
  }

  @Override
  public void moments(Tensor inputMean, Tensor covariance, Tensor w, Tensor mean, Tensor variance) {
    ExpansionRules.moments(inputMean, covariance, w, mean, variance);
    inputMoments.moments(inputMean, covariance, w, mean, variance);
  }

  @Override
  public void depthwise(
      Tensor x,
      Tensor w,
      BatchNorm norm,
      @Nullable Tensor expanded,
      Tensor kernel,
      Window window,
      Tensor z,
      Tensor mean,
      Tensor variance) {
    ExpansionRules.depthwise(x, w, norm, expanded, kernel, window, z, mean, variance);
    forward.run(x, w, norm, expanded, kernel, window, z, mean, variance);
  }

  @Override
  public void reduceProjection(
      Tensor g,
      Tensor z,
      ConvolutionGradient projection,
      Tensor middle,
      NormGradient into,
      @Nullable Tensor behind) {
    ExpansionRules.reduceProjection(g, z, projection, middle, into, behind);
    pointwise.reduce(
        g, z, projection.gradient(), projection.w(), middle, into, projection.dw(), behind);
  }

  @Override
  public void backward(
      Tensor g,
      Tensor z,
      ConvolutionGradient projection,
      Tensor middle,
      @Nullable Tensor behind,
      ConvolutionGradient kernel,
      Window window,
      Tensor x,
      Tensor inputMean,
      Tensor covariance,
      @Nullable Tensor expanded,
      ConvolutionGradient expansion,
      @Nullable Tensor dx) {
    ExpansionRules.backward(
        g,
        z,
        projection,
        middle,
        behind,
        kernel,
        window,
        x,
        inputMean,
        covariance,
        expanded,
        expansion,
        dx);
    backward.run(
        g,
        z,
        projection,
        middle,
        behind,
        kernel,
        window,
        x,
        inputMean,
        covariance,
        expanded,
        expansion,
        dx);
  }
}
