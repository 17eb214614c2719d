package dev.sextant.tensor;

import org.jspecify.annotations.Nullable;

/**
 * The per-channel constants {@code [C]} of a batch normalisation and the activation fused into it.
 * May be {@link #set} again: a step that keeps one allocates nothing.
 */
public final class BatchNorm {
  private Tensor mean;
  private Tensor variance;
  private Tensor gamma;
  private Tensor beta;
  private float epsilon;
  private Activation activation;
  private @Nullable BatchNorm linear;

  /** See {@link #set}. */
  public BatchNorm(
      Tensor mean,
      Tensor variance,
      Tensor gamma,
      Tensor beta,
      float epsilon,
      Activation activation) {
    this.mean = mean;
    this.variance = variance;
    this.gamma = gamma;
    this.beta = beta;
    this.epsilon = epsilon;
    this.activation = activation;
  }

  /**
   * Makes these its constants; returns it.
   *
   * @param mean {@code [C]}
   * @param variance biased, {@code [C]}
   * @param gamma scale, {@code [C]}
   * @param beta offset, {@code [C]}
   */
  public BatchNorm set(
      Tensor mean,
      Tensor variance,
      Tensor gamma,
      Tensor beta,
      float epsilon,
      Activation activation) {
    this.mean = mean;
    this.variance = variance;
    this.gamma = gamma;
    this.beta = beta;
    this.epsilon = epsilon;
    this.activation = activation;
    return this;
  }

  /** The norm without its activation, as it is now: each call gives the same object. */
  public BatchNorm linear() {
    if (linear == null) {
      linear = new BatchNorm(mean, variance, gamma, beta, epsilon, Activation.IDENTITY);
    }
    return linear.set(mean, variance, gamma, beta, epsilon, Activation.IDENTITY);
  }

  /** Subtracted from z. */
  public Tensor mean() {
    return mean;
  }

  /** The squared deviation of z, biased. */
  public Tensor variance() {
    return variance;
  }

  /** The scale. */
  public Tensor gamma() {
    return gamma;
  }

  /** The offset. */
  public Tensor beta() {
    return beta;
  }

  /** Added to the variance. */
  public float epsilon() {
    return epsilon;
  }

  /** What follows. */
  public Activation activation() {
    return activation;
  }
}
