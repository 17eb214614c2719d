package dev.sextant.tensor.family;

import dev.sextant.tensor.Check;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import java.util.Locale;

/**
 * The rules of {@link Pooling}. A passing check allocates nothing, but for the shapes that some
 * return.
 */
public final class PoolingRules {
  private PoolingRules() {}

  /**
   * Checks the arguments of {@link Pooling#max}.
   *
   * @param x the input {@code [N, H, W, C]}
   * @param window kernel size, stride, padding and dilation
   * @param out written, {@code [N, H', W', C]}
   */
  public static void max(Tensor x, Window window, Tensor out) {
    output("maxPool", x.shape(), window, "output", out);
    Check.apart("maxPool", out, x);
  }

  /**
   * Checks the arguments of {@link Pooling#maxBackward}.
   *
   * @param x the input {@code [N, H, W, C]}
   * @param dy {@code [N, H', W', C]}
   * @param window kernel size, stride, padding and dilation
   * @param dx written, {@code [N, H, W, C]}
   */
  public static void maxBackward(Tensor x, Tensor dy, Window window, Tensor dx) {
    String op = "maxPoolBackward";
    output(op, x.shape(), window, "output gradient", dy);
    Check.same(op, x, dx);
    Check.apart(op, dx, x);
    Check.apart(op, dx, dy);
  }

  /**
   * Checks the arguments of {@link Pooling#average}.
   *
   * @param x the input {@code [N, H, W, C]}
   * @param window kernel size, stride, padding and dilation
   * @param out written, {@code [N, H', W', C]}
   */
  public static void average(Tensor x, Window window, Tensor out) {
    output("avgPool", x.shape(), window, "output", out);
    Check.apart("avgPool", out, x);
  }

  /**
   * Checks the arguments of {@link Pooling#averageBackward}.
   *
   * @param dy {@code [N, H', W', C]}
   * @param window kernel size, stride, padding and dilation
   * @param dx written, {@code [N, H, W, C]}
   */
  public static void averageBackward(Tensor dy, Window window, Tensor dx) {
    output("avgPoolBackward", dx.shape(), window, "output gradient", dy);
    Check.apart("avgPoolBackward", dx, dy);
  }

  /**
   * Checks the arguments of {@link Pooling#globalAverage}.
   *
   * @param x the input {@code [N, H, W, C]}
   * @param out written, {@code [N, C]}
   */
  public static void globalAverage(Tensor x, Tensor out) {
    Check.imageChannels("globalAvgPool", "output", x, out);
    Check.apart("globalAvgPool", out, x);
  }

  /**
   * Checks the arguments of {@link Pooling#globalAverageBackward}.
   *
   * @param dy {@code [N, C]}
   * @param dx written, {@code [N, H, W, C]}
   */
  public static void globalAverageBackward(Tensor dy, Tensor dx) {
    Check.imageChannels("globalAvgPoolBackward", "output gradient", dx, dy);
    Check.apart("globalAvgPoolBackward", dx, dy);
  }

  /**
   * {@return the output shape of a pooling}
   *
   * @param op the operation, as errors name it
   * @param x the input {@code [N, H, W, C]}
   * @param window kernel size, stride, padding and dilation
   */
  public static Shape output(String op, Shape x, Window window) {
    operands(op, x, window);
    return window.output(x, x.get(3));
  }

  /**
   * A tensor has the shape that {@link #output(String, Shape, Window)} returns.
   *
   * @param op the operation, as errors name it
   * @param x the input {@code [N, H, W, C]}
   * @param window kernel size, stride, padding and dilation
   * @param name the tensor's name in errors
   * @param output the tensor checked
   */
  public static void output(String op, Shape x, Window window, String name, Tensor output) {
    operands(op, x, window);
    Check.image(op, name, output, x, window, x.get(3));
  }

  private static void operands(String op, Shape x, Window window) {
    Check.rank(op, "input", x, 4);
    if (window.padding() >= window.span()) {
      throw new SextantException(
          String.format(
              Locale.ROOT, "%s: padding of window %s leaves windows without a pixel", op, window));
    }
  }
}
