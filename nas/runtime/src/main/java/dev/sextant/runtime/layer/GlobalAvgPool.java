package dev.sextant.runtime.layer;

import dev.sextant.runtime.graph.Graph;
import dev.sextant.runtime.graph.Operation;
import java.util.List;

/** The mean over the pixels: {@code [N, H, W, C]} to {@code [N, C]}. */
public record GlobalAvgPool() implements Layer {
  /** {@code "global-avg-pool"}. */
  public static final LayerType<GlobalAvgPool> TYPE =
      LayerType.of("global-avg-pool", GlobalAvgPool.class, List.of(), _ -> new GlobalAvgPool())
          .notACandidate("global-avg-pool cannot be a candidate");

  @Override
  public LayerType<GlobalAvgPool> type() {
    return TYPE;
  }

  @Override
  public Graph.Value lower(Graph graph, Graph.Value x) {
    return graph.add(new Operation.GlobalAvgPool(), x);
  }
}
