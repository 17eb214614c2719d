package dev.sextant.nas.cost;

import dev.sextant.nas.space.LayerSum;
import dev.sextant.nas.space.Position;
import dev.sextant.nas.space.Space;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.graph.Graph;
import dev.sextant.runtime.layer.Junction;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.util.Locale;
import java.util.NavigableSet;
import java.util.TreeSet;

/**
 * Bytes that inference of one image takes at most: four for each parameter, and what the operations
 * of one layer hold at once, inputs and outputs included. A compiled model, which folds batch norms
 * and makes wide expansions a band of rows at a time, takes no more, but for what kernels add to
 * lay weights out.
 */
public final class MemoryUse {
  private static final int BYTES = Float.BYTES;

  private MemoryUse() {}

  /**
   * {@return the bytes of a network}
   *
   * @param network a chain of layers
   */
  public static double of(Architecture network) {
    double most = 0;
    for (int i = 0; i < network.layers().size(); i++) {
      most = Math.max(most, activations(network.layers().get(i), network.shapes().get(i)));
    }
    return (double) BYTES * network.parameters() + most;
  }

  /**
   * {@return what layers of a space's networks hold at once, every number there is, in order}
   *
   * @param space without forks
   * @throws SextantException if its networks fork, so that a branch is held beside layers
   */
  public static NavigableSet<Double> activations(Space space) {
    NavigableSet<Double> all = new TreeSet<>();
    for (Position position : space.positions()) {
      if (position.layers().getFirst() instanceof Junction) {
        throw new SextantException(
            String.format(Locale.ROOT, "max memory: the networks of %s fork", space.name()));
      }
    }
    LayerSum.of(
        space,
        (layer, input) -> {
          double bytes = activations(layer, input);
          all.add(bytes);
          return bytes;
        },
        0);
    return all;
  }

  /**
   * {@return the bytes of networks none of whose layers holds more than so many, as a sum over
   * layers; others take infinitely many}
   *
   * @param space whose networks are priced
   * @param held bytes of activations
   */
  public static LayerSum within(Space space, double held) {
    return LayerSum.of(
        space,
        (layer, input) ->
            activations(layer, input) > held
                ? Double.POSITIVE_INFINITY
                : (double) BYTES * layer.parameters(input),
        held);
  }

  private static double activations(Layer layer, Shape input) {
    Graph graph = layer.operations(input);
    int values = 1 + graph.nodes().size();
    int[] last = new int[values];
    double[] sizes = new double[values];
    sizes[0] = input.size();
    for (int n = 0; n < graph.nodes().size(); n++) {
      Graph.Node node = graph.nodes().get(n);
      sizes[node.output().index()] = node.output().shape().size();
      last[node.output().index()] = n;
      for (Graph.Value read : node.inputs()) {
        last[read.index()] = n;
      }
    }
    double most = sizes[0];
    for (int n = 0; n < graph.nodes().size(); n++) {
      double live = 0;
      for (int value = 0; value <= n + 1; value++) {
        live += last[value] >= n ? sizes[value] : 0;
      }
      most = Math.max(most, live);
    }
    return BYTES * most;
  }
}
