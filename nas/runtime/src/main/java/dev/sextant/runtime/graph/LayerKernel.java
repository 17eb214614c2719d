package dev.sextant.runtime.graph;

import dev.sextant.runtime.graph.Operation.Weight;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An operation that the others cannot express, written outside this library: one piece of code for
 * training and for compiled models. Its forward on the CPU is required; a gradient and other
 * devices are optional. Called from the thread of the backend.
 */
public interface LayerKernel {
  /** {@return its name in messages and in memory accounts} */
  String name();

  /**
   * {@return the output's shape}
   *
   * @param inputs the inputs' shapes
   * @throws SextantException if the inputs do not fit together
   */
  Shape output(List<Shape> inputs);

  /**
   * {@return its trained weights, in the order in which the kernel takes them; none unless
   * overridden}
   *
   * @param inputs the inputs' shapes
   */
  default List<Weight> weights(List<Shape> inputs) {
    return List.of();
  }

  /**
   * {@return the multiply-adds for the whole batch; none unless overridden}
   *
   * @param inputs the inputs' shapes
   */
  default long macs(List<Shape> inputs) {
    return 0;
  }

  /**
   * {@return whether it runs on a device; on the CPU unless overridden}
   *
   * @param device of the model
   */
  default boolean supports(Device device) {
    return !device.kind().equals("cuda");
  }

  /**
   * Writes the output.
   *
   * @param backend of the operands' device, whose memory holds workspace
   * @param operands the inputs, then the weights; not to be changed
   * @param output of {@link #output}'s shape, undefined; written
   */
  void forward(Backend backend, List<Tensor> operands, Tensor output);

  /**
   * Writes the gradients with respect to the operands that require one.
   *
   * @param backend of the operands' device, whose memory holds workspace
   * @param operands the inputs, then the weights; not to be changed
   * @param dy the output's gradient; not to be changed
   * @param gradients one tensor for each operand, null where none is required; undefined content
   * @throws SextantException unless overridden
   */
  default void backward(
      Backend backend, List<Tensor> operands, Tensor dy, List<@Nullable Tensor> gradients) {
    throw new SextantException(name() + ": has no gradient; override LayerKernel.backward");
  }
}
