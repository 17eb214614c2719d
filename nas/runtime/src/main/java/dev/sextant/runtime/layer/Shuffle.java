package dev.sextant.runtime.layer;

import dev.sextant.runtime.graph.Graph;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Window;
import java.util.List;
import java.util.Locale;

/**
 * The unit of ShuffleNetV2 (Ma et al., 2018, figure 3c and 3d): where the shape stays, half of the
 * channels pass and the other half goes through pointwise convolution, batch norm, activation;
 * depthwise, batch norm; pointwise, batch norm, activation. Where it changes, all channels go
 * through this right branch and through a left one of depthwise, batch norm; pointwise, batch norm,
 * activation, each of which gives half of the output. Both halves are shuffled with two groups.
 *
 * <p>Weights: {@code reduce.weight [1, 1, in, half]}, {@code reduce_norm.*}, {@code
 * depthwise.weight [k, k, half]}, {@code depthwise_norm.*}, {@code project.weight [1, 1, half,
 * half]}, {@code project_norm.*}, and of the left branch {@code left_depthwise.weight}, {@code
 * left_depthwise_norm.*}, {@code left_project.weight}, {@code left_project_norm.*}.
 *
 * @param kernel odd, 1 to 15, of the depthwise convolutions
 * @param stride 1 to 4, of the depthwise convolutions
 * @param out output channels, an even number
 * @param activation of the pointwise convolutions
 */
public record Shuffle(int kernel, int stride, int out, Activation activation) implements Layer {
  private static final Field<Shuffle, Integer> KERNEL = Field.kernel(Shuffle::kernel);
  private static final Field<Shuffle, Integer> STRIDE = Field.stride(Shuffle::stride);
  private static final Field<Shuffle, Integer> OUT = Field.out(Shuffle::out);
  private static final Field<Shuffle, Activation> ACTIVATION =
      Field.activation(Shuffle::activation, Activation.RELU).written();

  /** {@code "shuffle"}. */
  public static final LayerType<Shuffle> TYPE =
      LayerType.of(
              "shuffle",
              Shuffle.class,
              List.of(KERNEL, STRIDE, OUT, ACTIVATION),
              values ->
                  new Shuffle(
                      values.get(KERNEL),
                      values.get(STRIDE),
                      values.get(OUT),
                      values.get(ACTIVATION)))
          .describedAs("The unit of ShuffleNetV2; the width is even.");

  /** Checks the ranges. */
  public Shuffle {
    KERNEL.check("shuffle", kernel);
    STRIDE.check("shuffle", stride);
    OUT.check("shuffle", out);
    if (out % 2 != 0) {
      throw new SextantException(String.format(Locale.ROOT, "shuffle: out %d is odd", out));
    }
  }

  @Override
  public LayerType<Shuffle> type() {
    return TYPE;
  }

  @Override
  public Graph.Value lower(Graph graph, Graph.Value x) {
    int half = out / 2;
    Window window = Window.same(kernel, stride);
    boolean passes = stride == 1 && x.shape().channels() == out;
    Graph.Value right = passes ? graph.slice(x, half, out) : x;
    right = graph.pointwise(right, "reduce", "reduce_norm", half, activation);
    right = graph.depthwise(right, "depthwise", "depthwise_norm", window, Activation.IDENTITY);
    right = graph.pointwise(right, "project", "project_norm", half, activation);
    if (passes) {
      return graph.interleave(graph.slice(x, 0, half), right);
    }
    Graph.Value left =
        graph.depthwise(x, "left_depthwise", "left_depthwise_norm", window, Activation.IDENTITY);
    left = graph.pointwise(left, "left_project", "left_project_norm", half, activation);
    return graph.interleave(left, right);
  }
}
