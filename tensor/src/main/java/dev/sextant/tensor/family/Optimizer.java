package dev.sextant.tensor.family;

import dev.sextant.tensor.Tensor;
import java.util.List;

/**
 * Fused optimizer steps: one pass over the weights and their state. All tensors of a step have one
 * shape and share no elements.
 *
 * <p>Confined to the thread of its backend.
 */
public interface Optimizer {
  /**
   * SGD: g += decay w; v = momentum v + g; w -= rate (nesterov ? g + momentum v : v). The gradient
   * tensor is left as it was.
   *
   * @param w parameters, updated
   * @param g their gradient, of w's shape
   * @param v velocity, of w's shape, updated
   * @param rate learning rate
   * @param momentum factor of the velocity; 0 for none
   * @param decay L2 decay, added to the gradient as decay w
   * @param nesterov whether the step looks ahead by one velocity
   */
  void sgd(Tensor w, Tensor g, Tensor v, float rate, float momentum, float decay, boolean nesterov);

  /**
   * Adam (Kingma and Ba, 2015) with L2 decay added to the gradient; {@code step} counts from 1.
   *
   * @param w parameters, updated
   * @param g their gradient, of w's shape
   * @param m running mean of the gradient, of w's shape, updated
   * @param v running mean of its square, of w's shape, updated
   * @param rate learning rate
   * @param beta1 decay of the running mean
   * @param beta2 decay of the running square
   * @param epsilon keeps the division from 0
   * @param decay L2 decay, added to the gradient as decay w
   * @param step number of this step, from 1
   */
  void adam(
      Tensor w,
      Tensor g,
      Tensor m,
      Tensor v,
      float rate,
      float beta1,
      float beta2,
      float epsilon,
      float decay,
      int step);

  /**
   * RMSProp with momentum: s = rho s + (1 - rho) g²; v = momentum v + rate g / sqrt(s + epsilon); w
   * -= v, as TensorFlow has it (epsilon inside the root).
   *
   * @param w parameters, updated
   * @param g their gradient, of w's shape
   * @param s running mean of the squared gradient, of w's shape, updated
   * @param v velocity, of w's shape, updated
   * @param rate learning rate
   * @param rho decay of the running square
   * @param momentum factor of the velocity; 0 for none
   * @param epsilon keeps the division from 0
   * @param decay L2 decay, added to the gradient as decay w
   */
  void rmsProp(
      Tensor w,
      Tensor g,
      Tensor s,
      Tensor v,
      float rate,
      float rho,
      float momentum,
      float epsilon,
      float decay);

  /**
   * {@link #sgd} of many tensors.
   *
   * @param tensors w, g and v of each
   * @param rate learning rate
   * @param momentum factor of the velocity; 0 for none
   * @param decays of each
   * @param nesterov whether the step looks ahead by one velocity
   */
  default void sgd(
      List<Tensor[]> tensors, float rate, float momentum, float[] decays, boolean nesterov) {
    OptimizerRules.sgd(tensors, decays);
    for (int i = 0; i < tensors.size(); i++) {
      Tensor[] t = tensors.get(i);
      sgd(t[0], t[1], t[2], rate, momentum, decays[i], nesterov);
    }
  }

  /**
   * {@link #adam} of many tensors.
   *
   * @param tensors w, g, m and v of each
   * @param rate learning rate
   * @param beta1 decay of the running mean
   * @param beta2 decay of the running square
   * @param epsilon keeps the division from 0
   * @param decays of each
   * @param steps of each, from 1
   */
  default void adam(
      List<Tensor[]> tensors,
      float rate,
      float beta1,
      float beta2,
      float epsilon,
      float[] decays,
      int[] steps) {
    OptimizerRules.adam(tensors, decays, steps);
    for (int i = 0; i < tensors.size(); i++) {
      Tensor[] t = tensors.get(i);
      adam(t[0], t[1], t[2], t[3], rate, beta1, beta2, epsilon, decays[i], steps[i]);
    }
  }

  /**
   * {@link #rmsProp} of many tensors.
   *
   * @param tensors w, g, s and v of each
   * @param rate learning rate
   * @param rho decay of the running square
   * @param momentum factor of the velocity; 0 for none
   * @param epsilon keeps the division from 0
   * @param decays of each
   */
  default void rmsProp(
      List<Tensor[]> tensors,
      float rate,
      float rho,
      float momentum,
      float epsilon,
      float[] decays) {
    OptimizerRules.rmsProp(tensors, decays);
    for (int i = 0; i < tensors.size(); i++) {
      Tensor[] t = tensors.get(i);
      rmsProp(t[0], t[1], t[2], t[3], rate, rho, momentum, epsilon, decays[i]);
    }
  }
}
