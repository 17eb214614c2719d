package dev.sextant.autograd.nn;

import dev.sextant.autograd.Parameter;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.ops.BatchNormActivate;
import dev.sextant.autograd.ops.NormalizedChain;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import org.jspecify.annotations.Nullable;

/** Batch normalisation over all but the last dimension, with an activation fused into it. */
public final class BatchNorm extends Module {
  /** Weight of a batch in the running statistics, as in every published network here. */
  public static final float MOMENTUM = 0.1f;

  private final Parameter gamma;
  private final Parameter beta;
  private final BatchNormActivate.Running running;
  private final Activation activation;

  /**
   * A normalisation that starts as the identity followed by the activation.
   *
   * @param init draws the weights, on its backend
   * @param channels C of its input {@code [.., C]}
   * @param epsilon added to the variance
   * @param activation applied behind it
   */
  public BatchNorm(Initializer init, int channels, float epsilon, Activation activation) {
    this(init, channels, epsilon, activation, true);
  }

  /**
   * As above.
   *
   * @param init draws the weights, on its backend
   * @param channels C of its input {@code [.., C]}
   * @param epsilon added to the variance
   * @param activation applied behind it
   * @param affine whether scale and offset are trained; if not they stay 1 and 0, and are saved but
   *     no parameters (DARTS searches so, lest a scale undo an architecture parameter)
   */
  public BatchNorm(
      Initializer init, int channels, float epsilon, Activation activation, boolean affine) {
    gamma = init.constant(channels, 1, Parameter.Role.NORM);
    beta = init.constant(channels, 0, Parameter.Role.NORM);
    if (affine) {
      parameter("gamma", gamma);
      parameter("beta", beta);
    } else {
      gamma.setFrozen(true);
      beta.setFrozen(true);
      buffer("gamma", gamma.value());
      buffer("beta", beta.value());
    }
    Tensor mean = buffer("mean", init.buffer(channels, 0));
    Tensor variance = buffer("variance", init.buffer(channels, 1));
    running = new BatchNormActivate.Running(mean, variance, MOMENTUM, epsilon);
    this.activation = activation;
  }

  /** The scale, {@code [C]}. */
  Parameter gamma() {
    return gamma;
  }

  @Override
  public Variable forward(Tape tape, Variable z) {
    return forward(tape, z, null);
  }

  /**
   * {@return activation(norm(z)) + residual, where the residual, of z's shape, may be absent}
   *
   * @param tape open; records the op if an input requires a gradient
   * @param z the norm's input {@code [.., C]}
   * @param residual added behind the activation, of z's shape; null for none
   */
  public Variable forward(Tape tape, Variable z, @Nullable Variable residual) {
    return BatchNormActivate.apply(tape, z, gamma, beta, running, activation, residual);
  }

  /** A convolution by w whose output goes through this norm. */
  NormalizedChain.ConvNorm behind(Parameter w, Window window) {
    return new NormalizedChain.ConvNorm(w, window, gamma, beta, running, activation);
  }
}
