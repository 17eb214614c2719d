package dev.sextant.runtime.layer;

import dev.sextant.runtime.graph.Graph;
import java.util.List;

/** The identity, {@code "skip"} or {@code "identity"}: y = x. */
public record Skip() implements Layer {
  /** {@code "skip"}. */
  public static final LayerType<Skip> TYPE =
      LayerType.of("skip", Skip.class, List.of(), _ -> new Skip());

  /** {@code "identity"}, which is written as {@code "skip"}. */
  public static final LayerType<Skip> IDENTITY =
      LayerType.of("identity", Skip.class, List.of(), _ -> new Skip());

  @Override
  public LayerType<Skip> type() {
    return TYPE;
  }

  @Override
  public Graph.Value lower(Graph graph, Graph.Value x) {
    return x;
  }

  @Override
  public boolean isFree() {
    return true;
  }
}
