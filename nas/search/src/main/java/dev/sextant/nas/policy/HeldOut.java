package dev.sextant.nas.policy;

import dev.sextant.nas.objective.Outcome;

/**
 * A batch of held-out images on which one architecture step is made, with the weights frozen and
 * batch norm's running statistics left alone. Passes run the supernet as it is set.
 */
public interface HeldOut {
  /**
   * Runs a forward and a backward pass of the cross-entropy, which leaves its gradients.
   *
   * @return loss and accuracy of these images
   */
  Outcome gradients();

  /**
   * Runs a forward pass alone.
   *
   * @return loss and accuracy of these images
   */
  Outcome evaluate();
}
