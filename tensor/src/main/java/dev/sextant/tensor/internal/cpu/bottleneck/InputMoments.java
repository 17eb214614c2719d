package dev.sextant.tensor.internal.cpu.bottleneck;

import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.internal.cpu.batchnorm.BatchNormKernels;
import dev.sextant.tensor.internal.cpu.batchnorm.ChannelSums;
import dev.sextant.tensor.internal.cpu.batchnorm.NormPlanes;
import dev.sextant.tensor.internal.cpu.gemm.GemmBlock;
import dev.sextant.tensor.internal.cpu.gemm.GemmKernels;
import dev.sextant.tensor.internal.cpu.team.WorkerTeam;
import dev.sextant.tensor.internal.cpu.vector.CacheLines;
import java.util.Arrays;

/**
 * The mean and the covariance of pixels, and from them the statistics of any product with them.
 *
 * <p>Pixels are taken less an estimate of their mean, a block of some hundred at a time, times
 * themselves; blocks are added in double, and the workers in their order. Only these sums, C² a
 * worker, are kept. Called from one thread at a time.
 */
final class InputMoments {
  /** Floats of a block: 128 KiB. */
  private static final int BLOCK_FLOATS = 1 << 15;

  private static final float[] NONE = {};

  private final WorkerTeam team;
  private final GemmKernels gemm;
  private final GemmBlock[] blocks;
  private final float[][] scratch;
  private final NormPlanes planes = new NormPlanes();
  private final ChannelSums sums;
  private final Task task = new Task();

  /** Sums of products of each worker, {@code [workers, C, C]}. */
  private double[] products = {};

  /** Of the channels of a product: mean and variance. */
  private double[] means = {};

  private double[] variances = {};

  private int pixels;
  private int channels;
  private int step;
  private float[] x = NONE;
  private int ix;
  private float[] space = NONE;
  private int ispace;
  private int perWorker;

  InputMoments(WorkerTeam team, Memory memory) {
    this.team = team;
    gemm = new GemmKernels(team, memory);
    blocks = GemmBlock.forTeam(team.threads());
    scratch = new float[team.threads()][GemmBlock.SCRATCH];
    sums = new ChannelSums(planes, team.threads());
  }

  /** The mean and the covariance of x {@code [.., C]}; zeros of an empty tensor. */
  void covariance(Tensor input, Tensor mean, Tensor covariance) {
    pixels = input.shape().rows();
    channels = input.shape().channels();
    if (pixels == 0) {
      BatchNormKernels.zero(mean);
      BatchNormKernels.zero(covariance);
      return;
    }
    step = Math.min(pixels, Math.max(64, BLOCK_FLOATS / channels));
    int square = channels * channels;
    if (products.length < team.threads() * square) {
      products = new double[team.threads() * square];
    }
    Arrays.fill(products, 0, team.threads() * square, 0);
    planes.view(channels);
    int constants = planes.size();
    int totals = sums.size(ChannelSums.Kind.MOMENTS);
    // Behind the right operand a vector of slack, for it is read in whole vectors.
    perWorker = step * channels + GemmBlock.LANES + channels * stride();
    try (Tensor work =
        gemm.workspace(constants + totals + team.threads() * perWorker, "covariance")) {
      space = work.floats();
      ispace = work.offset() + constants + totals;
      x = input.floats();
      ix = input.offset();
      BatchNormKernels.sampleMean(input, mean);
      planes.at(work.floats(), work.offset());
      planes.difference(mean.floats(), mean.offset());
      sums.start(ChannelSums.Kind.MOMENTS, work.offset() + constants);
      team.run(task);
      sums.total();
      total(mean, covariance);
    } finally {
      for (GemmBlock block : blocks) {
        block.clear();
      }
      planes.clear();
      x = NONE;
      space = NONE;
    }
  }

  /** Elements from one row of a product to the next. */
  private int stride() {
    return (channels + GemmBlock.LANES - 1) / GemmBlock.LANES * GemmBlock.LANES;
  }

  private void total(Tensor mean, Tensor covariance) {
    for (int i = 0; i < channels; i++) {
      double left = sums.sum(0, i) / pixels;
      for (int j = 0; j < channels; j++) {
        double sum = 0;
        for (int worker = 0; worker < team.threads(); worker++) {
          sum += products[(worker * channels + i) * channels + j];
        }
        covariance.floats()[covariance.offset() + i * channels + j] =
            (float) (sum / pixels - left * (sums.sum(0, j) / pixels));
      }
    }
    for (int i = 0; i < channels; i++) {
      mean.floats()[mean.offset() + i] += (float) (sums.sum(0, i) / pixels);
    }
  }

  /** Mean and variance of x w {@code [C, E]} from those of x. */
  void moments(Tensor inputMean, Tensor covariance, Tensor w, Tensor mean, Tensor variance) {
    int inputs = inputMean.size();
    int outputs = mean.size();
    if (means.length < outputs) {
      means = new double[outputs];
      variances = new double[outputs];
    }
    Arrays.fill(means, 0, outputs, 0);
    Arrays.fill(variances, 0, outputs, 0);
    try (Tensor product = times(covariance, w, inputs, outputs)) {
      for (int i = 0; i < inputs; i++) {
        double m = inputMean.floats()[inputMean.offset() + i];
        int row = i * outputs;
        for (int c = 0; c < outputs; c++) {
          double weight = w.floats()[w.offset() + row + c];
          means[c] += weight * m;
          variances[c] += weight * product.floats()[product.offset() + row + c];
        }
      }
    }
    for (int c = 0; c < outputs; c++) {
      mean.floats()[mean.offset() + c] = (float) means[c];
      variance.floats()[variance.offset() + c] = (float) Math.max(0, variances[c]);
    }
  }

  /** covariance w {@code [C, E]}, in workspace that the caller closes. */
  Tensor times(Tensor covariance, Tensor w, int inputs, int outputs) {
    Tensor product = gemm.workspace(Math.multiplyExact(inputs, outputs), "covariance.product");
    gemm.product(
        covariance,
        false,
        w,
        false,
        product,
        inputs,
        outputs,
        inputs,
        false,
        null,
        Activation.IDENTITY,
        null);
    return product;
  }

  private final class Task implements WorkerTeam.Task {
    @Override
    public void run(int worker, int workers) {
      GemmBlock block = blocks[worker];
      int mine = ispace + worker * perWorker;
      int product = mine + step * channels + GemmBlock.LANES;
      int stride = stride();
      int to = GemmKernels.cut(pixels, worker + 1, workers);
      for (int from = GemmKernels.cut(pixels, worker, workers); from < to; from += step) {
        int count = Math.min(step, to - from);
        int at = ix + from * channels;
        scratch[worker][0] = CacheLines.touch(x, at, count * channels);
        planes.apply(x, at, space, mine, count * channels);
        sums.add(worker, x, at, count * channels);
        // Whole vectors: what the padding columns hold is never read.
        block.sizes(channels, stride, count);
        block.a(space, mine, 1, channels);
        block.bRowMajor(space, mine, channels);
        block.c(space, product, stride, false);
        block.run(0, channels, 0, block.vectors(), 0, count, false, scratch[worker]);
        for (int i = 0; i < channels; i++) {
          int row = (worker * channels + i) * channels;
          for (int j = 0; j < channels; j++) {
            products[row + j] += space[product + i * stride + j];
          }
        }
      }
    }
  }
}
