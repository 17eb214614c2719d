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
  /**
   * x = value.
   *
   * @param x of any shape, overwritten
   * @param value for every element
   */
  void fill(Tensor x, float value);

  /**
   * to = from.
   *
   * @param from of any shape
   * @param to written, of the same shape
   */
  void copy(Tensor from, Tensor to);

  /**
   * y += a x.
   *
   * @param a the factor of x
   * @param x of any shape
   * @param y of x's shape, added to
   */
  void axpy(float a, Tensor x, Tensor y);

  /**
   * out = factor x.
   *
   * @param x of any shape
   * @param factor of every element
   * @param out written, of the inputs' shape; may be an input
   */
  void scale(Tensor x, float factor, Tensor out);

  /**
   * out = a + b.
   *
   * @param a of any shape
   * @param b of a's shape
   * @param out written, of the inputs' shape; may be an input
   */
  void add(Tensor a, Tensor b, Tensor out);

  /**
   * out = a b, elementwise.
   *
   * @param a of any shape
   * @param b of a's shape
   * @param out written, of the inputs' shape; may be an input
   */
  void multiply(Tensor a, Tensor b, Tensor out);

  /**
   * out = activation(x).
   *
   * @param x of any shape
   * @param activation which function
   * @param out written, of the inputs' shape; may be an input
   */
  void activate(Tensor x, Activation activation, Tensor out);

  /**
   * dx = dy activation'(x).
   *
   * @param x the pre-activation
   * @param activation which function
   * @param dy gradient of the output, of x's shape
   * @param dx written, of x's shape; may be dy
   */
  void activateBackward(Tensor x, Activation activation, Tensor dy, Tensor dx);

  /**
   * {@return the sum of all elements}
   *
   * @param x of any shape
   */
  double sum(Tensor x);

  /**
   * {@return the inner product of two tensors of one shape}
   *
   * @param a of any shape
   * @param b of a's shape
   */
  double dot(Tensor a, Tensor b);
}
