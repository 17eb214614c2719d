package dev.sextant.tensor.internal.cpu;

import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Depthwise convolution on the Vector API: the three methods of {@link dev.sextant.tensor.Backend}
 * of these names, for shapes that the caller has checked.
 *
 * <p>Both the forward pass and the gradient of the input are dense correlations ({@link
 * DepthwisePlan}) of zero-padded tiles ({@link DepthwiseTiles}). Work is split over image rows, so
 * that one image occupies the whole team too. Scratch comes from the memory as workspace and goes
 * back before a method returns.
 *
 * <p>Not thread-safe: called from the thread of the memory.
 */
final class DepthwiseKernels {
  private static final int LANES = DepthwiseTiles.LANES;

  /** Floats between two workers' scratch, so that they share no cache line. */
  private static final int GAP = 32;

  private final WorkerTeam team;
  private final Memory memory;
  private final DepthwiseCorrelation correlation = new DepthwiseCorrelation(new DepthwisePlan());
  private final DepthwiseFilterGradient filter = new DepthwiseFilterGradient(new DepthwisePlan());

  /** Kernels that run on this team and take their scratch from this memory. */
  DepthwiseKernels(WorkerTeam team, Memory memory) {
    this.team = team;
    this.memory = memory;
  }

  /** out = activation(depthwise(x, w) + bias). */
  void depthwise(
      Tensor x, Tensor w, Window window, @Nullable Tensor bias, Activation activation, Tensor out) {
    if (out.size() == 0) {
      return;
    }
    correlation.plan.forward(
        window, x.shape().get(1), x.shape().get(2), out.shape().get(1), out.shape().get(2));
    correlate(x, w, bias, activation, out);
  }

  /** dx = the gradient with respect to the input. */
  void depthwiseBackwardData(Tensor dy, Tensor w, Window window, Tensor dx) {
    if (dx.size() == 0) {
      return;
    }
    correlation.plan.backwardData(
        window, dx.shape().get(1), dx.shape().get(2), dy.shape().get(1), dy.shape().get(2));
    correlate(dy, w, null, Activation.IDENTITY, dx);
  }

  private void correlate(
      Tensor source, Tensor w, @Nullable Tensor bias, Activation activation, Tensor out) {
    DepthwisePlan plan = correlation.plan;
    int channels = out.shape().get(3);
    int tiles = DepthwiseTiles.count(channels);
    int kernel = w.shape().get(0);
    int kernelSize = kernel * kernel * LANES;
    int blockTiles = DepthwiseRing.blockTiles(plan, tiles);
    int workerSize = (blockTiles * plan.ringRows * plan.width + plan.denseColumns) * LANES + GAP;
    int shared = tiles * (kernelSize + LANES) + GAP;
    try (Tensor work =
        memory.floats(
            Shape.of(shared + team.threads() * workerSize), Category.WORKSPACE, "depthwise")) {
      correlation.source = source.floats();
      correlation.sourceOffset = source.offset();
      correlation.sourceHeight = source.shape().get(1);
      correlation.sourceWidth = source.shape().get(2);
      correlation.out = out.floats();
      correlation.outOffset = out.offset();
      correlation.outHeight = out.shape().get(1);
      correlation.outWidth = out.shape().get(2);
      correlation.images = out.shape().get(0);
      correlation.channels = channels;
      correlation.kernel = kernel;
      correlation.activation = activation;
      correlation.work = work.floats();
      correlation.weights = work.offset();
      correlation.biases = work.offset() + tiles * kernelSize;
      correlation.workers = work.offset() + shared;
      correlation.workerSize = workerSize;
      correlation.blockTiles = blockTiles;
      packWeights(w, plan, channels, kernel);
      int biases = correlation.biases;
      Arrays.fill(correlation.work, biases, biases + tiles * LANES, 0f);
      if (bias != null) {
        System.arraycopy(bias.floats(), bias.offset(), correlation.work, biases, channels);
      }
      team.run(correlation);
    }
  }

  /** Packs w into {@code [tile, kernel row, place, lanes]}, the order in which taps are met. */
  private void packWeights(Tensor w, DepthwisePlan plan, int channels, int kernel) {
    int kernelSize = kernel * kernel * LANES;
    for (int row = 0; row < kernel; row++) {
      for (int place = 0; place < kernel; place++) {
        DepthwiseTiles.load(
            w.floats(),
            w.offset() + (row * kernel + plan.packed[place]) * channels,
            1,
            channels,
            channels,
            correlation.work,
            correlation.weights + (row * kernel + place) * LANES,
            kernelSize);
      }
    }
  }

  /** dw = the gradient with respect to the kernel. */
  void depthwiseBackwardFilter(Tensor x, Tensor dy, Window window, Tensor dw) {
    if (dy.size() == 0) {
      Arrays.fill(dw.floats(), dw.offset(), dw.offset() + dw.size(), 0f);
      return;
    }
    DepthwisePlan plan = filter.plan;
    plan.forward(window, x.shape().get(1), x.shape().get(2), dy.shape().get(1), dy.shape().get(2));
    int channels = dy.shape().get(3);
    int tiles = DepthwiseTiles.count(channels);
    int kernel = window.kernel();
    int kernelSize = kernel * kernel * LANES;
    int blockTiles = DepthwiseRing.blockTiles(plan, tiles);
    int workerSize =
        tiles * kernelSize
            + blockTiles * ((plan.ringRows * plan.width + plan.denseColumns) * LANES + kernelSize)
            + GAP;
    try (Tensor work =
        memory.floats(
            Shape.of(team.threads() * workerSize), Category.WORKSPACE, "depthwise filter")) {
      filter.source = x.floats();
      filter.sourceOffset = x.offset();
      filter.sourceHeight = x.shape().get(1);
      filter.sourceWidth = x.shape().get(2);
      filter.gradient = dy.floats();
      filter.gradientOffset = dy.offset();
      filter.outHeight = dy.shape().get(1);
      filter.outWidth = dy.shape().get(2);
      filter.images = dy.shape().get(0);
      filter.channels = channels;
      filter.kernel = kernel;
      filter.work = work.floats();
      filter.workers = work.offset();
      filter.workerSize = workerSize;
      filter.blockTiles = blockTiles;
      team.run(filter);
      sumWorkers(dw, channels, kernelSize);
    }
  }

  /** Adds the workers' totals in the order of the workers, so that the result is deterministic. */
  private void sumWorkers(Tensor dw, int channels, int kernelSize) {
    float[] work = filter.work;
    int first = filter.workers;
    int tiles = DepthwiseTiles.count(channels);
    for (int worker = 1; worker < team.threads(); worker++) {
      int from = first + worker * filter.workerSize;
      for (int i = 0; i < tiles * kernelSize; i++) {
        work[first + i] += work[from + i];
      }
    }
    for (int tile = 0; tile < tiles; tile++) {
      DepthwiseTiles.store(
          work,
          first + tile * kernelSize,
          kernelSize / LANES,
          channels - tile * LANES,
          dw.floats(),
          dw.offset() + tile * LANES,
          channels,
          Float.NEGATIVE_INFINITY,
          Float.POSITIVE_INFINITY);
    }
  }
}
