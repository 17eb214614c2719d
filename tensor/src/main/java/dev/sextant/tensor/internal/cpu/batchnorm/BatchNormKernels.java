package dev.sextant.tensor.internal.cpu.batchnorm;

import dev.sextant.tensor.BatchNorm;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.NormGradient;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.family.BatchNormRules;
import dev.sextant.tensor.family.BatchNormalization;
import dev.sextant.tensor.internal.cpu.team.Shares;
import dev.sextant.tensor.internal.cpu.team.WorkerTeam;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Batch normalisation (Ioffe and Szegedy, 2015) on the Vector API: the methods of {@link
 * dev.sextant.tensor.Backend} of these names, for shapes that the caller has checked.
 *
 * <p>Scratch comes from the memory as workspace and goes back before a method returns; only the
 * double sums, a few per channel and worker, are kept.
 *
 * <p>Not thread-safe: called from the thread of the memory.
 */
public final class BatchNormKernels implements BatchNormalization {
  /** Rows whose mean is the shift of the statistics. */
  public static final int SAMPLES = 16;

  /** Elements whose gradients are found and summed while the first-level cache holds them. */
  private static final int BLOCK = 2048;

  private final WorkerTeam team;
  private final Memory memory;
  private final NormPlanes planes = new NormPlanes();
  private final ChannelSums sums;
  private final Statistics statistics = new Statistics();
  private final Apply apply = new Apply();
  private final Reduce reduce = new Reduce();
  private final Gradient gradient = new Gradient();

  /** Kernels that run on this team and take their scratch from this memory. */
  public BatchNormKernels(WorkerTeam team, Memory memory) {
    this.team = team;
    this.memory = memory;
    sums = new ChannelSums(planes, team.threads());
  }

  /**
   * mean[c] and variance[c] (biased) of z[.., c]; zeros for an empty tensor.
   *
   * <p>One pass over z - shift, where shift is the mean of some rows spread over the tensor: within
   * a fraction of a standard deviation of the mean, whatever the rows are ordered by, so that
   * nothing cancels.
   */
  @Override
  public void statistics(Tensor z, Tensor mean, Tensor variance) {
    BatchNormRules.statistics(z, mean, variance);
    if (z.size() == 0) {
      zero(mean);
      zero(variance);
      return;
    }
    try (Tensor work = workspace(z, ChannelSums.Kind.MOMENTS)) {
      sampleMean(z, mean);
      planes.mean(mean.floats(), mean.offset());
      startSums(ChannelSums.Kind.MOMENTS, work);
      statistics.bind(z, z);
      team.run(statistics);
      sums.total();
      moments(sums, z.shape().rows(), mean, variance);
    } finally {
      clear();
    }
  }

  /** Turns sums about a shift, which {@code mean} holds, into mean and variance. */
  public static void moments(ChannelSums sums, int count, Tensor mean, Tensor variance) {
    for (int c = 0; c < mean.size(); c++) {
      double difference = sums.sum(0, c) / count;
      double square = sums.sum(1, c) / count - difference * difference;
      int at = mean.offset() + c;
      mean.floats()[at] = (float) (mean.floats()[at] + difference);
      variance.floats()[variance.offset() + c] = (float) Math.max(0, square);
    }
  }

  /** out = activation(gamma (z - mean) / sqrt(variance + epsilon) + beta) + residual. */
  @Override
  public void apply(Tensor z, BatchNorm norm, @Nullable Tensor residual, Tensor out) {
    BatchNormRules.apply(z, norm, residual, out);
    if (z.size() == 0) {
      return;
    }
    try (Tensor _ = workspace(z, ChannelSums.Kind.MOMENTS)) {
      planes.set(norm);
      apply.bind(z, residual == null ? z : residual);
      apply.hasResidual = residual != null;
      apply.out = out.floats();
      apply.iout = out.offset();
      team.run(apply);
    } finally {
      clear();
    }
  }

  /** dz, dgamma and dbeta in training, the activation's derivative included; dz may be dy. */
  @Override
  public void backward(
      Tensor z, BatchNorm norm, Tensor dy, Tensor dz, Tensor dgamma, Tensor dbeta) {
    BatchNormRules.backward(z, norm, dy, dz, dgamma, dbeta);
    reduce(z, norm, dy, dz, dgamma, dbeta);
    if (z.size() == 0) {
      return;
    }
    try (Tensor _ = workspace(z, ChannelSums.Kind.GRADIENTS)) {
      planes.set(norm, dgamma, dbeta, z.shape().rows());
      gradient.bind(z, dz);
      team.run(gradient);
    } finally {
      clear();
    }
  }

  @Override
  public void reduce(Tensor z, Tensor dy, NormGradient gradient, Tensor g) {
    BatchNormRules.reduce(z, dy, gradient, g);
    reduce(z, gradient.norm(), dy, g, gradient.dgamma(), gradient.dbeta());
  }

  /** g = dy activation'(norm(z)), with dgamma and dbeta in the same pass; g may be dy. */
  private void reduce(Tensor z, BatchNorm norm, Tensor dy, Tensor g, Tensor dgamma, Tensor dbeta) {
    if (z.size() == 0) {
      zero(dgamma);
      zero(dbeta);
      return;
    }
    try (Tensor work = workspace(z, ChannelSums.Kind.GRADIENTS)) {
      planes.set(norm);
      startSums(ChannelSums.Kind.GRADIENTS, work);
      reduce.bind(z, dy);
      reduce.g = g.floats();
      reduce.ig = g.offset();
      team.run(reduce);
      sums.total();
      gradients(sums, norm, dgamma, dbeta);
    } finally {
      clear();
    }
  }

  /** Turns the sums of g and g (z - mean) into dbeta and dgamma. */
  public static void gradients(ChannelSums sums, BatchNorm norm, Tensor dgamma, Tensor dbeta) {
    for (int c = 0; c < dgamma.size(); c++) {
      dgamma.floats()[dgamma.offset() + c] = (float) (sums.sum(1, c) * NormPlanes.inverse(norm, c));
      dbeta.floats()[dbeta.offset() + c] = (float) sums.sum(0, c);
    }
  }

  /** The inner product of dy with the batch norm of z in training, from sums of a single pass. */
  @Override
  public double innerProduct(
      Tensor z, Tensor dy, Tensor gamma, Tensor beta, float epsilon, Tensor shift) {
    BatchNormRules.innerProduct(z, dy, gamma, beta, shift);
    if (z.size() == 0) {
      return 0;
    }
    try (Tensor work = workspace(z, ChannelSums.Kind.PRODUCTS)) {
      planes.mean(shift.floats(), shift.offset());
      startSums(ChannelSums.Kind.PRODUCTS, work);
      statistics.bind(z, dy);
      team.run(statistics);
      sums.total();
      return innerProduct(sums, z.shape().rows(), gamma, beta, epsilon);
    } finally {
      clear();
    }
  }

  /** The inner product of dy with the batch norm of z from their sums. */
  public static double innerProduct(
      ChannelSums sums, int count, Tensor gamma, Tensor beta, float epsilon) {
    double result = 0;
    for (int c = 0; c < gamma.size(); c++) {
      double mean = sums.sum(0, c) / count;
      double variance = Math.max(0, sums.sum(1, c) / count - mean * mean);
      double centred = sums.sum(3, c) - mean * sums.sum(2, c);
      result +=
          gamma.floats()[gamma.offset() + c] * centred / Math.sqrt(variance + epsilon)
              + beta.floats()[beta.offset() + c] * sums.sum(2, c);
    }
    return result;
  }

  /** Planes of constants, the sums of a kind, and a row of scratch for each worker. */
  private Tensor workspace(Tensor z, ChannelSums.Kind kind) {
    planes.view(z.shape().channels());
    int size = planes.size() + sums.size(kind) + team.threads() * planes.rows.stride;
    Tensor work = memory.floats(Shape.of(size), Category.WORKSPACE, "batch norm");
    planes.at(work.floats(), work.offset());
    return work;
  }

  private void startSums(ChannelSums.Kind kind, Tensor work) {
    sums.start(kind, work.offset() + planes.size() + team.threads() * planes.rows.stride);
  }

  private void clear() {
    planes.clear();
    statistics.clear();
    apply.clear();
    reduce.clear();
    gradient.clear();
  }

  /** Writes the mean of some rows, spread over the tensor. */
  public static void sampleMean(Tensor z, Tensor mean) {
    float[] values = z.floats();
    int channels = mean.size();
    int count = z.shape().rows();
    int samples = Math.min(SAMPLES, count);
    for (int c = 0; c < channels; c++) {
      double sum = 0;
      for (int i = 0; i < samples; i++) {
        int row = (int) ((long) count * i / samples);
        sum += values[z.offset() + row * channels + c];
      }
      mean.floats()[mean.offset() + c] = (float) (sum / samples);
    }
  }

  public static void zero(Tensor tensor) {
    Arrays.fill(tensor.floats(), tensor.offset(), tensor.offset() + tensor.size(), 0f);
  }

  /** A pass over z and a tensor of its shape, divided among the workers at whole rows. */
  private abstract class Pass implements WorkerTeam.Task {
    private static final float[] NONE = {};
    float[] z = NONE;
    int iz;
    float[] other = NONE;
    int iother;
    private int size;

    void bind(Tensor tensor, Tensor second) {
      z = tensor.floats();
      iz = tensor.offset();
      other = second.floats();
      iother = second.offset();
      size = tensor.size();
    }

    void clear() {
      z = NONE;
      other = NONE;
    }

    @Override
    public final void run(int worker, int workers) {
      int from = Shares.begin(size, planes.rows.width, worker, workers);
      int to = Shares.begin(size, planes.rows.width, worker + 1, workers);
      run(worker, from, to - from);
    }

    /** Does that many elements from one on. */
    abstract void run(int worker, int from, int elements);

    int scratch(int worker) {
      return planes.constants + planes.size() + worker * planes.rows.stride;
    }
  }

  private final class Statistics extends Pass {
    @Override
    void run(int worker, int from, int elements) {
      sums.add(worker, z, iz + from, other, iother + from, elements);
    }
  }

  private final class Apply extends Pass {
    private float[] out = {};
    private int iout;
    private boolean hasResidual;

    @Override
    void run(int worker, int from, int elements) {
      if (hasResidual) {
        planes.applyResidual(
            z, iz + from, other, iother + from, out, iout + from, elements, scratch(worker));
      } else {
        planes.apply(z, iz + from, out, iout + from, elements);
      }
    }
  }

  private final class Reduce extends Pass {
    private float[] g = {};
    private int ig;

    @Override
    void run(int worker, int from, int elements) {
      int step = Math.max(1, BLOCK / planes.rows.width) * planes.rows.width;
      int end = from + elements;
      for (int i = from; i < end; i += step) {
        int count = Math.min(step, end - i);
        planes.mask(z, iz + i, other, iother + i, g, ig + i, count, scratch(worker));
        sums.add(worker, z, iz + i, g, ig + i, count);
      }
    }
  }

  private final class Gradient extends Pass {
    @Override
    void run(int worker, int from, int elements) {
      planes.gradient(z, iz + from, other, iother + from, other, iother + from, elements);
    }
  }
}
