package dev.sextant.runtime.layer;

import dev.sextant.runtime.graph.Graph;
import dev.sextant.runtime.graph.Operation;
import dev.sextant.tensor.Window;
import java.util.List;

/**
 * Pooling; the padding takes no part in a maximum or an average.
 *
 * @param max the maximum, or else the average
 * @param kernel odd, 1 to 15
 * @param stride 1 to 4
 */
public record Pool(boolean max, int kernel, int stride) implements Layer {
  private static final Field<Pool, Integer> KERNEL = Field.kernel(Pool::kernel);
  private static final Field<Pool, Integer> STRIDE = Field.stride(Pool::stride);

  /** {@code "max-pool"}. */
  public static final LayerType<Pool> MAX = type("max-pool", true);

  /** {@code "avg-pool"}. */
  public static final LayerType<Pool> AVERAGE = type("avg-pool", false);

  private static LayerType<Pool> type(String op, boolean max) {
    return LayerType.of(
        op,
        Pool.class,
        List.of(KERNEL, STRIDE),
        values -> new Pool(max, values.get(KERNEL), values.get(STRIDE)));
  }

  /** Checks the ranges. */
  public Pool {
    KERNEL.check("pool", kernel);
    STRIDE.check("pool", stride);
  }

  /** {@return the window of the pooling} */
  public Window window() {
    return Window.same(kernel, stride);
  }

  @Override
  public LayerType<Pool> type() {
    return max ? MAX : AVERAGE;
  }

  @Override
  public Graph.Value lower(Graph graph, Graph.Value x) {
    return graph.add(new Operation.Pool(max, window()), x);
  }
}
