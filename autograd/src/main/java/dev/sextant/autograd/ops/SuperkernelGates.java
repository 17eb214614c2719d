package dev.sextant.autograd.ops;

import dev.sextant.autograd.Op;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Nesting;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;

/**
 * The gates of a {@link Superkernel} alone (the conditions of Single-Path NAS, eq. 2 and 3), for
 * those who apply them elsewhere than to the kernel.
 */
@SuppressWarnings("NullAway.Init") // fields are set before the op is recorded
public final class SuperkernelGates extends Op {
  private static final Kind<SuperkernelGates> KIND =
      new Kind<>("superkernel_gates", SuperkernelGates::new);

  private Variable w;
  private Variable thresholds;
  private Tensor scales;
  private Nesting nesting;

  private SuperkernelGates() {}

  /**
   * {@return the gates, in the order of the nesting}
   *
   * @param tape open; records the op if an input requires a gradient
   * @param w {@code [k, k, C]}
   * @param thresholds one for each gate
   * @param scales what an open gate has as its value, one for each gate; the caller's until the
   *     backward pass
   * @param nesting kernel sizes and channels of the superkernel
   * @throws dev.sextant.tensor.SextantException if the shapes do not fit the nesting
   */
  public static Variable apply(
      Tape tape, Variable w, Variable thresholds, Tensor scales, Nesting nesting) {
    Tensor gates = tape.output(Shape.of(nesting.gates()), "superkernel_gates");
    try (Tensor unread = kernel(tape, w)) {
      tape.backend()
          .superkernel()
          .forward(w.value(), thresholds.value(), scales, nesting, gates, unread);
    }
    SuperkernelGates op = tape.op(KIND);
    op.w = op.input(op.save(w));
    op.thresholds = op.input(op.save(thresholds));
    op.scales = scales;
    op.nesting = nesting;
    return tape.record(op, gates);
  }

  @Override
  protected void backward(Tape tape, Tensor dgates) {
    Tensor dw = tape.gradientLike(w, "superkernel_gates.gradient");
    Tensor dthresholds = tape.gradientLike(thresholds, "superkernel_gates.thresholds_gradient");
    try (Tensor none = kernel(tape, w)) {
      tape.backend().elementwise().fill(none, 0);
      tape.backend()
          .superkernel()
          .backward(w.value(), thresholds.value(), scales, nesting, dgates, none, dw, dthresholds);
    }
    tape.accumulate(w, dw);
    tape.accumulate(thresholds, dthresholds);
  }

  private static Tensor kernel(Tape tape, Variable w) {
    return tape.backend().memory().floats(w.shape(), Category.WORKSPACE, "superkernel_gates");
  }
}
