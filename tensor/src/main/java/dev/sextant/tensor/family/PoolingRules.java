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

  /** Of {@link Pooling#max}. */
  public static void max(Tensor x, Window window, Tensor out) {
    output("maxPool", x.shape(), window, "output", out);
    Check.apart("maxPool", out, x);
  }

  /** Of {@link Pooling#maxBackward}. */
  public static void maxBackward(Tensor x, Tensor dy, Window window, Tensor dx) {
    String op = "maxPoolBackward";
    output(op, x.shape(), window, "output gradient", dy);
    Check.same(op, x, dx);
    Check.apart(op, dx, x);
    Check.apart(op, dx, dy);
  }

  /** Of {@link Pooling#average}. */
  public static void average(Tensor x, Window window, Tensor out) {
    output("avgPool", x.shape(), window, "output", out);
    Check.apart("avgPool", out, x);
  }

  /** Of {@link Pooling#averageBackward}. */
  public static void averageBackward(Tensor dy, Window window, Tensor dx) {
    output("avgPoolBackward", dx.shape(), window, "output gradient", dy);
    Check.apart("avgPoolBackward", dx, dy);
  }

  /** Of {@link Pooling#globalAverage}. */
  public static void globalAverage(Tensor x, Tensor out) {
    Check.imageChannels("globalAvgPool", "output", x, out);
    Check.apart("globalAvgPool", out, x);
  }

  /** Of {@link Pooling#globalAverageBackward}. */
  public static void globalAverageBackward(Tensor dy, Tensor dx) {
    Check.imageChannels("globalAvgPoolBackward", "output gradient", dx, dy);
    Check.apart("globalAvgPoolBackward", dx, dy);
  }

  /** The output shape of a pooling. */
  public static Shape output(String op, Shape x, Window window) {
    operands(op, x, window);
    return window.output(x, x.get(3));
  }

  /** A tensor has the shape that {@link #output(String, Shape, Window)} returns. */
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
