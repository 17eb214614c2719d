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

  /**
   * See {@link #set}.
   *
   * @param mean {@code [C]}
   * @param variance biased, {@code [C]}
   * @param gamma scale, {@code [C]}
   * @param beta offset, {@code [C]}
   * @param epsilon added to the variance, above 0
   * @param activation what follows
   */
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
   * Makes these its constants.
   *
   * @param mean {@code [C]}
   * @param variance biased, {@code [C]}
   * @param gamma scale, {@code [C]}
   * @param beta offset, {@code [C]}
   * @param epsilon added to the variance, above 0
   * @param activation what follows
   * @return this
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

  /** {@return the norm without its activation, as it is now: each call gives the same object} */
  public BatchNorm linear() {
    if (linear == null) {
      linear = new BatchNorm(mean, variance, gamma, beta, epsilon, Activation.IDENTITY);
    }
    return linear.set(mean, variance, gamma, beta, epsilon, Activation.IDENTITY);
  }

  /** {@return what is subtracted from z, {@code [C]}} */
  public Tensor mean() {
    return mean;
  }

  /** {@return the squared deviation of z, biased, {@code [C]}} */
  public Tensor variance() {
    return variance;
  }

  /** {@return the scale, {@code [C]}} */
  public Tensor gamma() {
    return gamma;
  }

  /** {@return the offset, {@code [C]}} */
  public Tensor beta() {
    return beta;
  }

  /** {@return what is added to the variance} */
  public float epsilon() {
    return epsilon;
  }

  /** {@return what follows} */
  public Activation activation() {
    return activation;
  }
}
