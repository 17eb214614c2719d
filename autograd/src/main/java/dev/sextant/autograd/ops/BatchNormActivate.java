package dev.sextant.autograd.ops;

import dev.sextant.autograd.Op;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.BatchNorm;
import dev.sextant.tensor.Check;
import dev.sextant.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * y = activation(batch norm(z)) + residual (Ioffe and Szegedy, 2015), one op so that only z and 2C
 * statistics are kept: y is dropped once released and recomputed where the backward pass reads it.
 * With a residual y is kept too.
 */
@SuppressWarnings("NullAway.Init") // fields are set before the op is recorded
public final class BatchNormActivate extends Op {
  private static final Kind<BatchNormActivate> KIND =
      new Kind<>("batch_norm", BatchNormActivate::new);

  private Variable z;
  private Variable gamma;
  private Variable beta;
  private @Nullable Variable residual;
  private Running running;
  private Activation activation;

  /** What z is normalised by, {@code [C]} each. */
  private Tensor mean;

  private Tensor variance;
  private @Nullable BatchNorm norm;

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
      backend.elementwise().scale(mean, 1 - momentum, mean);
      backend.elementwise().axpy(momentum, batchMean, mean);
      backend.elementwise().scale(variance, 1 - momentum, variance);
      backend.elementwise().axpy(momentum * unbias, batchVariance, variance);
    }
  }

  /**
   * Normalises over all but the last dimension; which statistics are used and whether the running
   * ones are updated is the tape's {@link Tape.Mode}.
   *
   * @param tape open; records the op if an input requires a gradient
   * @param z {@code [.., C]}
   * @param gamma scale, {@code [C]}
   * @param beta offset, {@code [C]}
   * @param running not read in training, where it is updated
   * @param activation applied to the normalised values
   * @param residual added after the activation, of z's shape
   * @return the output; the caller releases it
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
    Check.channels("batch_norm", z.value(), gamma.value());
    Check.channels("batch_norm", z.value(), beta.value());
    Check.channels("batch_norm", z.value(), running.mean);
    Check.channels("batch_norm", z.value(), running.variance);
    BatchNormActivate op = tape.op(KIND);
    op.z = op.input(op.save(z));
    op.gamma = op.input(op.save(gamma));
    op.beta = op.input(op.save(beta));
    op.residual = residual == null ? null : op.input(residual);
    op.running = running;
    op.activation = activation;
    op.findStatistics(tape);
    return tape.record(op, op.recompute(tape));
  }

  private void findStatistics(Tape tape) {
    mean = running.mean;
    variance = running.variance;
    if (tape.mode().usesBatchStatistics()) {
      mean = tape.output(running.mean.shape(), "batch_norm.mean");
      variance = tape.output(running.mean.shape(), "batch_norm.variance");
      tape.backend().batchNorm().statistics(z.value(), mean, variance);
    }
    if (tape.mode().updatesStatistics()) {
      running.update(tape.backend(), z.shape().rows(), mean, variance);
    }
  }

  /** Set for each pass: gamma and beta may be variables whose values come and go. */
  private BatchNorm norm() {
    if (norm == null) {
      norm =
          new BatchNorm(mean, variance, gamma.value(), beta.value(), running.epsilon, activation);
    }
    return norm.set(mean, variance, gamma.value(), beta.value(), running.epsilon, activation);
  }

  /**
   * Not with a residual, where the output is kept: recomputing it would need the residual, which
   * may be such an output itself, and so on to the network's input.
   */
  @Override
  protected boolean recomputes() {
    return residual == null;
  }

  @Override
  protected Tensor recompute(Tape tape) {
    Tensor y = tape.output(z.shape(), "batch_norm");
    Tensor added = residual == null ? null : residual.value();
    tape.backend().batchNorm().apply(z.value(), norm(), added, y);
    return y;
  }

  @Override
  protected void backward(Tape tape, Tensor dy) {
    if (residual != null) {
      tape.accumulate(residual, dy.share());
    }
    Tensor dgamma = tape.gradientLike(gamma, "batch_norm.gamma_gradient");
    Tensor dbeta = tape.gradientLike(beta, "batch_norm.beta_gradient");
    Tensor dz = tape.overwrite(dy, "batch_norm.gradient");
    tape.backend().batchNorm().backward(z.value(), norm(), dy, dz, dgamma, dbeta);
    tape.accumulate(gamma, dgamma);
    tape.accumulate(beta, dbeta);
    tape.accumulate(z, dz);
  }
}
