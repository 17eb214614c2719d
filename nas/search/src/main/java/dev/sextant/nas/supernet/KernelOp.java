package dev.sextant.nas.supernet;

import dev.sextant.autograd.CustomOp;
import dev.sextant.runtime.graph.LayerKernel;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A layer's kernel from outside, on a tape.
 *
 * @param inputs how many of the operands are inputs; the others are weights
 */
record KernelOp(LayerKernel kernel, int inputs) implements CustomOp {
  @Override
  public String name() {
    return kernel.name();
  }

  @Override
  public Shape outputShape(Shape... operands) {
    return kernel.output(List.of(operands).subList(0, inputs));
  }

  @Override
  public boolean supports(Device device) {
    return kernel.supports(device);
  }

  @Override
  public void forward(Backend backend, Tensor[] operands, Tensor output) {
    kernel.forward(backend, List.of(operands), output);
  }

  @Override
  public void backward(
      Backend backend, Tensor[] operands, Tensor dy, @Nullable Tensor[] gradients) {
    kernel.backward(backend, List.of(operands), dy, Arrays.asList(gradients));
  }
}
