package dev.sextant.runtime.layer;

import dev.sextant.runtime.graph.Graph;
import dev.sextant.runtime.graph.Operation;
import dev.sextant.tensor.Activation;
import java.util.List;

/**
 * A fully connected layer with a bias, activation: {@code [N, C]} to {@code [N, out]}. Weights:
 * {@code weight [in, out]}, {@code bias [out]}.
 *
 * @param out output features
 * @param activation what comes last; the identity for logits
 */
public record Linear(int out, Activation activation) implements Layer {
  private static final Field<Linear, Activation> ACTIVATION =
      Field.activation(Linear::activation, Activation.IDENTITY);
  private static final Field<Linear, Integer> OUT = Field.out(Linear::out);

  /** {@code "linear"}. */
  public static final LayerType<Linear> TYPE =
      LayerType.of(
          "linear",
          Linear.class,
          List.of(OUT, ACTIVATION),
          values -> new Linear(values.get(OUT), values.get(ACTIVATION)));

  /**
   * Without an activation.
   *
   * @param out output features
   */
  public Linear(int out) {
    this(out, Activation.IDENTITY);
  }

  /** Checks the range. */
  public Linear {
    OUT.check("linear", out);
  }

  @Override
  public LayerType<Linear> type() {
    return TYPE;
  }

  @Override
  public Graph.Value lower(Graph graph, Graph.Value x) {
    return graph.add(new Operation.Linear("", out, activation), x);
  }
}
