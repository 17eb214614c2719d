package dev.sextant.autograd.nn;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.ops.AvgPool;
import dev.sextant.autograd.ops.GlobalAvgPool;
import dev.sextant.autograd.ops.MaxPool;
import dev.sextant.tensor.Window;

/** The poolings, as layers without parameters. */
public final class Pooling extends Module {
  private interface Op {
    Variable apply(Tape tape, Variable x);
  }

  private final Op op;

  private Pooling(Op op) {
    this.op = op;
  }

  /**
   * {@return the maximum over a window}
   *
   * @param window kernel size, stride, padding and dilation
   */
  public static Pooling max(Window window) {
    return new Pooling((tape, x) -> MaxPool.apply(tape, x, window));
  }

  /**
   * {@return the mean over a window's pixels inside the image}
   *
   * @param window kernel size, stride, padding and dilation
   */
  public static Pooling average(Window window) {
    return new Pooling((tape, x) -> AvgPool.apply(tape, x, window));
  }

  /** {@return the mean over height and width: {@code [N, H, W, C]} to {@code [N, C]}} */
  public static Pooling globalAverage() {
    return new Pooling(GlobalAvgPool::apply);
  }

  @Override
  public Variable forward(Tape tape, Variable x) {
    return op.apply(tape, x);
  }
}
