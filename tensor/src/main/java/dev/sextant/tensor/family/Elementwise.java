package dev.sextant.tensor.family;

import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Tensor;

/**
 * Kernels that treat all elements alike, and sums over all of them. Tensors of a call have one
 * shape; an output may be an input, but not overlap it in part.
 *
 * <p>Confined to the thread of its backend, as every family is.
 */
public interface Elementwise {
  /** x = value. */
  void fill(Tensor x, float value);

  /** to = from. */
  void copy(Tensor from, Tensor to);

  /** y += a x. */
  void axpy(float a, Tensor x, Tensor y);

  /** out = factor x. */
  void scale(Tensor x, float factor, Tensor out);

  /** out = a + b. */
  void add(Tensor a, Tensor b, Tensor out);

  /** out = a b, elementwise. */
  void multiply(Tensor a, Tensor b, Tensor out);

  /** out = activation(x). */
  void activate(Tensor x, Activation activation, Tensor out);

  /** dx = dy activation'(x). */
  void activateBackward(Tensor x, Activation activation, Tensor dy, Tensor dx);

  /** The sum of all elements. */
  double sum(Tensor x);

  /** The inner product of two tensors of one shape. */
  double dot(Tensor a, Tensor b);
}
