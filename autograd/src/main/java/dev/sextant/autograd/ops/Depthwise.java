package dev.sextant.autograd.ops;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import dev.sextant.tensor.family.DepthwiseRules;

/** Depthwise convolution of x {@code [N, H, W, C]} by w {@code [k, k, C]}. */
public final class Depthwise extends Product {
  private static final Kind<Depthwise> KIND = new Kind<>("depthwise", Depthwise::new);

  private Window window = Window.POINTWISE;

  private Depthwise() {}

  /**
   * {@return the convolution of each channel by its own kernel, {@code [N, H', W', C]}}
   *
   * @param tape open; records the op if an input requires a gradient
   * @param x the input {@code [N, H, W, C]}
   * @param w {@code [k, k, C]}
   * @param window kernel size, stride, padding and dilation
   */
  public static Variable apply(Tape tape, Variable x, Variable w, Window window) {
    Tensor y =
        tape.output(DepthwiseRules.output("depthwise", x.shape(), w.shape(), window), "depthwise");
    tape.backend().depthwise().forward(x.value(), w.value(), window, null, Activation.IDENTITY, y);
    Depthwise op = tape.op(KIND);
    op.operands(x, w);
    op.window = window;
    return tape.record(op, y);
  }

  @Override
  Tensor gradientOfW(Tape tape, Tensor x, Variable w, Tensor dy) {
    Tensor dw = tape.gradientLike(w, "depthwise.filter_gradient");
    tape.backend().depthwise().backwardFilter(x, dy, window, dw);
    return dw;
  }

  @Override
  Tensor gradientOfX(Tape tape, Variable x, Tensor w, Tensor dy) {
    Tensor dx = tape.gradientLike(x, "depthwise.gradient");
    tape.backend().depthwise().backwardData(dy, w, window, dx);
    return dx;
  }
}
