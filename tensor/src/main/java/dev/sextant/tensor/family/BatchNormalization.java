package dev.sextant.tensor.family;

import dev.sextant.tensor.BatchNorm;
import dev.sextant.tensor.NormGradient;
import dev.sextant.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Batch normalisation (Ioffe and Szegedy, 2015) of {@code [.., C]} over all but the channels.
 *
 * <p>Confined to the thread of its backend.
 */
public interface BatchNormalization {
  /**
   * mean[c] and variance[c] (biased) of z[.., c], in two stages or shifted, not E[z²]-E[z]².
   *
   * @param z the norm's input {@code [.., C]}
   * @param mean written, {@code [C]}
   * @param variance written, biased, {@code [C]}
   */
  void statistics(Tensor z, Tensor mean, Tensor variance);

  /**
   * out = activation(gamma (z - mean) / sqrt(variance + epsilon) + beta) + residual, where residual
   * may be absent; out may be z or residual.
   *
   * @param z the norm's input {@code [.., C]}
   * @param norm its constants
   * @param residual of z's shape; null for none
   * @param out written, of z's shape
   */
  void apply(Tensor z, BatchNorm norm, @Nullable Tensor residual, Tensor out);

  /**
   * Gradients of {@link #apply} in training, where mean and variance are those of z itself: dz,
   * dgamma and dbeta from dy. The activation's derivative is taken at the recomputed
   * pre-activation, so that nothing but z need be kept. dz may be dy.
   *
   * @param z the norm's input {@code [.., C]}
   * @param norm its constants
   * @param dy gradient of the output, of z's shape
   * @param dz gradient of z, written
   * @param dgamma gradient of the scale, written, {@code [C]}
   * @param dbeta gradient of the offset, written, {@code [C]}
   */
  void backward(Tensor z, BatchNorm norm, Tensor dy, Tensor dz, Tensor dgamma, Tensor dbeta);

  /**
   * The inner product of dy with the batch norm (in training, no activation) of z, without writing
   * that output: ProxylessNAS's gate gradient (Appendix D, eq. 9) from per-channel sums of dy, z,
   * z² and dy z in a single pass. {@code shift} {@code [C]} is any estimate of the channel means;
   * it is subtracted from z first, against cancellation.
   *
   * @param z the norm's input {@code [.., C]}
   * @param dy gradient of the output, of z's shape
   * @param gamma scale, {@code [C]}
   * @param beta offset, {@code [C]}
   * @param epsilon added to the variance
   * @param shift about the mean of z, {@code [C]}: sums are taken of z - shift
   * @return the inner product, summed in double
   */
  double innerProduct(Tensor z, Tensor dy, Tensor gamma, Tensor beta, float epsilon, Tensor shift);

  /**
   * The first half of {@link #backward}: g = dy activation'(norm(z)), with dgamma and dbeta of
   * {@code gradient} written; g may be dy.
   *
   * @param z the norm's input {@code [.., C]}
   * @param dy gradient of the output, of z's shape
   * @param gradient of the norm: its sums are written
   * @param g written, of z's shape
   */
  void reduce(Tensor z, Tensor dy, NormGradient gradient, Tensor g);
}
