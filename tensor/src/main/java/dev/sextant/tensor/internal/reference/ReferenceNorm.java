package dev.sextant.tensor.internal.reference;

import static dev.sextant.tensor.internal.reference.Elements.read;
import static dev.sextant.tensor.internal.reference.Elements.write;

import dev.sextant.tensor.BatchNorm;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.NormGradient;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.family.BatchNormRules;
import dev.sextant.tensor.family.BatchNormalization;
import dev.sextant.tensor.family.Elementwise;
import org.jspecify.annotations.Nullable;

/** Batch normalisation; shapes are already checked. */
final class ReferenceNorm implements BatchNormalization {
  private final Memory memory;
  private final Elementwise elementwise;

  /** With scratch from that memory. */
  ReferenceNorm(Memory memory, Elementwise elementwise) {
    this.memory = memory;
    this.elementwise = elementwise;
  }

  @Override
  public void statistics(Tensor z, Tensor mean, Tensor variance) {
    BatchNormRules.statistics(z, mean, variance);
    Moments moments = Moments.of(read(z), mean.size());
    write(moments.mean, mean);
    write(moments.variance, variance);
  }

  @Override
  public void apply(Tensor z, BatchNorm norm, @Nullable Tensor residual, Tensor out) {
    BatchNormRules.apply(z, norm, residual, out);
    double[] zs = read(z);
    double[] residuals = residual == null ? null : read(residual);
    Scale scale = new Scale(norm);
    double[] outs = new double[zs.length];
    for (int i = 0; i < zs.length; i++) {
      int c = i % scale.channels;
      double y = scale.gamma[c] * scale.normalized(zs[i], c) + scale.beta[c];
      outs[i] = norm.activation().apply(y) + (residuals == null ? 0 : residuals[i]);
    }
    write(outs, out);
  }

  /**
   * With ẑ the normalised input, y = γẑ + β and g = dy · activation'(y): dβ = Σg, dγ = Σgẑ and dz =
   * γ / σ · (g − mean(g) − ẑ mean(gẑ)), since mean and variance depend on z (Ioffe and Szegedy,
   * section 3).
   */
  @Override
  public void backward(
      Tensor z, BatchNorm norm, Tensor dy, Tensor dz, Tensor dgamma, Tensor dbeta) {
    BatchNormRules.backward(z, norm, dy, dz, dgamma, dbeta);
    double[] zs = read(z);
    double[] gs = read(dy);
    Scale scale = new Scale(norm);
    double[] dgammas = new double[scale.channels];
    double[] dbetas = new double[scale.channels];
    for (int i = 0; i < zs.length; i++) {
      int c = i % scale.channels;
      double normalized = scale.normalized(zs[i], c);
      gs[i] *= norm.activation().derivative(scale.gamma[c] * normalized + scale.beta[c]);
      dbetas[c] += gs[i];
      dgammas[c] += gs[i] * normalized;
    }
    double rows = z.shape().rows();
    double[] dzs = new double[zs.length];
    for (int i = 0; i < zs.length; i++) {
      int c = i % scale.channels;
      dzs[i] =
          scale.gamma[c]
              * scale.inverseDeviation[c]
              * (gs[i] - (dbetas[c] + scale.normalized(zs[i], c) * dgammas[c]) / rows);
    }
    write(dzs, dz);
    write(dgammas, dgamma);
    write(dbetas, dbeta);
  }

  /** ⟨dy, γẑ + β⟩, with ẑ written out: what the single pass of the others must agree with. */
  @Override
  public double innerProduct(
      Tensor z, Tensor dy, Tensor gamma, Tensor beta, float epsilon, Tensor shift) {
    BatchNormRules.innerProduct(z, dy, gamma, beta, shift);
    double[] zs = read(z);
    double[] dys = read(dy);
    double[] gammas = read(gamma);
    double[] betas = read(beta);
    Moments moments = Moments.of(zs, gammas.length);
    double product = 0;
    for (int i = 0; i < zs.length; i++) {
      int c = i % gammas.length;
      double normalized = (zs[i] - moments.mean[c]) / Math.sqrt(moments.variance[c] + epsilon);
      product += dys[i] * (gammas[c] * normalized + betas[c]);
    }
    return product;
  }

  @Override
  public void reduce(Tensor z, Tensor dy, NormGradient gradient, Tensor g) {
    BatchNormRules.reduce(z, dy, gradient, g);
    BatchNorm norm = gradient.norm();
    try (Tensor scratch = memory.floats(z.shape(), Memory.Category.WORKSPACE, "batch norm")) {
      apply(z, norm.linear(), null, scratch);
      elementwise.activateBackward(scratch, norm.activation(), dy, g);
      backward(z, norm.linear(), g, scratch, gradient.dgamma(), gradient.dbeta());
    }
  }

  /** Means and biased variances by channel, in two passes; zeros where there are no rows. */
  private record Moments(double[] mean, double[] variance) {
    static Moments of(double[] zs, int channels) {
      double[] mean = new double[channels];
      double[] variance = new double[channels];
      double rows = channels == 0 ? 0 : zs.length / channels;
      for (int i = 0; i < zs.length; i++) {
        mean[i % channels] += zs[i] / rows;
      }
      for (int i = 0; i < zs.length; i++) {
        double distance = zs[i] - mean[i % channels];
        variance[i % channels] += distance * distance / rows;
      }
      return new Moments(mean, variance);
    }
  }

  /** The constants of a batch norm, widened. */
  private static final class Scale {
    final int channels;
    final double[] mean;
    final double[] inverseDeviation;
    final double[] gamma;
    final double[] beta;

    Scale(BatchNorm norm) {
      mean = read(norm.mean());
      gamma = read(norm.gamma());
      beta = read(norm.beta());
      channels = mean.length;
      inverseDeviation = read(norm.variance());
      for (int c = 0; c < channels; c++) {
        inverseDeviation[c] = 1 / Math.sqrt(inverseDeviation[c] + norm.epsilon());
      }
    }

    double normalized(double z, int channel) {
      return (z - mean[channel]) * inverseDeviation[channel];
    }
  }
}
