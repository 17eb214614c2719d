package dev.sextant.autograd.ops;

import dev.sextant.autograd.Op;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Nesting;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;

/**
 * A depthwise kernel that holds smaller ones and fewer channels inside it, and gates that leave
 * parts of it out where their norm is below a threshold (Single-Path NAS, eq. 1 to 4). Forward the
 * gates are hard; backward they are sigmoids, so that thresholds and weights learn together.
 */
@SuppressWarnings("NullAway.Init") // fields are set before the op is recorded
public final class Superkernel extends Op {
  private static final Kind<Superkernel> KIND = new Kind<>("superkernel", Superkernel::new);

  private Variable w;
  private Variable thresholds;
  private Variable gates;
  private Tensor scales;
  private Nesting nesting;

  private Superkernel() {}

  /**
   * {@return a variable for {@link #apply} to put the gates in; others may read them behind it}
   *
   * @param tape the one that {@link #apply} will get
   * @param nesting kernel sizes and channels of the superkernel
   */
  public static Variable gates(Tape tape, Nesting nesting) {
    Tensor values = tape.output(Shape.of(nesting.gates()), "superkernel.gates");
    Variable gates = tape.leaf(values);
    values.close();
    return gates;
  }

  /**
   * {@return the kernel that the gates leave, {@code [k, k, C]}}
   *
   * @param tape open; records the op if an input requires a gradient
   * @param w {@code [k, k, C]}
   * @param thresholds one for each gate
   * @param scales what an open gate has as its value, one for each gate: 1, or what dropout made of
   *     it; the caller's until the backward pass
   * @param nesting kernel sizes and channels of the superkernel
   * @param gates from {@link #gates}; written. The gradients that it has been given by then are
   *     part of the backward pass
   * @throws dev.sextant.tensor.SextantException if the shapes do not fit the nesting
   */
  public static Variable apply(
      Tape tape, Variable w, Variable thresholds, Tensor scales, Nesting nesting, Variable gates) {
    Tensor effective = tape.output(w.shape(), "superkernel");
    tape.backend()
        .superkernel()
        .forward(w.value(), thresholds.value(), scales, nesting, gates.value(), effective);
    Superkernel op = tape.op(KIND);
    op.w = op.input(op.save(w));
    op.thresholds = op.input(op.save(thresholds));
    op.gates = gates;
    op.scales = scales;
    op.nesting = nesting;
    return tape.record(op, effective);
  }

  @Override
  protected void backward(Tape tape, Tensor deffective) {
    Tensor dw = tape.gradientLike(w, "superkernel.gradient");
    Tensor dthresholds = tape.gradientLike(thresholds, "superkernel.thresholds_gradient");
    Tensor given = gates.gradient();
    Tensor dgates = given;
    if (dgates == null) {
      dgates =
          tape.backend()
              .memory()
              .floats(gates.shape(), Category.WORKSPACE, "superkernel.gates_gradient");
      tape.backend().elementwise().fill(dgates, 0);
    }
    tape.backend()
        .superkernel()
        .backward(
            w.value(), thresholds.value(), scales, nesting, dgates, deffective, dw, dthresholds);
    if (given == null) {
      dgates.close();
    }
    tape.accumulate(w, dw);
    tape.accumulate(thresholds, dthresholds);
  }
}
