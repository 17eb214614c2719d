package dev.sextant.onnx.quantize;

import dev.sextant.runtime.graph.LayerKernel;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.List;

/**
 * A value as eight bits and a scale have it: the nearest of -128 to 127 steps, halves to the even.
 *
 * @param scale the step
 */
record Rounded(float scale) implements LayerKernel {
  @Override
  public String name() {
    return "rounded";
  }

  @Override
  public Shape output(List<Shape> inputs) {
    return inputs.getFirst();
  }

  @Override
  public void forward(Backend backend, List<Tensor> operands, Tensor y) {
    Tensor x = operands.getFirst();
    for (int i = 0; i < y.size(); i++) {
      double steps = Math.rint(x.floats()[x.offset() + i] / scale);
      y.floats()[y.offset() + i] = (float) Math.clamp(steps, -128, 127) * scale;
    }
  }
}
