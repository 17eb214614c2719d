package dev.sextant.tensor.family;

import dev.sextant.tensor.Tensor;

/**
 * Kernels that treat channels alike over the pixels of {@code [.., C]}.
 *
 * <p>Confined to the thread of its backend.
 */
public interface Channels {
  /**
   * out[.., c] = x[.., c] + bias[c]; out may be x.
   *
   * @param x {@code [.., C]}
   * @param bias {@code [C]}
   * @param out written, of x's shape
   */
  void addBias(Tensor x, Tensor bias, Tensor out);

  /**
   * out[c] = sum of x[.., c]: the gradient of a bias.
   *
   * @param x {@code [.., C]}
   * @param out written, {@code [C]}
   */
  void sum(Tensor x, Tensor out);

  /**
   * out[n, h, w, c] = x[n, h, w, c] s[n, c] with s {@code [N, C]}; out may be x.
   *
   * @param x {@code [N, H, W, C]}
   * @param s {@code [N, C]}
   * @param out written, of x's shape
   */
  void scale(Tensor x, Tensor s, Tensor out);

  /**
   * out[n, c] = sum over h, w of a[n, h, w, c] b[n, h, w, c].
   *
   * @param a {@code [N, H, W, C]}
   * @param b of a's shape
   * @param out written, {@code [N, C]}
   */
  void dot(Tensor a, Tensor b, Tensor out);

  /**
   * to[.., toChannel + i] = from[.., fromChannel + i] for i below count: concatenation and slicing.
   * Both have the same rows; other channels of {@code to} keep their values.
   *
   * @param from {@code [.., C]}
   * @param fromChannel first channel that is read
   * @param to {@code [.., C']}, with as many rows
   * @param toChannel first channel that is written
   * @param count number of channels copied
   */
  void copy(Tensor from, int fromChannel, Tensor to, int toChannel, int count);
}
