package dev.sextant.bench.libtorch;

import dev.sextant.autograd.GradientCheck;
import dev.sextant.autograd.ops.BatchNormActivate;
import dev.sextant.autograd.ops.NormalizedChain;
import dev.sextant.autograd.ops.Superkernel;
import dev.sextant.autograd.ops.SuperkernelGates;
import dev.sextant.tensor.Shape;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * An op on some inputs: a line of the table of parity.
 *
 * @param ours of the inputs that are not constant
 * @param theirs TorchScript of {@code x0}, {@code x1} …
 * @param output how the output is ordered
 */
record OpLine(
    Class<?> op,
    GradientCheck.Function ours,
    String theirs,
    TensorRole output,
    String detail,
    List<Input> inputs) {
  /** Elsewhere activations read inputs, the same numbers in float and double. */
  boolean kinks() {
    return op == BatchNormActivate.class
        || op == NormalizedChain.class
        || op == Superkernel.class
        || op == SuperkernelGates.class;
  }

  @Override
  public String toString() {
    String shapes =
        inputs.stream().map(input -> input.shape.toString()).collect(Collectors.joining(" "));
    return "%s %s%s".formatted(op.getSimpleName(), shapes, detail.isEmpty() ? "" : " " + detail);
  }

  /**
   * An input, uniform between two numbers.
   *
   * @param constant values of an input that libtorch alone has; null for the others
   */
  record Input(TensorRole kind, Shape shape, double low, double high, float @Nullable [] constant) {
    float[] values(long seed, int index) {
      return constant != null
          ? constant
          : Parity.uniform(31 * seed + index, shape.size(), low, high);
    }
  }

  static OpLine line(
      Class<?> op, GradientCheck.Function ours, String theirs, TensorRole output, Input... inputs) {
    return new OpLine(op, ours, theirs, output, "", List.of(inputs));
  }

  static OpLine line(
      Class<?> op,
      Object detail,
      GradientCheck.Function ours,
      String theirs,
      TensorRole output,
      Input... inputs) {
    return new OpLine(op, ours, theirs, output, detail.toString(), List.of(inputs));
  }

  static Input input(TensorRole kind, int... extents) {
    return new Input(kind, Shape.of(extents), -1, 1, null);
  }

  static Input image(int... extents) {
    return input(TensorRole.IMAGE, extents);
  }

  static Input plain(int... extents) {
    return input(TensorRole.PLAIN, extents);
  }

  static Input within(double low, double high, int... extents) {
    return new Input(TensorRole.PLAIN, Shape.of(extents), low, high, null);
  }

  static Input constant(Shape shape, float... values) {
    return new Input(TensorRole.PLAIN, shape, 0, 0, values);
  }
}
