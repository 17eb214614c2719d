package dev.sextant.autograd.ops;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Backend.BatchNorm;
import dev.sextant.tensor.Check;
import dev.sextant.tensor.Tensor;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * y = activation(batch norm(z)) + residual (Ioffe and Szegedy, 2015), one op so that only z and 2C
 * statistics are kept: y is dropped once released and recomputed where the backward pass reads it.
 * With a residual y is kept too.
 */
public final class BatchNormActivate {
  private BatchNormActivate() {}

  /**
   * What a batch norm keeps between steps.
   *
   * @param mean running mean, {@code [C]}
   * @param variance running variance, {@code [C]}
   * @param momentum weight of the batch in the running statistics (0.1: running = 0.9 old + 0.1
   *     new)
   * @param epsilon added to the variance
   */
  public record Running(Tensor mean, Tensor variance, float momentum, float epsilon) {
    /**
     * Takes in a batch. The running variance takes the unbiased estimate, n / (n - 1) times the
     * biased one.
     *
     * @param n values of each channel; with none nothing changes
     */
    void update(Backend backend, int n, Tensor batchMean, Tensor batchVariance) {
      if (n == 0) {
        return;
      }
      float unbias = n > 1 ? (float) n / (n - 1) : 1;
      backend.scale(mean, 1 - momentum, mean);
      backend.axpy(momentum, batchMean, mean);
      backend.scale(variance, 1 - momentum, variance);
      backend.axpy(momentum * unbias, batchVariance, variance);
    }
  }

  /**
   * Normalises over all but the last dimension; which statistics are used and whether the running
   * ones are updated is the tape's {@link Tape.Mode}.
   *
   * @param z {@code [.., C]}
   * @param gamma scale, {@code [C]}
   * @param beta offset, {@code [C]}
   * @param running not read in training, where it is updated
   * @param residual added after the activation, of z's shape
   * @throws dev.sextant.tensor.SextantException if the shapes do not fit together
   */
  public static Variable apply(
      Tape tape,
      Variable z,
      Variable gamma,
      Variable beta,
      Running running,
      Activation activation,
      @Nullable Variable residual) {
    Check.channels(
        "batch_norm", z.value(), gamma.value(), beta.value(), running.mean, running.variance);
    Statistics statistics = statistics(tape, z, running);
    // Made for each pass: gamma and beta may be variables whose values come and go.
    Supplier<BatchNorm> norm =
        () ->
            new BatchNorm(
                statistics.mean,
                statistics.variance,
                gamma.value(),
                beta.value(),
                running.epsilon,
                activation);
    Variable[] inputs =
        residual == null
            ? new Variable[] {z, gamma, beta}
            : new Variable[] {z, gamma, beta, residual};
    // With a residual the output is kept: recomputing it would need the residual, which may be such
    // an output itself, and so on to the network's input.
    return tape.record(
        "batch_norm",
        forward(tape, z, norm.get(), residual),
        inputs,
        new Variable[] {z, gamma, beta},
        residual == null ? () -> forward(tape, z, norm.get(), null) : null,
        dy -> backward(tape, z, gamma, beta, norm.get(), residual, dy));
  }

  /** What z is normalised by, {@code [C]} each. */
  private record Statistics(Tensor mean, Tensor variance) {}

  private static Statistics statistics(Tape tape, Variable z, Running running) {
    if (!tape.mode().usesBatchStatistics()) {
      return new Statistics(running.mean, running.variance);
    }
    Tensor mean = tape.output(running.mean.shape(), "batch_norm.mean");
    Tensor variance = tape.output(running.mean.shape(), "batch_norm.variance");
    tape.backend().batchNormStatistics(z.value(), mean, variance);
    if (tape.mode().updatesStatistics()) {
      running.update(tape.backend(), z.shape().rows(), mean, variance);
    }
    return new Statistics(mean, variance);
  }

  private static Tensor forward(
      Tape tape, Variable z, BatchNorm norm, @Nullable Variable residual) {
    Tensor y = tape.output(z.shape(), "batch_norm");
    tape.backend().batchNormApply(z.value(), norm, residual == null ? null : residual.value(), y);
    return y;
  }

  private static void backward(
      Tape tape,
      Variable z,
      Variable gamma,
      Variable beta,
      BatchNorm norm,
      @Nullable Variable residual,
      Tensor dy) {
    if (residual != null) {
      tape.accumulate(residual, dy.share());
    }
    Tensor dgamma = tape.gradientLike(gamma, "batch_norm.gamma_gradient");
    Tensor dbeta = tape.gradientLike(beta, "batch_norm.beta_gradient");
    Tensor dz = tape.overwrite(dy, "batch_norm.gradient");
    tape.backend().batchNormBackward(z.value(), norm, dy, dz, dgamma, dbeta);
    tape.accumulate(gamma, dgamma);
    tape.accumulate(beta, dbeta);
    tape.accumulate(z, dz);
  }
}
