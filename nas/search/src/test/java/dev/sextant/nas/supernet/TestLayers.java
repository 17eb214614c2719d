package dev.sextant.nas.supernet;

import dev.sextant.runtime.graph.Graph;
import dev.sextant.runtime.graph.LayerKernel;
import dev.sextant.runtime.graph.Operation;
import dev.sextant.runtime.layer.CustomLayer;
import dev.sextant.runtime.layer.Field;
import dev.sextant.runtime.layer.FieldKind;
import dev.sextant.runtime.layer.LayerProvider;
import dev.sextant.runtime.layer.LayerType;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A layer as a module outside this library adds it, with a kernel of its own. */
public final class TestLayers implements LayerProvider {
  /** For ServiceLoader. */
  public TestLayers() {}

  @Override
  public List<LayerType<?>> types() {
    return List.of(Gain.TYPE);
  }

  /**
   * A pointwise convolution, batch norm, sigmoid; then each channel times a power of its weight.
   */
  record Gain(int power, int out) implements CustomLayer {
    private static final Field<Gain, Integer> POWER =
        Field.of("power", FieldKind.integer(1, 3), Gain::power).otherwise(2).marked("p%s");
    private static final Field<Gain, Integer> OUT = Field.out(Gain::out);
    static final LayerType<Gain> TYPE =
        LayerType.of(
            "test-gain",
            Gain.class,
            List.of(POWER, OUT),
            values -> new Gain(values.get(POWER), values.get(OUT)));

    @Override
    public LayerType<Gain> type() {
      return TYPE;
    }

    @Override
    public Graph.Value lower(Graph graph, Graph.Value x) {
      Graph.Value mid = graph.pointwise(x, "mix", "mix_norm", out, Activation.SIGMOID);
      return graph.add(new Operation.Custom(new Times(power)), mid);
    }
  }

  /** y = x w^power. */
  private record Times(int power) implements LayerKernel {
    @Override
    public String name() {
      return "times";
    }

    @Override
    public Shape output(List<Shape> inputs) {
      return inputs.getFirst();
    }

    @Override
    public List<Operation.Weight> weights(List<Shape> inputs) {
      return List.of(Operation.Weight.of("gain", 1, inputs.getFirst().channels()));
    }

    @Override
    public void forward(Backend backend, List<Tensor> operands, Tensor output) {
      float[] x = operands.get(0).toArray();
      float[] w = operands.get(1).toArray();
      for (int i = 0; i < x.length; i++) {
        x[i] *= (float) Math.pow(w[i % w.length], power);
      }
      backend.upload(x, 0, output);
    }

    @Override
    public void backward(
        Backend backend, List<Tensor> operands, Tensor dy, List<@Nullable Tensor> gradients) {
      float[] x = operands.get(0).toArray();
      float[] w = operands.get(1).toArray();
      float[] g = dy.toArray();
      float[] dw = new float[w.length];
      for (int i = 0; i < x.length; i++) {
        int c = i % w.length;
        dw[c] += g[i] * x[i] * power * (float) Math.pow(w[c], power - 1.0);
        g[i] *= (float) Math.pow(w[c], power);
      }
      Tensor dx = gradients.get(0);
      if (dx != null) {
        backend.upload(g, 0, dx);
      }
      Tensor ofWeight = gradients.get(1);
      if (ofWeight != null) {
        backend.upload(dw, 0, ofWeight);
      }
    }
  }
}
