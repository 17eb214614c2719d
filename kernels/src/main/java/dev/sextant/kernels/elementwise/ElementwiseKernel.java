package dev.sextant.kernels.elementwise;

import dev.sextant.kernels.ptx.Activations;
import dev.sextant.kernels.ptx.Assembler;
import dev.sextant.kernels.ptx.Kernel;
import dev.sextant.kernels.ptx.KernelSource;
import dev.sextant.kernels.ptx.Operand.F32;
import dev.sextant.tensor.Activation;
import java.util.Locale;

/**
 * Elementwise kernels; an output may be an input.
 *
 * @param activation the identity for operations without one
 * @param width floats of a vector: 4, or 1 for addresses that are not aligned to 16 bytes
 */
public record ElementwiseKernel(Operation operation, Activation activation, int width)
    implements KernelSource {
  /**
   * What is done to each element. Parameters: arrays as listed, factor where there is one, size.
   */
  public enum Operation {
    /** out = value: out, value. */
    FILL("out = value"),
    /** out = x: x, out. */
    COPY("out = x"),
    /** out = factor x: x, out, factor. */
    SCALE("out = factor x"),
    /** y += a x: x, y, a. */
    AXPY("y += a x"),
    /** out = a + b: a, b, out. */
    ADD("out = a + b"),
    /** out = a b: a, b, out. */
    MULTIPLY("out = a b"),
    /** out = activation(x): x, out. */
    ACTIVATE("out = activation(x)"),
    /** dx = dy activation'(x): x, dy, dx. */
    ACTIVATE_BACKWARD("dx = dy activation'(x)");

    private final String formula;

    Operation(String formula) {
      this.formula = formula;
    }
  }

  /** An operation without an activation. */
  public ElementwiseKernel(Operation operation, int width) {
    this(operation, Activation.IDENTITY, width);
  }

  @Override
  public String name() {
    return operation.name().toLowerCase(Locale.ROOT)
        + Activations.suffix(activation)
        + "_v"
        + width;
  }

  @Override
  public Kernel assemble() {
    Assembler k = new Assembler(name(), operation.formula, THREADS);
    FlatArrays arrays = new FlatArrays(k, width);
    switch (operation) {
      case FILL -> {
        arrays.writes("out", "output");
        F32 value = k.number("value", "of every element");
        arrays.each(in -> one(value));
      }
      case COPY -> {
        arrays.reads("x", "input").writes("out", "output");
        arrays.each(in -> one(in[0]));
      }
      case SCALE -> {
        arrays.reads("x", "input").writes("out", "output");
        F32 factor = k.number("factor", "of every element");
        arrays.each(in -> one(k.multiply(in[0], factor)));
      }
      case AXPY -> {
        arrays.reads("x", "input").updates("y", "sum");
        F32 a = k.number("a", "factor of x");
        arrays.each(in -> one(k.fma(a, in[0], in[1])));
      }
      case ADD -> {
        arrays.reads("a", "input").reads("b", "input").writes("out", "output");
        arrays.each(in -> one(k.add(in[0], in[1])));
      }
      case MULTIPLY -> {
        arrays.reads("a", "input").reads("b", "input").writes("out", "output");
        arrays.each(in -> one(k.multiply(in[0], in[1])));
      }
      case ACTIVATE -> {
        arrays.reads("x", "input").writes("out", "output");
        arrays.each(in -> one(Activations.apply(k, activation, in[0])));
      }
      case ACTIVATE_BACKWARD -> {
        arrays.reads("x", "input of the activation").reads("dy", "gradient of its output");
        arrays.writes("dx", "gradient of its input");
        arrays.each(in -> one(Activations.backward(k, activation, in[0], in[1])));
      }
    }
    return k.assemble();
  }

  private static F32[] one(F32 value) {
    return new F32[] {value};
  }
}
