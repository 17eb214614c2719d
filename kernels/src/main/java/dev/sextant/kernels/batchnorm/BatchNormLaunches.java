package dev.sextant.kernels.batchnorm;

import dev.sextant.kernels.channels.ChannelBlocks;
import dev.sextant.kernels.channels.ChannelMap.Formula;
import dev.sextant.kernels.channels.ChannelPasses;
import dev.sextant.kernels.channels.ChannelReduction;
import dev.sextant.kernels.channels.ChannelReduction.Pass;
import dev.sextant.kernels.channels.ChannelReduction.Quantity;
import dev.sextant.kernels.device.Kernels;
import dev.sextant.kernels.driver.Launch;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.BatchNorm;
import dev.sextant.tensor.NormGradient;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.family.BatchNormRules;
import dev.sextant.tensor.family.BatchNormalization;
import org.jspecify.annotations.Nullable;

/** {@link BatchNormalization} on a device. */
public final class BatchNormLaunches implements BatchNormalization {
  private final Kernels kernels;
  private final ChannelPasses passes;

  /** Kernels that are loaded there. */
  public BatchNormLaunches(Kernels kernels, ChannelPasses passes) {
    this.kernels = kernels;
    this.passes = passes;
  }

  @Override
  public void statistics(Tensor z, Tensor mean, Tensor variance) {
    BatchNormRules.statistics(z, mean, variance);
    passes.reduce(
        Quantity.STATISTICS,
        Activation.IDENTITY,
        z.shape(),
        1,
        Kernels.width(z.shape().channels(), z, mean, variance),
        launch -> Kernels.argument(launch, z),
        launch -> Kernels.arguments(launch, mean, variance));
  }

  @Override
  public void apply(Tensor z, BatchNorm norm, @Nullable Tensor residual, Tensor out) {
    BatchNormRules.apply(z, norm, residual, out);
    passes.map(
        Formula.BATCH_NORM,
        norm.activation(),
        1,
        new Tensor[] {z},
        vectors(norm),
        launch -> launch.number(norm.epsilon()),
        residual,
        out);
  }

  @Override
  public void backward(
      Tensor z, BatchNorm norm, Tensor dy, Tensor dz, Tensor dgamma, Tensor dbeta) {
    BatchNormRules.backward(z, norm, dy, dz, dgamma, dbeta);
    passes.reduce(
        Quantity.BATCH_NORM_BACKWARD,
        norm.activation(),
        z.shape(),
        1,
        width(z, norm, dy, dgamma, dbeta),
        launch -> {
          Kernels.arguments(launch, z, dy);
          Kernels.arguments(launch, vectors(norm)).number(norm.epsilon());
        },
        launch -> Kernels.arguments(launch, dgamma, dbeta));
    inputGradient(z, norm, dy, dgamma, dbeta, dz);
  }

  /** Needs no estimate of the means: threads shift by values of z itself. */
  @Override
  public double innerProduct(
      Tensor z, Tensor dy, Tensor gamma, Tensor beta, float epsilon, Tensor shift) {
    BatchNormRules.innerProduct(z, dy, gamma, beta, shift);
    int channels = z.shape().channels();
    if (z.size() == 0) {
      return 0;
    }
    try (Tensor out = kernels.workspace(channels, "inner products")) {
      passes.reduce(
          Quantity.INNER_PRODUCT,
          Activation.IDENTITY,
          z.shape(),
          1,
          Kernels.width(channels, z, dy, gamma, beta),
          launch -> Kernels.arguments(launch, z, dy),
          launch -> Kernels.argument(Kernels.arguments(launch, gamma, beta).number(epsilon), out));
      return kernels.hostSum(out);
    }
  }

  @Override
  public void reduce(Tensor z, Tensor dy, NormGradient gradient, Tensor g) {
    BatchNormRules.reduce(z, dy, gradient, g);
    BatchNorm norm = gradient.norm();
    passes.reduce(
        Quantity.BATCH_NORM_REDUCE,
        norm.activation(),
        z.shape(),
        1,
        width(z, norm, dy, g, gradient.dgamma(), gradient.dbeta()),
        launch -> {
          Kernels.arguments(launch, z, dy, g);
          Kernels.arguments(launch, vectors(norm)).number(norm.epsilon());
        },
        launch -> Kernels.arguments(launch, gradient.dgamma(), gradient.dbeta()));
  }

  /** The gradient of a norm's input, from its sums; dz may be dy. */
  public void inputGradient(
      Tensor z, BatchNorm norm, Tensor dy, Tensor dgamma, Tensor dbeta, Tensor dz) {
    float share = 1f / z.shape().rows();
    passes.map(
        Formula.BATCH_NORM_BACKWARD,
        norm.activation(),
        1,
        new Tensor[] {z, dy},
        vectors(norm),
        launch -> Kernels.arguments(launch.number(norm.epsilon()), dgamma, dbeta).number(share),
        null,
        dz,
        dgamma,
        dbeta);
  }

  /** Mean and variance from the moments of parts, {@code [parts, 3, C]}. */
  public void combineStatistics(Tensor partial, int parts, Tensor mean, Tensor variance) {
    int count = mean.size();
    int width = Kernels.width(count, partial, mean, variance);
    Launch launch =
        kernels.of(
            new ChannelReduction(Quantity.STATISTICS, Pass.COMBINE, Activation.IDENTITY, width));
    Kernels.arguments(launch, partial, mean, variance);
    ChannelPasses.run(launch, ChannelBlocks.of(count, width, parts), parts, parts, count, 1, 1);
  }

  private static int width(Tensor z, BatchNorm norm, Tensor... others) {
    boolean wide =
        Kernels.width(z.shape().channels(), z) > 1
            && Kernels.aligned(Kernels.VECTOR, others)
            && Kernels.aligned(Kernels.VECTOR, vectors(norm));
    return wide ? Kernels.VECTOR : 1;
  }

  private static Tensor[] vectors(BatchNorm norm) {
    return new Tensor[] {norm.mean(), norm.variance(), norm.gamma(), norm.beta()};
  }
}
