package dev.sextant.runtime.dag;

import dev.sextant.runtime.graph.Graph;
import dev.sextant.runtime.graph.Operation;
import dev.sextant.runtime.layer.CustomLayer;
import dev.sextant.runtime.layer.Field;
import dev.sextant.runtime.layer.FieldKind;
import dev.sextant.runtime.layer.LayerType;
import dev.sextant.tensor.SextantException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * A layer whose operations are written one by one: what a network from elsewhere does where no
 * other layer does the same. Value 0 is the layer's input, value i the output of operation i, and
 * the last one the layer's.
 *
 * <p>Weights of operation i (from 1): {@code ni.weight}, {@code ni.bias} or {@code ni.norm.*}, of
 * the shapes that {@link Operation} says.
 *
 * @param nodes the operations, as {@link GraphNode#text} writes them
 */
public record GraphLayer(List<String> nodes) implements CustomLayer {
  /** Most operations of one layer. */
  public static final int MAX_NODES = 4096;

  private static final Field<GraphLayer, List<String>> NODES =
      Field.of("nodes", FieldKind.texts(MAX_NODES), GraphLayer::nodes);

  /** {@code "graph"}. */
  public static final LayerType<GraphLayer> TYPE =
      LayerType.of(
              "graph",
              GraphLayer.class,
              List.of(NODES),
              values -> new GraphLayer(values.get(NODES)))
          .notACandidate("graph cannot be a candidate")
          .describedAs("Operations one by one, as imported networks have them.");

  /** Checks every operation. */
  public GraphLayer {
    nodes = List.copyOf(nodes);
    NODES.check("graph", nodes);
    read(nodes);
  }

  /**
   * {@return a layer of these operations}
   *
   * @param nodes the operations; how their weights are called is the layer's matter
   */
  public static GraphLayer of(List<GraphNode> nodes) {
    return new GraphLayer(nodes.stream().map(GraphNode::text).toList());
  }

  private static List<GraphNode> read(List<String> lines) {
    List<GraphNode> read = new ArrayList<>();
    for (String line : lines) {
      GraphNode node = GraphNode.parse(line, read.size() + 1);
      for (int from : node.from()) {
        if (from > read.size()) {
          throw new SextantException(
              String.format(
                  Locale.ROOT,
                  "graph: operation %d reads value %d, which comes after it",
                  read.size() + 1,
                  from));
        }
      }
      read.add(node);
    }
    return read;
  }

  @Override
  public LayerType<GraphLayer> type() {
    return TYPE;
  }

  @Override
  public Graph.Value lower(Graph graph, Graph.Value x) {
    List<Graph.Value> values = new ArrayList<>();
    values.add(x);
    for (GraphNode node : read(nodes)) {
      Graph.Value[] inputs = node.from().stream().map(values::get).toArray(Graph.Value[]::new);
      values.add(graph.add(node.operation(), inputs));
    }
    return values.getLast();
  }

  /** How many operations of which kinds, without their numbers. */
  @Override
  public String label() {
    return String.format(Locale.ROOT, "graph of %d", nodes.size());
  }
}
