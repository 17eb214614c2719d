package dev.example.layer;

import dev.sextant.runtime.graph.LayerKernel;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.List;

/**
 * y = max(x, 0)², made of the backend's kernels, so that it runs on every device. Its gradient is 2
 * max(x, 0) dy.
 */
final class SquaredRelu implements LayerKernel {
  @Override
  public String name() {
    return "squared relu";
  }

  @Override
  public Shape output(List<Shape> inputs) {
    return inputs.getFirst();
  }

  @Override
  public boolean supports(Device device) {
    return true;
  }

  @Override
  public void forward(Backend backend, List<Tensor> operands, Tensor y) {
    backend.elementwise().activate(operands.getFirst(), Activation.RELU, y);
    backend.elementwise().multiply(y, y, y);
  }

  @Override
  public void backward(Backend backend, List<Tensor> operands, Tensor dy, List<Tensor> gradients) {
    Tensor dx = gradients.getFirst();
    if (dx != null) {
      backend.elementwise().activate(operands.getFirst(), Activation.RELU, dx);
      backend.elementwise().multiply(dx, dy, dx);
      backend.elementwise().scale(dx, 2, dx);
    }
  }
}
