package dev.sextant.tensor.internal.cpu.bottleneck;

import dev.sextant.tensor.BatchNorm;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.internal.cpu.batchnorm.BatchNormKernels;
import dev.sextant.tensor.internal.cpu.batchnorm.ChannelSums;
import dev.sextant.tensor.internal.cpu.gemm.GemmBlock;
import dev.sextant.tensor.internal.cpu.team.WorkerTeam;
import org.jspecify.annotations.Nullable;

/** The products of pointwise convolutions between batch norms. */
final class PointwiseForward extends PointwisePass {
  private final ChannelSums sums;
  private final Forward forward = new Forward();

  PointwiseForward(WorkerTeam team, Memory memory) {
    super(team, memory);
    sums = new ChannelSums(out, team.threads());
  }

  /** result = conv(norm(input), w), with its mean and variance. */
  void run(
      Tensor input,
      @Nullable BatchNorm norm,
      Tensor w,
      Tensor result,
      Tensor mean,
      Tensor variance) {
    sizes(input, result);
    int planes = in.size() + out.size();
    int size = sums.size(ChannelSums.Kind.MOMENTS);
    try (Tensor work = workspace(planes + size, step * inputs);
        Tensor _ = bindWeights(blocks, w, false)) {
      bindInput(input, norm, work);
      z = result.floats();
      iz = result.offset();
      sampleMean(mean);
      out.at(work.floats(), work.offset() + in.size());
      out.mean(mean.floats(), mean.offset());
      sums.start(ChannelSums.Kind.MOMENTS, work.offset() + planes);
      forward.keeps = true;
      team.run(forward);
      sums.total();
      BatchNormKernels.moments(sums, pixels, mean, variance);
    } finally {
      clear();
    }
  }

  /** The inner product of dy with the batch norm of conv(norm(input), w). */
  double innerProduct(
      Tensor input,
      @Nullable BatchNorm norm,
      Tensor w,
      Tensor dy,
      Tensor gamma,
      Tensor beta,
      float epsilon,
      Tensor shift) {
    sizes(input, dy);
    int planes = in.size() + out.size();
    int size = sums.size(ChannelSums.Kind.PRODUCTS);
    try (Tensor work = workspace(planes + size, step * (inputs + outputs));
        Tensor _ = bindWeights(blocks, w, false)) {
      bindInput(input, norm, work);
      g = dy.floats();
      ig = dy.offset();
      out.at(work.floats(), work.offset() + in.size());
      out.mean(shift.floats(), shift.offset());
      sums.start(ChannelSums.Kind.PRODUCTS, work.offset() + planes);
      forward.keeps = false;
      team.run(forward);
      sums.total();
      return BatchNormKernels.innerProduct(sums, pixels, gamma, beta, epsilon);
    } finally {
      clear();
    }
  }

  /** The mean of z over some pixels spread over the batch: what its moments are taken about. */
  private void sampleMean(Tensor mean) {
    int samples = Math.min(Math.min(BatchNormKernels.SAMPLES, pixels), step);
    GemmBlock block = blocks[0];
    for (int i = 0; i < samples; i++) {
      int pixel = (int) ((long) pixels * i / samples);
      System.arraycopy(x, ix + pixel * inputs, space, ispace + i * inputs, inputs);
    }
    if (normalizes) {
      in.apply(space, ispace, space, ispace, samples * inputs);
    }
    // Into z, whose first rows are written again afterwards.
    block.a(space, ispace, inputs, 1);
    block.c(z, iz, outputs, false);
    block.run(0, samples, 0, block.vectors(), scratch[0]);
    for (int c = 0; c < outputs; c++) {
      double sum = 0;
      for (int i = 0; i < samples; i++) {
        sum += z[iz + i * outputs + c];
      }
      mean.floats()[mean.offset() + c] = (float) (sum / samples);
    }
  }

  /** Points a block at pixels of x, normalised into the worker's space if x has a norm. */
  private void packInput(GemmBlock block, int from, int count, int mine) {
    if (normalizes) {
      in.apply(x, ix + from * inputs, space, mine, count * inputs);
      block.a(space, mine, inputs, 1);
    } else {
      block.a(x, ix + from * inputs, inputs, 1);
    }
  }

  private final class Forward extends Blocks {
    /** Whether z is kept and its moments are taken, or else its products with dy. */
    private boolean keeps;

    @Override
    void run(int worker, int from, int count, int mine) {
      GemmBlock block = blocks[worker];
      packInput(block, from, count, mine);
      int at = from * outputs;
      float[] product = keeps ? z : space;
      int iproduct = keeps ? iz + at : mine + step * inputs;
      block.c(product, iproduct, outputs, false);
      block.run(0, count, 0, block.vectors(), scratch[worker]);
      if (keeps) {
        sums.add(worker, product, iproduct, count * outputs);
      } else {
        sums.add(worker, product, iproduct, g, ig + at, count * outputs);
      }
    }
  }
}
