package dev.sextant.runtime.layer;

import dev.sextant.runtime.graph.Graph;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.util.List;

/** y = 0: an edge that is cut. No chain of layers can hold it, so it has no operations. */
public record Zero() implements Layer {
  /** {@code "zero"}, which stands only on the edges of cells. */
  public static final LayerType<Zero> TYPE =
      LayerType.of("zero", Zero.class, List.of(), _ -> new Zero())
          .notInAChain("zero would cut the chain of layers; use skip");

  @Override
  public LayerType<Zero> type() {
    return TYPE;
  }

  @Override
  public Graph.Value lower(Graph graph, Graph.Value x) {
    throw new SextantException("zero: stands only on the edges of a cell, not in a chain");
  }

  @Override
  public Shape output(Shape input) {
    return input;
  }

  @Override
  public long parameters(Shape input) {
    return 0;
  }

  @Override
  public long macs(Shape input) {
    return 0;
  }

  @Override
  public boolean isFree() {
    return true;
  }
}
