package dev.sextant.autograd.ops;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import dev.sextant.tensor.family.ConvolutionRules;

/** Dense convolution of x {@code [N, H, W, Cin]} by w {@code [k, k, Cin, Cout]}. */
public final class Conv2d extends Product {
  private static final Kind<Conv2d> KIND = new Kind<>("conv2d", Conv2d::new);

  private Window window = Window.POINTWISE;

  private Conv2d() {}

  /**
   * {@return the convolution, {@code [N, H', W', Cout]}}
   *
   * @param tape open; records the op if an input requires a gradient
   * @param x {@code [N, H, W, Cin]}
   * @param w {@code [k, k, Cin, Cout]}
   * @param window kernel size, stride, padding and dilation
   */
  public static Variable apply(Tape tape, Variable x, Variable w, Window window) {
    Tensor y =
        tape.output(ConvolutionRules.output("conv2d", x.shape(), w.shape(), window), "conv2d");
    tape.backend()
        .convolution()
        .forward(x.value(), w.value(), window, null, Activation.IDENTITY, null, y);
    Conv2d op = tape.op(KIND);
    op.operands(x, w);
    op.window = window;
    return tape.record(op, y);
  }

  @Override
  Tensor gradientOfW(Tape tape, Tensor x, Variable w, Tensor dy) {
    Tensor dw = tape.gradientLike(w, "conv2d.filter_gradient");
    tape.backend().convolution().backwardFilter(x, dy, window, dw);
    return dw;
  }

  @Override
  Tensor gradientOfX(Tape tape, Variable x, Tensor w, Tensor dy) {
    Tensor dx = tape.gradientLike(x, "conv2d.gradient");
    tape.backend().convolution().backwardData(dy, w, window, dx);
    return dx;
  }
}
