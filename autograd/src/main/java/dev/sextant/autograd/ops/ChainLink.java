package dev.sextant.autograd.ops;

import dev.sextant.autograd.Tape;
import dev.sextant.tensor.BatchNorm;
import dev.sextant.tensor.NormGradient;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.family.Expansions;
import org.jspecify.annotations.Nullable;

/** A stage of a {@link NormalizedChain} in one pass. */
@SuppressWarnings("NullAway.Init") // fields are set before the op is recorded
final class ChainLink {
  NormalizedChain.ConvNorm stage;

  /** The raw output of the convolution, and its statistics. */
  Tensor z;

  Tensor mean;
  Tensor variance;

  // Both as they were when the pass was run: for what is thawed later nothing was saved.

  /** Whether the kernel needs a gradient. */
  boolean trained;

  /** Whether something before this stage needs a gradient. */
  boolean needed;

  private @Nullable BatchNorm norm;
  private @Nullable NormGradient gradient;
  private Expansions.@Nullable ConvolutionGradient backward;

  BatchNorm norm() {
    Tensor gamma = stage.gamma().value();
    Tensor beta = stage.beta().value();
    float epsilon = stage.running().epsilon();
    if (norm == null) {
      norm = new BatchNorm(mean, variance, gamma, beta, epsilon, stage.activation());
    }
    return norm.set(mean, variance, gamma, beta, epsilon, stage.activation());
  }

  /** With new tensors for the sums, which its op hands over or closes. */
  NormGradient newGradient(Tape tape) {
    Tensor dgamma = tape.gradientLike(stage.gamma(), "normalized_chain.gamma_gradient");
    Tensor dbeta = tape.gradientLike(stage.beta(), "normalized_chain.beta_gradient");
    if (gradient == null) {
      gradient = new NormGradient(norm(), dgamma, dbeta);
    }
    return gradient.set(norm(), dgamma, dbeta);
  }

  /** With a new tensor for the kernel's gradient if it is wanted, and these sums. */
  Expansions.ConvolutionGradient backward(Tape tape, NormGradient sums) {
    Tensor w = stage.w().value();
    Tensor dw = trained ? tape.gradientLike(stage.w(), "normalized_chain.filter_gradient") : null;
    if (backward == null) {
      backward = new Expansions.ConvolutionGradient(w, sums, dw);
    }
    return backward.set(w, sums, dw);
  }
}
