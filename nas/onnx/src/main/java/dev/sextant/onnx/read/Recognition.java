package dev.sextant.onnx.read;

import dev.sextant.runtime.WeightNames;
import dev.sextant.runtime.Weights;
import dev.sextant.runtime.dag.GraphLayer;
import dev.sextant.runtime.dag.GraphNode;
import dev.sextant.runtime.graph.Graph;
import dev.sextant.runtime.graph.Operation;
import dev.sextant.runtime.layer.Conv;
import dev.sextant.runtime.layer.Depthwise;
import dev.sextant.runtime.layer.GlobalAvgPool;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.Linear;
import dev.sextant.runtime.layer.MbConv;
import dev.sextant.runtime.layer.Pool;
import dev.sextant.runtime.layer.Residual;
import dev.sextant.runtime.layer.Shuffle;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * Finds layers in a graph of operations: where one value alone goes on, the graph is cut, and what
 * lies between two cuts is the layer whose own operations are the same, or else a {@link
 * GraphLayer}.
 */
final class Recognition {
  /** Of squeeze and excitation's hidden width to the expanded width: MobileNetV3, MnasNet. */
  private static final double PUBLISHED_RATIO = 0.25;

  private final ImportGraph graph;
  private final List<GraphNode> nodes;
  private final double epsilon;
  private final List<Layer> layers = new ArrayList<>();
  private final SequencedMap<String, Weights.Entry> weights = new LinkedHashMap<>();

  /** Whether the value behind so many operations is the only one that goes on. */
  private final boolean[] cut;

  Recognition(ImportGraph graph, double epsilon) {
    this.graph = graph;
    this.epsilon = epsilon;
    nodes = graph.nodes();
    cut = cuts(nodes);
    int at = 0;
    while (at < nodes.size()) {
      at += next(at);
    }
  }

  List<Layer> layers() {
    return layers;
  }

  SequencedMap<String, Weights.Entry> weights() {
    return weights;
  }

  private static boolean[] cuts(List<GraphNode> nodes) {
    int[] last = new int[nodes.size() + 1];
    for (int i = 0; i < nodes.size(); i++) {
      for (int value : nodes.get(i).from()) {
        last[value] = i;
      }
    }
    boolean[] cut = new boolean[nodes.size() + 1];
    int until = last[0];
    for (int i = 0; i < nodes.size(); i++) {
      cut[i + 1] = until <= i;
      until = Math.max(until, last[i + 1]);
    }
    return cut;
  }

  /** Adds the layer that begins with an operation; returns how many operations it has. */
  private int next(int at) {
    for (Layer layer : candidates(at)) {
      Graph own = own(layer, graph.shape(at));
      if (own != null && matches(own, at)) {
        keep(own, at);
        layers.add(layer);
        return own.nodes().size();
      }
    }
    int end = at + 1;
    while (!cut[end]) {
      end++;
    }
    List<GraphNode> part = new ArrayList<>();
    for (int i = at; i < end; i++) {
      int first = at;
      part.add(
          new GraphNode(
              nodes.get(i).operation(),
              nodes.get(i).from().stream().map(value -> value - first).toList()));
      String prefix = WeightNames.prefix(layers.size());
      String name = GraphNode.name(i + 1);
      String renamed = GraphNode.name(i + 1 - at);
      for (Operation.Weight weight : operationWeights(i)) {
        String end2 = weight.name().substring(name.length());
        weights.put(prefix + renamed + end2, weight(weight.name()));
      }
    }
    layers.add(GraphLayer.of(part));
    return end - at;
  }

  private List<Operation.Weight> operationWeights(int node) {
    return nodes
        .get(node)
        .operation()
        .weights(nodes.get(node).from().stream().map(graph::shape).toList());
  }

  private Weights.Entry weight(String name) {
    Weights.Entry entry = graph.weights().get(name);
    if (entry == null) {
      throw new IllegalStateException("no weight " + name);
    }
    return entry;
  }

  private static @Nullable Graph own(Layer layer, Shape input) {
    try {
      return layer.operations(input);
    } catch (SextantException e) {
      return null;
    }
  }

  /** Whether a layer's operations are those from one on. */
  private boolean matches(Graph own, int at) {
    int count = own.nodes().size();
    if (at + count > nodes.size() || !cut[at + count] || own.output().index() != count) {
      return false;
    }
    for (int i = 0; i < count; i++) {
      Graph.Node node = own.nodes().get(i);
      GraphNode given = nodes.get(at + i);
      if (!same(node.operation(), given.operation())
          || node.inputs().size() != given.from().size()) {
        return false;
      }
      for (int j = 0; j < given.from().size(); j++) {
        if (given.from().get(j) != at + node.inputs().get(j).index()) {
          return false;
        }
      }
    }
    return true;
  }

  /** Whether two operations compute the same with the same weights, however these are called. */
  private static boolean same(Operation own, Operation given) {
    return switch (own) {
      case Operation.Convolution(_, String norm, _, int out, var window, int groups, var act) ->
          given instanceof Operation.Convolution other
              && window.equals(other.window())
              && groups == other.groups()
              && out == other.out()
              && act == other.activation()
              && (norm != null || other.norm() == null);
      case Operation.Depthwise(_, String norm, _, var window, var act) ->
          given instanceof Operation.Depthwise other
              && window.equals(other.window())
              && act == other.activation()
              && (norm != null || other.norm() == null);
      case Operation.Linear linear ->
          given instanceof Operation.Linear other
              && linear.out() == other.out()
              && linear.activation() == other.activation();
      default -> own.equals(given);
    };
  }

  /** Takes the weights of matching operations over, under the layer's names for them. */
  private void keep(Graph own, int at) {
    String prefix = WeightNames.prefix(layers.size());
    for (int i = 0; i < own.nodes().size(); i++) {
      Graph.Node node = own.nodes().get(i);
      String given = GraphNode.name(at + i + 1);
      List<Shape> inputs = node.inputs().stream().map(Graph.Value::shape).toList();
      for (Operation.Weight wanted : node.operation().weights(inputs)) {
        String name = wanted.name();
        String kind = name.substring(name.lastIndexOf('.') + 1);
        Weights.Entry entry =
            switch (kind) {
              case "weight" -> weight(given + ".weight");
              case "bias" -> biasOrZero(given, wanted.shape());
              default -> normOrIdentity(given, kind, wanted.shape());
            };
        weights.put(prefix + name, entry);
      }
    }
  }

  private Weights.Entry biasOrZero(String given, Shape shape) {
    Weights.Entry bias = graph.weights().get(given + ".bias");
    return bias == null ? new Weights.Entry(shape, new float[shape.size()]) : bias;
  }

  /** A batch norm that was folded into a bias adds the bias and nothing else. */
  private Weights.Entry normOrIdentity(String given, String kind, Shape shape) {
    Weights.Entry norm = graph.weights().get(given + ".norm." + kind);
    if (norm != null) {
      return norm;
    }
    if (kind.equals("beta")) {
      return biasOrZero(given, shape);
    }
    float[] values = new float[shape.size()];
    Arrays.fill(
        values,
        switch (kind) {
          case "gamma" -> 1;
          case "variance" -> (float) (1 - epsilon);
          default -> 0;
        });
    return new Weights.Entry(shape, values);
  }

  // ---- what could begin with an operation

  private List<Layer> candidates(int at) {
    List<Layer> candidates = new ArrayList<>();
    add(candidates, () -> bottleneck(at));
    add(candidates, () -> shuffle(at));
    for (int convolutions = 2; convolutions <= 3; convolutions++) {
      for (int shortcut = 0; shortcut <= 1; shortcut++) {
        int own = convolutions;
        int last = at + own + shortcut;
        add(candidates, () -> residual(at, own, last));
      }
    }
    add(candidates, () -> single(nodes.get(at).operation()));
    return candidates;
  }

  /** Makes a layer; may give none, or throw for numbers that no layer has. */
  private interface Guess {
    @Nullable Layer layer();
  }

  private static void add(List<Layer> candidates, Guess guess) {
    try {
      Layer layer = guess.layer();
      if (layer != null) {
        candidates.add(layer);
      }
    } catch (SextantException e) {
      // No layer has such numbers.
    }
  }

  private @Nullable Operation operation(int index) {
    return index < nodes.size() ? nodes.get(index).operation() : null;
  }

  private static @Nullable Layer single(Operation operation) {
    return switch (operation) {
      case Operation.Convolution convolution ->
          new Conv(
              convolution.window().kernel(),
              convolution.window().stride(),
              convolution.window().dilation(),
              convolution.groups(),
              convolution.out(),
              convolution.norm() != null || !convolution.bias(),
              convolution.activation());
      case Operation.Depthwise depthwise ->
          new Depthwise(
              depthwise.window().kernel(),
              depthwise.window().stride(),
              depthwise.window().dilation(),
              depthwise.norm() != null || !depthwise.bias(),
              depthwise.activation());
      case Operation.Pool pool ->
          new Pool(pool.max(), pool.window().kernel(), pool.window().stride());
      case Operation.GlobalAvgPool _ -> new GlobalAvgPool();
      case Operation.Linear linear -> new Linear(linear.out(), linear.activation());
      default -> null;
    };
  }

  private @Nullable Layer bottleneck(int at) {
    int in = graph.shape(at).rank() == 4 ? graph.shape(at).channels() : 0;
    int next = at;
    int expand = 1;
    if (operation(next) instanceof Operation.Convolution convolution) {
      if (in == 0 || convolution.out() % in != 0) {
        return null;
      }
      expand = convolution.out() / in;
      next++;
    }
    if (!(operation(next) instanceof Operation.Depthwise depthwise)) {
      return null;
    }
    next++;
    int hidden = 0;
    Activation squeezed = Activation.RELU;
    Activation gate = Activation.SIGMOID;
    if (operation(next) instanceof Operation.GlobalAvgPool
        && operation(next + 1) instanceof Operation.Linear reduce
        && operation(next + 2) instanceof Operation.Linear widen) {
      hidden = reduce.out();
      squeezed = reduce.activation();
      gate = widen.activation();
      next += 4;
    }
    if (!(operation(next) instanceof Operation.Convolution project)) {
      return null;
    }
    boolean residual = nodes.get(next).from().size() == 2;
    MbConv plain =
        new MbConv(
            depthwise.window().kernel(),
            depthwise.window().stride(),
            expand,
            project.out(),
            depthwise.activation(),
            0,
            residual);
    if (hidden == 0) {
      return plain;
    }
    // The published ratio where it gives that width, else the width itself.
    for (double width : new double[] {PUBLISHED_RATIO, hidden}) {
      MbConv gated =
          new MbConv(
              plain.kernel(),
              plain.stride(),
              expand,
              plain.out(),
              plain.activation(),
              width,
              squeezed,
              gate,
              residual);
      if (gated.squeezed(in) == hidden) {
        return gated;
      }
    }
    return null;
  }

  /** A block of so many convolutions, whose activation is at {@code last}. */
  private @Nullable Layer residual(int at, int convolutions, int last) {
    if (!(operation(at) instanceof Operation.Convolution first)
        || !(operation(at + 1) instanceof Operation.Convolution second)
        || !(operation(last - 1) instanceof Operation.Convolution added)
        || !(operation(last) instanceof Operation.Activate end)) {
      return null;
    }
    boolean three = convolutions == 3;
    Operation.Convolution strided = three ? second : first;
    return new Residual(
        strided.window().kernel(),
        strided.window().stride(),
        three ? first.out() : 0,
        strided.groups(),
        added.out(),
        end.activation());
  }

  private @Nullable Layer shuffle(int at) {
    for (int i = at; i < Math.min(at + 8, nodes.size()); i++) {
      if (operation(i) instanceof Operation.Interleave) {
        int out = graph.shape(i + 1).channels();
        for (int j = at; j < i; j++) {
          if (operation(j) instanceof Operation.Depthwise depthwise) {
            return new Shuffle(
                depthwise.window().kernel(), depthwise.window().stride(), out, activation(at, i));
          }
        }
      }
    }
    return null;
  }

  private Activation activation(int from, int to) {
    for (int i = from; i < to; i++) {
      if (operation(i) instanceof Operation.Convolution convolution) {
        return convolution.activation();
      }
    }
    return Activation.IDENTITY;
  }
}
