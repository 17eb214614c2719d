package dev.sextant.kernels.optimizer;

import dev.sextant.kernels.elementwise.FlatArrays;
import dev.sextant.kernels.ptx.Assembler;
import dev.sextant.kernels.ptx.Kernel;
import dev.sextant.kernels.ptx.KernelSource;
import dev.sextant.kernels.ptx.Operand.F32;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.SequencedMap;

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

  /** A constant of a rule. */
  private record Constant(String name, String meaning) {}

  @Override
  public Kernel assemble() {
    Assembler k = new Assembler(name(), "one optimizer step, all in one pass", THREADS);
    FlatArrays arrays = new FlatArrays(k, width);
    arrays.updates("w", "weights").reads("g", "their gradient");
    moments(rule).forEach((moment, meaning) -> arrays.updates(moment, meaning));
    F32[] constants =
        constants(rule).stream()
            .map(constant -> k.number(constant.name, constant.meaning))
            .toArray(F32[]::new);
    arrays.each(in -> update(k, rule, in, constants));
    return k.assemble();
  }

  /** Names and meanings of a rule's moments, in order. */
  static SequencedMap<String, String> moments(Rule rule) {
    SequencedMap<String, String> moments = new LinkedHashMap<>();
    switch (rule) {
      case SGD, SGD_NESTEROV -> moments.put("v", "velocity");
      case ADAM -> {
        moments.put("m", "first moment");
        moments.put("v", "second moment");
      }
      case RMSPROP -> {
        moments.put("s", "mean square");
        moments.put("v", "velocity");
      }
    }
    return moments;
  }

  private static List<Constant> constants(Rule rule) {
    return switch (rule) {
      case SGD, SGD_NESTEROV ->
          List.of(
              new Constant("rate", "learning rate"),
              new Constant("momentum", "of the velocity"),
              new Constant("decay", "of the weights, added to the gradient"));
      case ADAM ->
          List.of(
              new Constant("beta1", "decay of the first moment"),
              new Constant("beta2", "decay of the second moment"),
              new Constant("rest1", "1 - beta1"),
              new Constant("rest2", "1 - beta2"),
              new Constant("decay", "of the weights, added to the gradient"),
              new Constant("rate", "learning rate / (1 - beta1^step)"),
              new Constant("correction", "1 / (1 - beta2^step)"),
              new Constant("epsilon", "added to the root"));
      case RMSPROP ->
          List.of(
              new Constant("rho", "decay of the mean square"),
              new Constant("rest", "1 - rho"),
              new Constant("momentum", "of the velocity"),
              new Constant("decay", "of the weights, added to the gradient"),
              new Constant("rate", "learning rate"),
              new Constant("epsilon", "inside the root"));
    };
  }

  /** How many constants a rule has. */
  static int constantCount(Rule rule) {
    return constants(rule).size();
  }

  /**
   * The update of one element.
   *
   * @param in weight, gradient, moments
   * @param c the rule's constants, in their order
   * @return weight, moments
   */
  static F32[] update(Assembler k, Rule rule, F32[] in, F32[] c) {
    return switch (rule) {
      case SGD, SGD_NESTEROV -> {
        F32 gradient = k.fma(c[2], in[0], in[1]);
        F32 velocity = k.fma(c[1], in[2], gradient);
        F32 step = rule == Rule.SGD ? velocity : k.fma(c[1], velocity, gradient);
        yield new F32[] {k.subtract(in[0], k.multiply(c[0], step)), velocity};
      }
      case ADAM -> {
        F32 gradient = k.fma(c[4], in[0], in[1]);
        F32 first = k.fma(c[0], in[2], k.multiply(c[2], gradient));
        F32 second = k.fma(c[1], in[3], k.multiply(k.multiply(c[3], gradient), gradient));
        F32 root = k.add(k.squareRoot(k.multiply(second, c[6])), c[7]);
        F32 step = k.divide(k.multiply(c[5], first), root);
        yield new F32[] {k.subtract(in[0], step), first, second};
      }
      case RMSPROP -> {
        F32 gradient = k.fma(c[3], in[0], in[1]);
        F32 square = k.fma(c[0], in[2], k.multiply(k.multiply(c[1], gradient), gradient));
        F32 root = k.squareRoot(k.add(square, c[5]));
        F32 velocity = k.fma(c[2], in[3], k.divide(k.multiply(c[4], gradient), root));
        yield new F32[] {k.subtract(in[0], velocity), square, velocity};
      }
    };
  }
}
