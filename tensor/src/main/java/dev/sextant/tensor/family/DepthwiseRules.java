package dev.sextant.tensor.family;

import dev.sextant.tensor.Check;
import dev.sextant.tensor.FixedKernel;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import org.jspecify.annotations.Nullable;

/**
 * The rules of {@link Depthwise}. A passing check allocates nothing, but for the shapes that some
 * return.
 */
public final class DepthwiseRules {
  private DepthwiseRules() {}

  /**
   * Checks the arguments of {@link Depthwise#forward}.
   *
   * @param x the input {@code [N, H, W, C]}
   * @param w {@code [k, k, C]}
   * @param window kernel size, stride, padding and dilation
   * @param bias {@code [C]}; null for none
   * @param out written, {@code [N, H', W', C]}
   */
  public static void forward(Tensor x, Tensor w, Window window, @Nullable Tensor bias, Tensor out) {
    String op = "depthwise";
    output(op, x.shape(), w.shape(), window, "output", out);
    Check.channels(op, out, bias);
    Check.apart(op, out, x);
    Check.apart(op, out, w);
    Check.apart(op, out, bias);
  }

  /**
   * Checks the arguments of {@link Depthwise#fix}.
   *
   * @param w {@code [k, k, C]}
   * @param bias {@code [C]}
   * @param window kernel size, stride, padding and dilation
   */
  public static void fix(Tensor w, Tensor bias, Window window) {
    String op = "depthwise";
    Check.rank(op, "kernel", w.shape(), 3);
    int k = window.kernel();
    Check.shape(op, "kernel", w, Shape.of(k, k, w.shape().channels()));
    Check.shape(op, "bias", bias, Shape.of(w.shape().channels()));
  }

  /**
   * Checks the arguments of a forward pass by a fixed kernel.
   *
   * @param x the input {@code [N, H, W, C]}
   * @param kernel of {@link Depthwise#fix}
   * @param out written, {@code [N, H', W', C]}
   */
  public static void forward(Tensor x, FixedKernel kernel, Tensor out) {
    String op = "depthwise";
    output(op, x.shape(), kernel.shape(), kernel.window(), "output", out);
    Check.apart(op, out, x);
    Check.apart(op, out, kernel.values());
  }

  /**
   * Checks the arguments of {@link Depthwise#backwardData}.
   *
   * @param dy {@code [N, H', W', C]}
   * @param w {@code [k, k, C]}
   * @param window kernel size, stride, padding and dilation
   * @param dx written, {@code [N, H, W, C]}
   */
  public static void backwardData(Tensor dy, Tensor w, Window window, Tensor dx) {
    String op = "depthwiseBackwardData";
    output(op, dx.shape(), w.shape(), window, "output gradient", dy);
    Check.apart(op, dx, dy);
    Check.apart(op, dx, w);
  }

  /**
   * Checks the arguments of {@link Depthwise#backwardFilter}.
   *
   * @param x the input {@code [N, H, W, C]}
   * @param dy {@code [N, H', W', C]}
   * @param window kernel size, stride, padding and dilation
   * @param dw written, of w's shape
   */
  public static void backwardFilter(Tensor x, Tensor dy, Window window, Tensor dw) {
    String op = "depthwiseBackwardFilter";
    output(op, x.shape(), dw.shape(), window, "output gradient", dy);
    Check.apart(op, dw, x);
    Check.apart(op, dw, dy);
  }

  /**
   * {@return the output shape of a depthwise convolution of x {@code [N,H,W,C]} by w {@code
   * [k,k,C]}}
   *
   * @param op the operation, as errors name it
   * @param x the input {@code [N, H, W, C]}
   * @param w {@code [k, k, C]}
   * @param window kernel size, stride, padding and dilation
   */
  public static Shape output(String op, Shape x, Shape w, Window window) {
    operands(op, x, w, window);
    return window.output(x, x.get(3));
  }

  /**
   * A tensor has the shape that {@link #output(String, Shape, Shape, Window)} returns.
   *
   * @param op the operation, as errors name it
   * @param x the input {@code [N, H, W, C]}
   * @param w {@code [k, k, C]}
   * @param window kernel size, stride, padding and dilation
   * @param name the tensor's name in errors
   * @param output the tensor checked
   */
  public static void output(
      String op, Shape x, Shape w, Window window, String name, Tensor output) {
    operands(op, x, w, window);
    Check.image(op, name, output, x, window, x.get(3));
  }

  private static void operands(String op, Shape x, Shape w, Window window) {
    Check.rank(op, "input", x, 4);
    Check.rank(op, "kernel", w, 3);
    Check.kernel(op, x, w, window);
  }
}
