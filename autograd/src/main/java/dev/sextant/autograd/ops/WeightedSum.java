package dev.sextant.autograd.ops;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.Locale;

/**
 * y = w[first] x[0] + w[first + 1] x[1] + ...: the mixture of candidates that DARTS trains, eq. 1
 * of Latency-Aware DARTS with w the softmax.
 */
public final class WeightedSum {
  private WeightedSum() {}

  /**
   * {@return the sum of variables of one shape}
   *
   * @param tape open; records the op if an input requires a gradient
   * @param w {@code [K]}
   * @param first index of the weight of the first variable; weights that no variable has get a
   *     gradient of 0
   * @param x at least one, of one shape
   * @throws SextantException if there are no variables, more than weights, or their shapes differ
   */
  public static Variable apply(Tape tape, Variable w, int first, Variable... x) {
    Variable[] terms = x.clone();
    check(w, first, terms);
    float[] weights = new float[w.shape().size()];
    tape.backend().download(w.value(), weights, 0);
    Tensor y = tape.output(terms[0].shape(), "weighted_sum");
    tape.backend().elementwise().scale(terms[0].value(), weights[first], y);
    for (int i = 1; i < terms.length; i++) {
      tape.backend().elementwise().axpy(weights[first + i], terms[i].value(), y);
    }
    Variable[] inputs = new Variable[terms.length + 1];
    System.arraycopy(terms, 0, inputs, 0, terms.length);
    inputs[terms.length] = w;
    boolean forW = w.requiresGradient();
    return tape.record(
        "weighted_sum",
        y,
        inputs,
        forW ? terms : new Variable[0],
        dy -> {
          if (forW) {
            float[] products = new float[weights.length];
            for (int i = 0; i < terms.length; i++) {
              products[first + i] = (float) tape.backend().elementwise().dot(terms[i].value(), dy);
            }
            Tensor dw = tape.gradientLike(w, "weighted_sum.gradient");
            tape.backend().upload(products, 0, dw);
            tape.accumulate(w, dw);
          }
          for (int i = 0; i < terms.length; i++) {
            if (terms[i].requiresGradient()) {
              Tensor dx = tape.gradientLike(terms[i], "weighted_sum.gradient");
              tape.backend().elementwise().scale(dy, weights[first + i], dx);
              tape.accumulate(terms[i], dx);
            }
          }
        });
  }

  private static void check(Variable w, int first, Variable[] terms) {
    if (w.shape().rank() != 1
        || terms.length == 0
        || first < 0
        || first + terms.length > w.shape().size()) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "weighted_sum: %d variables for weights %s from %d on",
              terms.length,
              w.shape(),
              first));
    }
    for (Variable term : terms) {
      Shape shape = term.shape();
      if (!shape.equals(terms[0].shape())) {
        throw new SextantException(
            String.format(
                Locale.ROOT, "weighted_sum: shapes %s and %s differ", terms[0].shape(), shape));
      }
    }
  }
}
