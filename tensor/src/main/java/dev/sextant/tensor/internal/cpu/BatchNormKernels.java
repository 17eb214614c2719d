package dev.sextant.tensor.internal.cpu;

import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend.BatchNorm;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Batch normalisation (Ioffe and Szegedy, 2015) on the Vector API: the four methods of {@link
 * dev.sextant.tensor.Backend} of these names, for shapes that the caller has checked.
 *
 * <p>Scratch comes from the memory as workspace and goes back before a method returns; only the
 * double sums, a few per channel and worker, are kept.
 *
 * <p>Not thread-safe: called from the thread of the memory.
 */
final class BatchNormKernels {
  /** Rows whose mean is the shift of the statistics. */
  private static final int SAMPLES = 16;

  private final WorkerTeam team;
  private final Memory memory;
  private final ChannelRows rows = new ChannelRows();
  private final ChannelSums sums = new ChannelSums(rows);
  private final Apply apply = new Apply(rows);
  private final Gradient gradient = new Gradient(rows);

  /** Kernels that run on this team and take their scratch from this memory. */
  BatchNormKernels(WorkerTeam team, Memory memory) {
    this.team = team;
    this.memory = memory;
  }

  /**
   * mean[c] and variance[c] (biased) of z[.., c]; zeros for an empty tensor.
   *
   * <p>One pass over z - shift, where shift is the mean of some rows spread over the tensor: within
   * a fraction of a standard deviation of the mean, whatever the rows are ordered by, so that
   * nothing cancels.
   */
  void batchNormStatistics(Tensor z, Tensor mean, Tensor variance) {
    if (z.size() == 0) {
      zero(mean);
      zero(variance);
      return;
    }
    int count = view(z);
    try (Tensor _ = workspace(ChannelSums.Kind.MOMENTS)) {
      sampleMean(z, count);
      bindSums(ChannelSums.Kind.MOMENTS, z, z, Activation.IDENTITY);
      sums.total(team);
      for (int c = 0; c < rows.channels; c++) {
        double difference = sums.sum(0, c) / count;
        double square = sums.sum(1, c) / count - difference * difference;
        double shift = sums.work[sums.constants + c];
        mean.floats()[mean.offset() + c] = (float) (shift + difference);
        variance.floats()[variance.offset() + c] = (float) Math.max(0, square);
      }
    }
  }

  /** out = activation(gamma (z - mean) / sqrt(variance + epsilon) + beta) + residual. */
  void batchNormApply(Tensor z, BatchNorm norm, @Nullable Tensor residual, Tensor out) {
    if (z.size() == 0) {
      return;
    }
    view(z);
    try (Tensor _ = workspace(ChannelSums.Kind.MOMENTS)) {
      constants(norm);
      apply.z = z.floats();
      apply.zOffset = z.offset();
      apply.hasResidual = residual != null;
      apply.residual = residual == null ? z.floats() : residual.floats();
      apply.residualOffset = residual == null ? z.offset() : residual.offset();
      apply.out = out.floats();
      apply.outOffset = out.offset();
      apply.work = sums.work;
      apply.constants = sums.constants;
      apply.workers = sums.workers;
      apply.workerSize = ChannelSums.workerSize(ChannelSums.Kind.MOMENTS, rows);
      apply.activation = norm.activation();
      team.run(apply);
    }
  }

  /** dz, dgamma and dbeta in training, the activation's derivative included; dz may be dy. */
  void batchNormBackward(
      Tensor z, BatchNorm norm, Tensor dy, Tensor dz, Tensor dgamma, Tensor dbeta) {
    if (z.size() == 0) {
      zero(dgamma);
      zero(dbeta);
      return;
    }
    int count = view(z);
    try (Tensor _ = workspace(ChannelSums.Kind.GRADIENTS)) {
      constants(norm);
      bindSums(ChannelSums.Kind.GRADIENTS, z, dy, norm.activation());
      sums.total(team);
      gradientConstants(norm, count, dgamma, dbeta);
      gradient.z = z.floats();
      gradient.zOffset = z.offset();
      gradient.dy = dy.floats();
      gradient.dyOffset = dy.offset();
      gradient.dz = dz.floats();
      gradient.dzOffset = dz.offset();
      gradient.work = sums.work;
      gradient.constants = sums.constants;
      gradient.workers = sums.workers;
      gradient.workerSize = ChannelSums.workerSize(ChannelSums.Kind.GRADIENTS, rows);
      gradient.activation = norm.activation();
      team.run(gradient);
    }
  }

  /** The inner product of dy with the batch norm of z in training, from sums of a single pass. */
  double batchNormInnerProduct(
      Tensor z, Tensor dy, Tensor gamma, Tensor beta, float epsilon, Tensor shift) {
    if (z.size() == 0) {
      return 0;
    }
    int count = view(z);
    try (Tensor _ = workspace(ChannelSums.Kind.PRODUCTS)) {
      plane(BatchNormRows.MEAN, shift.floats(), shift.offset());
      bindSums(ChannelSums.Kind.PRODUCTS, z, dy, Activation.IDENTITY);
      sums.total(team);
      double result = 0;
      for (int c = 0; c < rows.channels; c++) {
        double mean = sums.sum(0, c) / count;
        double variance = Math.max(0, sums.sum(1, c) / count - mean * mean);
        double centred = sums.sum(3, c) - mean * sums.sum(2, c);
        result +=
            gamma.floats()[gamma.offset() + c] * centred / Math.sqrt(variance + epsilon)
                + beta.floats()[beta.offset() + c] * sums.sum(2, c);
      }
      return result;
    }
  }

  /** Views z as rows and returns its number of elements per channel. */
  private int view(Tensor z) {
    int channels = z.shape().channels();
    rows.view(z.size(), channels);
    return z.size() / channels;
  }

  private Tensor workspace(ChannelSums.Kind kind) {
    int constants = BatchNormRows.PLANES * rows.stride;
    int size = constants + team.threads() * ChannelSums.workerSize(kind, rows);
    Tensor work = memory.floats(Shape.of(size), Category.WORKSPACE, "batch norm");
    sums.work = work.floats();
    sums.constants = work.offset();
    sums.workers = work.offset() + constants;
    return work;
  }

  private void bindSums(ChannelSums.Kind kind, Tensor z, Tensor dy, Activation activation) {
    sums.kind = kind;
    sums.z = z.floats();
    sums.zOffset = z.offset();
    sums.dy = dy.floats();
    sums.dyOffset = dy.offset();
    sums.activation = activation;
  }

  /** Writes a per-channel vector into a plane of the constants. */
  private void plane(int plane, float[] values, int from) {
    System.arraycopy(values, from, sums.work, sums.constants + plane * rows.stride, rows.channels);
    repeat(plane);
  }

  /** Repeats the first channels of a plane to its width. */
  private void repeat(int plane) {
    int at = sums.constants + plane * rows.stride;
    for (int base = rows.channels; base < rows.width; base += rows.channels) {
      System.arraycopy(sums.work, at, sums.work, at + base, rows.channels);
    }
    Arrays.fill(sums.work, at + rows.width, at + rows.stride, 0f);
  }

  private void constants(BatchNorm norm) {
    plane(BatchNormRows.MEAN, norm.mean().floats(), norm.mean().offset());
    plane(BatchNormRows.BETA, norm.beta().floats(), norm.beta().offset());
    int scale = sums.constants + BatchNormRows.SCALE * rows.stride;
    for (int c = 0; c < rows.channels; c++) {
      sums.work[scale + c] =
          (float) (norm.gamma().floats()[norm.gamma().offset() + c] * inverse(norm, c));
    }
    repeat(BatchNormRows.SCALE);
  }

  private static double inverse(BatchNorm norm, int c) {
    double variance = norm.variance().floats()[norm.variance().offset() + c];
    return 1 / Math.sqrt(variance + norm.epsilon());
  }

  /** dz = scale (g - mean of g - xhat mean of g xhat), with xhat = (z - mean) / deviation. */
  private void gradientConstants(BatchNorm norm, int count, Tensor dgamma, Tensor dbeta) {
    int slope = sums.constants + BatchNormRows.SLOPE * rows.stride;
    int offset = sums.constants + BatchNormRows.OFFSET * rows.stride;
    for (int c = 0; c < rows.channels; c++) {
      double inverse = inverse(norm, c);
      double scale = norm.gamma().floats()[norm.gamma().offset() + c] * inverse;
      double gamma = sums.sum(1, c) * inverse;
      sums.work[slope + c] = (float) (scale * inverse * gamma / count);
      sums.work[offset + c] = (float) (scale * sums.sum(0, c) / count);
      dgamma.floats()[dgamma.offset() + c] = (float) gamma;
      dbeta.floats()[dbeta.offset() + c] = (float) sums.sum(0, c);
    }
    repeat(BatchNormRows.SLOPE);
    repeat(BatchNormRows.OFFSET);
  }

  private void sampleMean(Tensor z, int count) {
    float[] values = z.floats();
    int samples = Math.min(SAMPLES, count);
    for (int c = 0; c < rows.channels; c++) {
      double sum = 0;
      for (int i = 0; i < samples; i++) {
        int row = (int) ((long) count * i / samples);
        sum += values[z.offset() + row * rows.channels + c];
      }
      sums.work[sums.constants + c] = (float) (sum / samples);
    }
    repeat(BatchNormRows.MEAN);
  }

  private static void zero(Tensor tensor) {
    Arrays.fill(tensor.floats(), tensor.offset(), tensor.offset() + tensor.size(), 0f);
  }

  private static final class Apply implements WorkerTeam.Task {
    private final ChannelRows rows;
    private float[] z = {};
    private int zOffset;
    private float[] residual = {};
    private int residualOffset;
    private boolean hasResidual;
    private float[] out = {};
    private int outOffset;
    private float[] work = {};
    private int constants;
    private int workers;
    private int workerSize;
    private Activation activation = Activation.IDENTITY;

    private Apply(ChannelRows rows) {
      this.rows = rows;
    }

    @Override
    public void run(int worker, int team) {
      int to = rows.share(worker + 1, team);
      for (int row = rows.share(worker, team); row < to; row++) {
        int at = row * rows.width;
        int width = rows.widthOf(row);
        if (VectorActivation.isClamp(activation)) {
          clamped(at, width);
        } else {
          throughScratch(at, width, workers + worker * workerSize);
        }
      }
    }

    private void clamped(int at, int width) {
      float low = VectorActivation.low(activation);
      float high = VectorActivation.high(activation);
      if (hasResidual) {
        BatchNormRows.applyResidual(
            z,
            zOffset + at,
            residual,
            residualOffset + at,
            out,
            outOffset + at,
            width,
            work,
            constants,
            rows.stride,
            low,
            high);
      } else {
        BatchNormRows.apply(
            z, zOffset + at, out, outOffset + at, width, work, constants, rows.stride, low, high);
      }
    }

    private void throughScratch(int at, int width, int scratch) {
      BatchNormRows.apply(
          z,
          zOffset + at,
          work,
          scratch,
          width,
          work,
          constants,
          rows.stride,
          Float.NEGATIVE_INFINITY,
          Float.POSITIVE_INFINITY);
      VectorActivation.apply(work, scratch, rows.stride, activation);
      if (hasResidual) {
        BatchNormRows.add(work, scratch, residual, residualOffset + at, out, outOffset + at, width);
      } else {
        System.arraycopy(work, scratch, out, outOffset + at, width);
      }
    }
  }

  private static final class Gradient implements WorkerTeam.Task {
    private final ChannelRows rows;
    private float[] z = {};
    private int zOffset;
    private float[] dy = {};
    private int dyOffset;
    private float[] dz = {};
    private int dzOffset;
    private float[] work = {};
    private int constants;
    private int workers;
    private int workerSize;
    private Activation activation = Activation.IDENTITY;

    private Gradient(ChannelRows rows) {
      this.rows = rows;
    }

    @Override
    public void run(int worker, int team) {
      int to = rows.share(worker + 1, team);
      for (int row = rows.share(worker, team); row < to; row++) {
        int at = row * rows.width;
        int width = rows.widthOf(row);
        if (VectorActivation.isClamp(activation)) {
          BatchNormRows.gradient(
              z,
              zOffset + at,
              dy,
              dyOffset + at,
              dz,
              dzOffset + at,
              width,
              work,
              constants,
              rows.stride,
              VectorActivation.low(activation),
              VectorActivation.high(activation));
        } else {
          int scratch = workers + worker * workerSize;
          ChannelSums.gradientRow(
              z,
              zOffset + at,
              dy,
              dyOffset + at,
              width,
              work,
              constants,
              rows.stride,
              scratch,
              activation);
          BatchNormRows.gradient(
              z,
              zOffset + at,
              work,
              scratch,
              dz,
              dzOffset + at,
              width,
              work,
              constants,
              rows.stride,
              Float.NEGATIVE_INFINITY,
              Float.POSITIVE_INFINITY);
        }
      }
    }
  }
}
