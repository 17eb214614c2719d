package dev.sextant.autograd;

import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * An op written outside this library: its forward on the CPU is required, a gradient and other
 * devices are optional. {@link #apply} puts it on a tape, where {@link GradientCheck}, memory
 * accounting and profiling treat it like any built-in op.
 *
 * <pre>{@code
 * final class Square implements CustomOp {
 *   public String name() { return "square"; }
 *   public Shape outputShape(Shape... inputs) { return inputs[0]; }
 *   public void forward(Backend backend, Tensor[] x, Tensor y) { backend.elementwise().multiply(x[0], x[0], y); }
 * }
 * Variable y = new Square().apply(tape, x);
 * }</pre>
 */
public interface CustomOp {
  /** A part of the op that its author has not written, such as its gradient. */
  final class UnsupportedException extends SextantException {
    private static final long serialVersionUID = 1;

    /**
     * An error that names the op and the part.
     *
     * @param message one sentence that names the op and the device or the part
     */
    public UnsupportedException(String message) {
      super(message);
    }
  }

  /** {@return its name in messages and in memory accounts} */
  String name();

  /**
   * {@return the output's shape}
   *
   * @param inputs the inputs' shapes, in order
   * @throws SextantException if the inputs do not fit together
   */
  Shape outputShape(Shape... inputs);

  /**
   * {@return whether it runs on a device; on the CPU unless overridden}
   *
   * @param device of the tape
   */
  default boolean supports(Device device) {
    return !device.kind().equals("cuda");
  }

  /**
   * Writes the output. Inputs are not to be changed.
   *
   * @param backend the tape's, whose memory holds workspace
   * @param inputs the inputs' values, in order; not to be changed
   * @param output of {@link #outputShape}'s shape, undefined; written
   */
  void forward(Backend backend, Tensor[] inputs, Tensor output);

  /**
   * Writes the gradients with respect to the inputs that require one.
   *
   * @param backend the tape's, whose memory holds workspace
   * @param inputs the inputs' values, in order; not to be changed
   * @param dy the output's gradient; not to be changed
   * @param gradients one tensor for each input, null where none is required; undefined content
   * @throws UnsupportedException unless overridden
   */
  default void backward(Backend backend, Tensor[] inputs, Tensor dy, @Nullable Tensor[] gradients) {
    throw new UnsupportedException(name() + ": has no gradient; override CustomOp.backward");
  }

  /**
   * Puts the op on a tape.
   *
   * @param tape open; records the op if an input requires a gradient
   * @param inputs on this tape, in order
   * @return the output; the caller releases it
   * @throws UnsupportedException where the tape's device is not supported
   */
  default Variable apply(Tape tape, Variable... inputs) {
    Device device = tape.backend().device();
    if (!supports(device)) {
      throw new UnsupportedException(name() + ": has no kernel for device " + device);
    }
    Variable[] operands = inputs.clone();
    Shape[] shapes = new Shape[operands.length];
    for (int i = 0; i < operands.length; i++) {
      shapes[i] = operands[i].shape();
    }
    Tensor output = tape.output(outputShape(shapes), name());
    forward(tape.backend(), values(operands), output);
    return tape.record(
        name(),
        output,
        operands,
        operands,
        dy -> {
          @Nullable Tensor[] gradients = new @Nullable Tensor[operands.length];
          for (int i = 0; i < operands.length; i++) {
            if (operands[i].requiresGradient()) {
              gradients[i] = tape.gradientLike(operands[i], name());
            }
          }
          backward(tape.backend(), values(operands), dy, gradients);
          for (int i = 0; i < operands.length; i++) {
            Tensor gradient = gradients[i];
            if (gradient != null) {
              tape.accumulate(operands[i], gradient);
            }
          }
        });
  }

  private static Tensor[] values(Variable[] inputs) {
    Tensor[] values = new Tensor[inputs.length];
    for (int i = 0; i < inputs.length; i++) {
      values[i] = inputs[i].value();
    }
    return values;
  }
}
