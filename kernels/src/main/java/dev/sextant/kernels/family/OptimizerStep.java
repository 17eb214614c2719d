package dev.sextant.kernels.family;

import dev.sextant.kernels.ptx.Assembler;
import dev.sextant.kernels.ptx.Kernel;
import dev.sextant.kernels.ptx.KernelSource;
import dev.sextant.kernels.ptx.Operand.F32;
import java.util.Locale;

/**
 * Fused optimizer steps: decay, moments and weights in one pass.
 *
 * @param width floats of a vector: 4, or 1 for addresses that are not aligned to 16 bytes
 */
public record OptimizerStep(Rule rule, int width) implements KernelSource {
  /** The update rule; {@link dev.sextant.tensor.Backend} has the formulas. */
  public enum Rule {
    /** Arrays w, g, v; rate, momentum, decay. */
    SGD,
    /** The same, with Nesterov's look ahead. */
    SGD_NESTEROV,
    /**
     * Arrays w, g, m, v; beta1, beta2, 1 - beta1, 1 - beta2 (rounded once, on the host), decay,
     * rate / (1 - beta1^step), 1 / (1 - beta2^step), epsilon.
     */
    ADAM,
    /** Arrays w, g, s, v; rho, 1 - rho, momentum, decay, rate, epsilon. */
    RMSPROP
  }

  @Override
  public String name() {
    return rule.name().toLowerCase(Locale.ROOT) + "_v" + width;
  }

  @Override
  public Kernel assemble() {
    Assembler k = new Assembler(name(), "one optimizer step, all in one pass", THREADS);
    FlatArrays arrays = new FlatArrays(k, width);
    arrays.updates("w", "weights").reads("g", "their gradient");
    switch (rule) {
      case SGD, SGD_NESTEROV -> sgd(k, arrays);
      case ADAM -> adam(k, arrays);
      case RMSPROP -> rmsProp(k, arrays);
    }
    return k.assemble();
  }

  private void sgd(Assembler k, FlatArrays arrays) {
    arrays.updates("v", "velocity");
    F32 rate = k.number("rate", "learning rate");
    F32 momentum = k.number("momentum", "of the velocity");
    F32 decay = k.number("decay", "of the weights, added to the gradient");
    arrays.each(
        in -> {
          F32 gradient = k.fma(decay, in[0], in[1]);
          F32 velocity = k.fma(momentum, in[2], gradient);
          F32 step = rule == Rule.SGD ? velocity : k.fma(momentum, velocity, gradient);
          return new F32[] {k.subtract(in[0], k.multiply(rate, step)), velocity};
        });
  }

  private static void adam(Assembler k, FlatArrays arrays) {
    arrays.updates("m", "first moment").updates("v", "second moment");
    F32 beta1 = k.number("beta1", "decay of the first moment");
    F32 beta2 = k.number("beta2", "decay of the second moment");
    F32 rest1 = k.number("rest1", "1 - beta1");
    F32 rest2 = k.number("rest2", "1 - beta2");
    F32 decay = k.number("decay", "of the weights, added to the gradient");
    F32 rate = k.number("rate", "learning rate / (1 - beta1^step)");
    F32 correction = k.number("correction", "1 / (1 - beta2^step)");
    F32 epsilon = k.number("epsilon", "added to the root");
    arrays.each(
        in -> {
          F32 gradient = k.fma(decay, in[0], in[1]);
          F32 first = k.fma(beta1, in[2], k.multiply(rest1, gradient));
          F32 second = k.fma(beta2, in[3], k.multiply(k.multiply(rest2, gradient), gradient));
          F32 root = k.add(k.squareRoot(k.multiply(second, correction)), epsilon);
          F32 step = k.divide(k.multiply(rate, first), root);
          return new F32[] {k.subtract(in[0], step), first, second};
        });
  }

  private static void rmsProp(Assembler k, FlatArrays arrays) {
    arrays.updates("s", "mean square").updates("v", "velocity");
    F32 rho = k.number("rho", "decay of the mean square");
    F32 rest = k.number("rest", "1 - rho");
    F32 momentum = k.number("momentum", "of the velocity");
    F32 decay = k.number("decay", "of the weights, added to the gradient");
    F32 rate = k.number("rate", "learning rate");
    F32 epsilon = k.number("epsilon", "inside the root");
    arrays.each(
        in -> {
          F32 gradient = k.fma(decay, in[0], in[1]);
          F32 square = k.fma(rho, in[2], k.multiply(k.multiply(rest, gradient), gradient));
          F32 root = k.squareRoot(k.add(square, epsilon));
          F32 velocity = k.fma(momentum, in[3], k.divide(k.multiply(rate, gradient), root));
          return new F32[] {k.subtract(in[0], velocity), square, velocity};
        });
  }
}
