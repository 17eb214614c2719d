package dev.sextant.tensor.family;

import dev.sextant.tensor.Check;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Tensor;
import java.util.List;
import java.util.Locale;

/** The rules of {@link Optimizer}. A passing check allocates nothing. */
public final class OptimizerRules {
  private OptimizerRules() {}

  /**
   * Checks the arguments of {@link Optimizer#sgd}.
   *
   * @param tensors for each parameter what the update of one takes, in that order
   * @param decays L2 decay of each
   */
  public static void sgd(List<Tensor[]> tensors, float[] decays) {
    steps("sgdSteps", tensors, 3, decays.length);
  }

  /**
   * Checks the arguments of {@link Optimizer#adam}.
   *
   * @param tensors for each parameter what the update of one takes, in that order
   * @param decays L2 decay of each
   * @param steps number of this step of each, from 1
   */
  public static void adam(List<Tensor[]> tensors, float[] decays, int[] steps) {
    steps("adamSteps", tensors, 4, Math.min(decays.length, steps.length));
  }

  /**
   * Checks the arguments of {@link Optimizer#rmsProp}.
   *
   * @param tensors for each parameter what the update of one takes, in that order
   * @param decays L2 decay of each
   */
  public static void rmsProp(List<Tensor[]> tensors, float[] decays) {
    steps("rmsPropSteps", tensors, 4, decays.length);
  }

  /**
   * Checks the arguments of {@link Optimizer#sgd}.
   *
   * @param w parameters, updated
   * @param g their gradient, of w's shape
   * @param v velocity, of w's shape, updated
   */
  public static void sgd(Tensor w, Tensor g, Tensor v) {
    String op = "sgdStep";
    Check.same(op, w, g, v);
    Check.apart(op, w, g);
    Check.apart(op, w, v);
    Check.apart(op, v, g);
  }

  /**
   * Checks the arguments of {@link Optimizer#adam}.
   *
   * @param w parameters, updated
   * @param g their gradient, of w's shape
   * @param m running mean of the gradient, of w's shape, updated
   * @param v running mean of its square, of w's shape, updated
   */
  public static void adam(Tensor w, Tensor g, Tensor m, Tensor v) {
    optimizer("adamStep", w, g, m, v);
  }

  /**
   * Checks the arguments of {@link Optimizer#rmsProp}.
   *
   * @param w parameters, updated
   * @param g their gradient, of w's shape
   * @param s running mean of the squared gradient, of w's shape, updated
   * @param v velocity, of w's shape, updated
   */
  public static void rmsProp(Tensor w, Tensor g, Tensor s, Tensor v) {
    optimizer("rmsPropStep", w, g, s, v);
  }

  private static void steps(String op, List<Tensor[]> tensors, int operands, int constants) {
    if (constants < tensors.size()) {
      throw new SextantException(
          String.format(
              Locale.ROOT, "%s: %d tensors, constants of %d", op, tensors.size(), constants));
    }
    for (int i = 0; i < tensors.size(); i++) {
      Tensor[] t = tensors.get(i);
      if (t.length != operands) {
        throw new SextantException(
            String.format(Locale.ROOT, "%s: %d operands, needs %d", op, t.length, operands));
      }
      for (int a = 1; a < operands; a++) {
        Check.same(op, t[0], t[a]);
        for (int b = 0; b < a; b++) {
          Check.apart(op, t[a], t[b]);
        }
      }
    }
  }

  private static void optimizer(String op, Tensor w, Tensor g, Tensor first, Tensor second) {
    Check.same(op, w, g, first, second);
    Check.apart(op, w, g);
    Check.apart(op, w, first);
    Check.apart(op, w, second);
    Check.apart(op, first, g);
    Check.apart(op, second, g);
    Check.apart(op, first, second);
  }
}
