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

  /** See {@link #set}. */
  public NormGradient(BatchNorm norm, Tensor dgamma, Tensor dbeta) {
    this.norm = norm;
    this.dgamma = dgamma;
    this.dbeta = dbeta;
  }

  /**
   * Makes these its parts; returns it.
   *
   * @param norm in training: mean and variance are those of z itself
   * @param dgamma sum of g (z - mean) / sqrt(variance + epsilon), {@code [C]}
   * @param dbeta sum of g, {@code [C]}
   */
  public NormGradient set(BatchNorm norm, Tensor dgamma, Tensor dbeta) {
    this.norm = norm;
    this.dgamma = dgamma;
    this.dbeta = dbeta;
    return this;
  }

  /** What it is the gradient of. */
  public BatchNorm norm() {
    return norm;
  }

  /** The gradient of the scale. */
  public Tensor dgamma() {
    return dgamma;
  }

  /** The gradient of the offset. */
  public Tensor dbeta() {
    return dbeta;
  }
}
