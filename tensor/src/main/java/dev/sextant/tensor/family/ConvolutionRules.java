package dev.sextant.tensor.family;

import dev.sextant.tensor.Check;
import dev.sextant.tensor.FixedKernel;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import org.jspecify.annotations.Nullable;

/**
 * The rules of {@link Convolution}. A passing check allocates nothing, but for the shapes that some
 * return.
 */
public final class ConvolutionRules {
  private ConvolutionRules() {}

  /**
   * Checks the arguments of {@link Convolution#forward}.
   *
   * @param x {@code [N, H, W, Cin]}
   * @param w {@code [k, k, Cin, Cout]}
   * @param window kernel size, stride, padding and dilation
   * @param bias {@code [Cout]}; null for none
   * @param residual added at the end, of out's shape; null for none
   * @param out written, {@code [N, H', W', Cout]}
   */
  public static void forward(
      Tensor x,
      Tensor w,
      Window window,
      @Nullable Tensor bias,
      @Nullable Tensor residual,
      Tensor out) {
    String op = "conv2d";
    output(op, x.shape(), w.shape(), window, "output", out);
    Check.channels(op, out, bias);
    if (residual != null) {
      Check.same(op, out, residual);
    }
    Check.apart(op, out, x);
    Check.apart(op, out, w);
    Check.apart(op, out, bias);
    Check.apart(op, out, residual);
  }

  /**
   * Checks the arguments of {@link Convolution#fix}.
   *
   * @param w {@code [k, k, Cin, Cout]}
   * @param bias {@code [Cout]}
   * @param window kernel size, stride, padding and dilation
   * @param x of the images it will be applied to, {@code [N, H, W, Cin]}
   */
  public static void fix(Tensor w, Tensor bias, Window window, Shape x) {
    String op = "conv2d";
    operands(op, x, w.shape(), window);
    Check.shape(op, "bias", bias, Shape.of(w.shape().channels()));
  }

  /**
   * Checks the arguments of a forward pass by a fixed kernel.
   *
   * @param x {@code [N, H, W, Cin]}
   * @param kernel of {@link Convolution#fix}
   * @param residual added at the end, of out's shape; null for none
   * @param out written, {@code [N, H', W', Cout]}
   */
  public static void forward(Tensor x, FixedKernel kernel, @Nullable Tensor residual, Tensor out) {
    String op = "conv2d";
    output(op, x.shape(), kernel.shape(), kernel.window(), "output", out);
    if (residual != null) {
      Check.same(op, out, residual);
    }
    Check.apart(op, out, x);
    Check.apart(op, out, kernel.values());
    Check.apart(op, out, residual);
  }

  /**
   * Checks the arguments of {@link Convolution#backwardData}.
   *
   * @param dy {@code [N, H', W', Cout]}
   * @param w {@code [k, k, Cin, Cout]}
   * @param window kernel size, stride, padding and dilation
   * @param dx written, {@code [N, H, W, Cin]}
   */
  public static void backwardData(Tensor dy, Tensor w, Window window, Tensor dx) {
    String op = "conv2dBackwardData";
    output(op, dx.shape(), w.shape(), window, "output gradient", dy);
    Check.apart(op, dx, dy);
    Check.apart(op, dx, w);
  }

  /**
   * Checks the arguments of {@link Convolution#backwardFilter}.
   *
   * @param x {@code [N, H, W, Cin]}
   * @param dy {@code [N, H', W', Cout]}
   * @param window kernel size, stride, padding and dilation
   * @param dw written, of w's shape
   */
  public static void backwardFilter(Tensor x, Tensor dy, Window window, Tensor dw) {
    String op = "conv2dBackwardFilter";
    output(op, x.shape(), dw.shape(), window, "output gradient", dy);
    Check.apart(op, dw, x);
    Check.apart(op, dw, dy);
  }

  /**
   * {@return the output shape of a dense convolution of x {@code [N,H,W,Cin]} by w {@code
   * [k,k,Cin,Cout]}}
   *
   * @param op the operation, as errors name it
   * @param x {@code [N, H, W, Cin]}
   * @param w {@code [k, k, Cin, Cout]}
   * @param window kernel size, stride, padding and dilation
   */
  public static Shape output(String op, Shape x, Shape w, Window window) {
    operands(op, x, w, window);
    return window.output(x, w.get(3));
  }

  /**
   * A tensor has the shape that {@link #output(String, Shape, Shape, Window)} returns.
   *
   * @param op the operation, as errors name it
   * @param x {@code [N, H, W, Cin]}
   * @param w {@code [k, k, Cin, Cout]}
   * @param window kernel size, stride, padding and dilation
   * @param name the tensor's name in errors
   * @param output the tensor checked
   */
  public static void output(
      String op, Shape x, Shape w, Window window, String name, Tensor output) {
    operands(op, x, w, window);
    Check.image(op, name, output, x, window, w.get(3));
  }

  private static void operands(String op, Shape x, Shape w, Window window) {
    Check.rank(op, "input", x, 4);
    Check.rank(op, "kernel", w, 4);
    Check.kernel(op, x, w, window);
  }
}
