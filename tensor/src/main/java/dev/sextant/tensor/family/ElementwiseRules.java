package dev.sextant.tensor.family;

import dev.sextant.tensor.Check;
import dev.sextant.tensor.Tensor;

/** The rules of {@link Elementwise}. A passing check allocates nothing. */
public final class ElementwiseRules {
  private ElementwiseRules() {}

  /**
   * Checks the arguments of {@link Elementwise#copy}.
   *
   * @param from of any shape
   * @param to written, of the same shape
   */
  public static void copy(Tensor from, Tensor to) {
    elementwise("copy", from, to);
  }

  /**
   * Checks the arguments of {@link Elementwise#axpy}.
   *
   * @param x of any shape
   * @param y of x's shape, added to
   */
  public static void axpy(Tensor x, Tensor y) {
    elementwise("axpy", x, y);
  }

  /**
   * Checks the arguments of {@link Elementwise#scale}.
   *
   * @param x of any shape
   * @param out written, of the inputs' shape; may be an input
   */
  public static void scale(Tensor x, Tensor out) {
    elementwise("scale", x, out);
  }

  /**
   * Checks the arguments of {@link Elementwise#add}.
   *
   * @param a of any shape
   * @param b of a's shape
   * @param out written, of the inputs' shape; may be an input
   */
  public static void add(Tensor a, Tensor b, Tensor out) {
    elementwise("add", a, b, out);
  }

  /**
   * Checks the arguments of {@link Elementwise#multiply}.
   *
   * @param a of any shape
   * @param b of a's shape
   * @param out written, of the inputs' shape; may be an input
   */
  public static void multiply(Tensor a, Tensor b, Tensor out) {
    elementwise("multiply", a, b, out);
  }

  /**
   * Checks the arguments of {@link Elementwise#activate}.
   *
   * @param x of any shape
   * @param out written, of the inputs' shape; may be an input
   */
  public static void activate(Tensor x, Tensor out) {
    elementwise("activate", x, out);
  }

  /**
   * Checks the arguments of {@link Elementwise#activateBackward}.
   *
   * @param x the pre-activation
   * @param dy gradient of the output, of x's shape
   * @param dx written, of x's shape; may be dy
   */
  public static void activateBackward(Tensor x, Tensor dy, Tensor dx) {
    elementwise("activateBackward", x, dy, dx);
  }

  /**
   * Checks the arguments of {@link Elementwise#dot}.
   *
   * @param a of any shape
   * @param b of a's shape
   */
  public static void dot(Tensor a, Tensor b) {
    Check.same("dot", a, b);
  }

  private static void elementwise(String op, Tensor x, Tensor out) {
    Check.same(op, x, out);
    Check.inPlace(op, out, x);
  }

  private static void elementwise(String op, Tensor a, Tensor b, Tensor out) {
    Check.same(op, a, b, out);
    Check.inPlace(op, out, a);
    Check.inPlace(op, out, b);
  }
}
