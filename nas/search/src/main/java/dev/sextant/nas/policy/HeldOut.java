package dev.sextant.nas.policy;

import dev.sextant.nas.objective.Outcome;

/**
 * A batch of held-out images on which one architecture step is made, with the weights frozen and
 * batch norm's running statistics left alone. Passes run the supernet as it is set.
 */
public interface HeldOut {
  /** {@return a forward and a backward pass of the cross-entropy: leaves its gradients} */
  Outcome gradients();

  /** {@return a forward pass} */
  Outcome evaluate();
}
