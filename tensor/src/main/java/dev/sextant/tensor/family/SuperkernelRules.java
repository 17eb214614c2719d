package dev.sextant.tensor.family;

import dev.sextant.tensor.Check;
import dev.sextant.tensor.Nesting;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.Locale;

/** The rules of {@link Superkernel}. A passing check allocates nothing. */
public final class SuperkernelRules {
  private SuperkernelRules() {}

  /**
   * Checks the arguments of {@link Superkernel#forward}.
   *
   * @param w {@code [k, k, C]}, the largest kernel
   * @param thresholds one for each gate
   * @param scales what an open gate has as its value, one for each gate
   * @param nesting kernel sizes and channels inside w, and its gates
   * @param gates written, one for each gate
   * @param effective what the gates leave of w, written, of its shape
   */
  public static void forward(
      Tensor w, Tensor thresholds, Tensor scales, Nesting nesting, Tensor gates, Tensor effective) {
    String op = "superkernel";
    superkernelOperands(op, w, thresholds, scales, nesting);
    gates(op, "gates", gates, nesting);
    Check.same(op, w, effective);
    Check.apart(op, effective, w);
    Check.apart(op, gates, thresholds);
    Check.apart(op, gates, scales);
  }

  /**
   * Checks the arguments of {@link Superkernel#backward}.
   *
   * @param w {@code [k, k, C]}, the largest kernel
   * @param thresholds one for each gate
   * @param scales what an open gate has as its value, one for each gate
   * @param nesting kernel sizes and channels inside w, and its gates
   * @param dgates gradients of the gates
   * @param deffective gradient of the effective kernel
   * @param dw written, of w's shape
   * @param dthresholds written, one for each gate
   */
  public static void backward(
      Tensor w,
      Tensor thresholds,
      Tensor scales,
      Nesting nesting,
      Tensor dgates,
      Tensor deffective,
      Tensor dw,
      Tensor dthresholds) {
    String op = "superkernelBackward";
    superkernelOperands(op, w, thresholds, scales, nesting);
    gates(op, "gradient of gates", dgates, nesting);
    gates(op, "gradient of thresholds", dthresholds, nesting);
    Check.same(op, w, deffective, dw);
    Check.apart(op, dw, w);
    Check.apart(op, dw, deffective);
    Check.apart(op, dthresholds, thresholds);
    Check.apart(op, dthresholds, scales);
    Check.apart(op, dthresholds, dgates);
  }

  private static void superkernelOperands(
      String op, Tensor w, Tensor thresholds, Tensor scales, Nesting nesting) {
    nesting(op, w.shape(), nesting);
    gates(op, "thresholds", thresholds, nesting);
    gates(op, "scales", scales, nesting);
  }

  private static void gates(String op, String name, Tensor tensor, Nesting nesting) {
    if (tensor.size() != nesting.gates()) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: %s has %d entries, the superkernel %d gates (%s)",
              op,
              name,
              tensor.size(),
              nesting.gates(),
              nesting));
    }
  }

  /**
   * A superkernel has the largest kernel and all channels of its nesting.
   *
   * @param op the operation, as errors name it
   * @param w the superkernel's shape
   * @param nesting kernel sizes and channels inside w, and its gates
   */
  public static void nesting(String op, Shape w, Nesting nesting) {
    if (w.rank() != 3
        || w.get(0) != nesting.kernel()
        || w.get(1) != nesting.kernel()
        || w.get(2) != nesting.channels()) {
      throw new SextantException(
          String.format(
              Locale.ROOT, "%s: kernel %s does not fit the nesting of %s", op, w, nesting));
    }
  }
}
