package dev.sextant.tensor;

/**
 * The gradient of a batch norm, of which {@code g} of {@link
 * dev.sextant.tensor.family.BatchNormalization#reduce} is the part per element. Reusable, as {@link
 * BatchNorm} is. Confined to one thread.
 */
public final class NormGradient {
  private BatchNorm norm;
  private Tensor dgamma;
  private Tensor dbeta;

  /**
   * See {@link #set}.
   *
   * @param norm in training: mean and variance are those of z itself
   * @param dgamma {@code [C]}, as {@link #set} has it
   * @param dbeta {@code [C]}, as {@link #set} has it
   */
  public NormGradient(BatchNorm norm, Tensor dgamma, Tensor dbeta) {
    this.norm = norm;
    this.dgamma = dgamma;
    this.dbeta = dbeta;
  }

  /**
   * Makes these its parts.
   *
   * @param norm in training: mean and variance are those of z itself
   * @param dgamma sum of g (z - mean) / sqrt(variance + epsilon), {@code [C]}
   * @param dbeta sum of g, {@code [C]}
   * @return this
   */
  public NormGradient set(BatchNorm norm, Tensor dgamma, Tensor dbeta) {
    this.norm = norm;
    this.dgamma = dgamma;
    this.dbeta = dbeta;
    return this;
  }

  /** {@return what it is the gradient of} */
  public BatchNorm norm() {
    return norm;
  }

  /** {@return the gradient of the scale, {@code [C]}} */
  public Tensor dgamma() {
    return dgamma;
  }

  /** {@return the gradient of the offset, {@code [C]}} */
  public Tensor dbeta() {
    return dbeta;
  }
}
