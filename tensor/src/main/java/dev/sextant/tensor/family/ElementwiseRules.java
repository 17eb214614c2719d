package dev.sextant.tensor.family;

import dev.sextant.tensor.Check;
import dev.sextant.tensor.Tensor;

/** The rules of {@link Elementwise}. A passing check allocates nothing. */
public final class ElementwiseRules {
  private ElementwiseRules() {}

  /** Of {@link Elementwise#copy}. */
  public static void copy(Tensor from, Tensor to) {
    elementwise("copy", from, to);
  }

  /** Of {@link Elementwise#axpy}. */
  public static void axpy(Tensor x, Tensor y) {
    elementwise("axpy", x, y);
  }

  /** Of {@link Elementwise#scale}. */
  public static void scale(Tensor x, Tensor out) {
    elementwise("scale", x, out);
  }

  /** Of {@link Elementwise#add}. */
  public static void add(Tensor a, Tensor b, Tensor out) {
    elementwise("add", a, b, out);
  }

  /** Of {@link Elementwise#multiply}. */
  public static void multiply(Tensor a, Tensor b, Tensor out) {
    elementwise("multiply", a, b, out);
  }

  /** Of {@link Elementwise#activate}. */
  public static void activate(Tensor x, Tensor out) {
    elementwise("activate", x, out);
  }

  /** Of {@link Elementwise#activateBackward}. */
  public static void activateBackward(Tensor x, Tensor dy, Tensor dx) {
    elementwise("activateBackward", x, dy, dx);
  }

  /** Of {@link Elementwise#dot}. */
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
