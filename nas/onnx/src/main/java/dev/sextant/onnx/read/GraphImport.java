package dev.sextant.onnx.read;

import dev.sextant.onnx.proto.ElementType;
import dev.sextant.onnx.proto.ModelProto;
import dev.sextant.onnx.proto.NodeProto;
import dev.sextant.onnx.proto.ProtoReader;
import dev.sextant.onnx.proto.ValueInfo;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.dag.GraphKernel;
import dev.sextant.runtime.graph.Operation;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Turns the nodes of an ONNX graph into operations of the runtime. A batch norm, an activation and
 * a sum behind a convolution that nothing else reads become part of it, as the runtime's kernels
 * have them.
 */
final class GraphImport {
  /** Where there is no batch norm any more. */
  private static final double PYTORCH_EPSILON = 1e-5;

  private final String source;
  private final ModelProto model;
  private final Constants constants;
  private final ImportGraph graph;
  private final Map<String, Value> values = new HashMap<>();
  private final Map<String, List<NodeProto>> readers = new HashMap<>();

  /** Nodes that became part of one before them. */
  private final Set<NodeProto> taken = Collections.newSetFromMap(new IdentityHashMap<>());

  private final boolean pixels;

  /** Of the first batch norm; the variances of others with another one are moved to fit it. */
  private double epsilon = Double.NaN;

  /**
   * What a name stands for.
   *
   * @param index of the value
   * @param pixel whether a vector stands for an image of one pixel
   * @param image where a vector is a flattened image, its shape
   */
  record Value(int index, boolean pixel, @Nullable Shape image) {
    static Value of(int index) {
      return new Value(index, false, null);
    }

    static Value pixel(int index) {
      return new Value(index, true, null);
    }
  }

  GraphImport(ModelProto model, String source, Architecture.@Nullable Input given) {
    this.model = model;
    this.source = source;
    constants = new Constants(model);
    List<ValueInfo> inputs =
        model.inputs().stream().filter(input -> !constants.has(input.name())).toList();
    if (inputs.size() != 1 || model.outputs().size() != 1) {
      throw error(
          "has %d inputs and %d outputs; one image and one vector of logits are supported",
          inputs.size(), model.outputs().size());
    }
    ValueInfo input = inputs.getFirst();
    pixels = input.type() == ElementType.UINT8.number();
    if (!pixels && input.type() != ElementType.FLOAT.number()) {
      throw error("its input has elements of type %d, neither float nor uint8", input.type());
    }
    Architecture.Input image = given == null ? image(input, pixels) : given;
    graph = new ImportGraph(image.shape(1));
    values.put(input.name(), Value.of(0));
    for (NodeProto node : model.nodes()) {
      node.inputs()
          .forEach(name -> readers.computeIfAbsent(name, _ -> new ArrayList<>()).add(node));
    }
  }

  private SextantException error(String format, Object... arguments) {
    return new SextantException(source + ": " + String.format(Locale.ROOT, format, arguments));
  }

  private Architecture.Input image(ValueInfo input, boolean channelsLast) {
    List<ValueInfo.Extent> extents = input.extents();
    int[] known = new int[4];
    for (int i = 1; i < 4; i++) {
      if (extents.size() != 4
          || !(extents.get(i) instanceof ValueInfo.Extent.Known(long size))
          || size < 1
          || size > Architecture.MAX_IMAGE) {
        throw error(
            "its input '%s' has no known shape of [N,C,H,W]; give --input HxWxC",
            NodeReader.shown(input.name()));
      }
      known[i] = (int) size;
    }
    return channelsLast
        ? new Architecture.Input(known[1], known[2], known[3])
        : new Architecture.Input(known[2], known[3], known[1]);
  }

  /** What a batch norm's epsilon is above the network's. */
  double epsilonOf(NodeReader norm) {
    // The decimal that was meant, which the float is the nearest of.
    double given = Double.parseDouble(Float.toString(norm.real("epsilon", 1e-5f)));
    if (!(given >= Architecture.MIN_BATCH_NORM_EPSILON && given <= 1)) {
      throw norm.error("its epsilon %s is out of range", given);
    }
    if (Double.isNaN(epsilon)) {
      epsilon = given;
    }
    return given - epsilon;
  }

  /** Of all batch norms. */
  double epsilon() {
    return Double.isNaN(epsilon) ? PYTORCH_EPSILON : epsilon;
  }

  boolean takesPixels() {
    return pixels;
  }

  /** Goes through all nodes; the last operation then gives the logits. */
  ImportGraph read() {
    // First all constants: what looks at the nodes behind it reads theirs too.
    model.nodes().forEach(node -> each(node, this::takeConstant));
    for (NodeProto node : model.nodes()) {
      if (!taken.contains(node)) {
        each(node, this::read);
      }
    }
    String name = model.outputs().getFirst().name();
    Value output = values.get(name);
    if (output == null) {
      throw error("nothing gives its output '%s'", NodeReader.shown(name));
    }
    if (graph.shape(output.index).rank() != 2) {
      throw error("its output is %s, not a vector of logits", graph.shape(output.index));
    }
    if (output.index != graph.nodes().size()) {
      throw error("what its last nodes give is not its output");
    }
    return graph;
  }

  private void each(NodeProto node, Consumer<NodeReader> action) {
    NodeReader reader = reader(node);
    if (!ProtoReader.isStandard(node.domain())) {
      throw reader.error("operators of %s are not supported", NodeReader.shown(node.domain()));
    }
    try {
      action.accept(reader);
    } catch (SextantException e) {
      String message = String.valueOf(e.getMessage());
      throw message.startsWith(source) ? e : reader.error("%s", message);
    }
  }

  private void takeConstant(NodeReader node) {
    if (constants.take(source, node.node())) {
      taken.add(node.node());
    }
  }

  private void read(NodeReader node) {
    switch (node.node().operator()) {
      case "Conv" -> new ConvolutionImport(this, node).read();
      case "BatchNormalization" -> new ConvolutionImport(this, node).readNorm();
      case "Gemm", "MatMul" -> new LinearImport(this, node).read();
      case "Relu", "Clip", "Sigmoid", "HardSwish", "HardSigmoid", "LeakyRelu" -> activation(node);
      case "Softmax" -> softmax(node);
      case "Mul", "Add", "Sub", "Div" -> new ArithmeticImport(this, node).read();
      case "Concat", "Split", "Slice", "Pad", "Reshape", "Flatten", "Squeeze", "Unsqueeze" ->
          new ShapeImport(this, node).read();
      case "Transpose" -> new ShapeImport(this, node).transpose();
      case "MaxPool", "AveragePool", "GlobalAveragePool", "ReduceMean" ->
          new PoolImport(this, node).read();
      case "Identity", "Dropout", "QuantizeLinear", "DequantizeLinear" -> put(node, value(node, 0));
      case "Cast" -> {
        if (node.whole("to", 0) != ElementType.FLOAT.number()) {
          throw node.error("makes elements of type %d, not floats", node.whole("to", 0));
        }
        put(node, value(node, 0));
      }
      default -> throw node.error("is not supported");
    }
  }

  // ---- what the readers of single operators need

  ImportGraph graph() {
    return graph;
  }

  boolean isConstant(String name) {
    return constants.has(name);
  }

  Value value(NodeReader node, int input) {
    return value(node, node.input(input));
  }

  Value value(NodeReader node, String name) {
    Value value = values.get(name);
    if (value == null) {
      throw node.error("nothing before it gives '%s'", NodeReader.shown(name));
    }
    return value;
  }

  @Nullable Value known(String name) {
    return values.get(name);
  }

  Shape shape(Value value) {
    return graph.shape(value.index);
  }

  void put(NodeReader node, Value value) {
    put(node.output(), value);
  }

  void put(String name, Value value) {
    values.put(name, value);
  }

  NodeReader reader(NodeProto node) {
    return new NodeReader(source, node, constants);
  }

  /** The node that alone reads a value, or null. */
  @Nullable NodeProto onlyReader(String name) {
    List<NodeProto> all = readers.getOrDefault(name, List.of());
    return all.size() == 1 && !isOutput(name) && !taken.contains(all.getFirst())
        ? all.getFirst()
        : null;
  }

  private boolean isOutput(String name) {
    return model.outputs().getFirst().name().equals(name);
  }

  void take(NodeProto node) {
    taken.add(node);
  }

  /** A node's output under the name it has in the end, and the activation taken on the way. */
  record Activated(String output, Activation activation) {}

  /** Takes an activation that alone reads a value. */
  Activated activated(String output) {
    NodeProto next = onlyReader(output);
    if (next != null) {
      NodeReader reader = reader(next);
      Activation activation = plain(reader);
      if (activation != null && reader.input(0).equals(output)) {
        take(next);
        return new Activated(reader.output(), activation);
      }
      return new Activated(output, Activation.IDENTITY);
    }
    for (Activation activation : List.of(Activation.HSWISH, Activation.SILU)) {
      NodeProto product = gatedByItself(output, activation);
      if (product != null) {
        return new Activated(reader(product).output(), activation);
      }
    }
    return new Activated(output, Activation.IDENTITY);
  }

  /** Takes x f(x), with the gate f of hswish or SiLU; returns the product, or null. */
  private @Nullable NodeProto gatedByItself(String x, Activation activation) {
    Activation f = activation == Activation.HSWISH ? Activation.HARD_SIGMOID : Activation.SIGMOID;
    List<NodeProto> all = readers.getOrDefault(x, List.of());
    if (all.size() != 2 || isOutput(x)) {
      return null;
    }
    for (int i = 0; i < 2; i++) {
      NodeProto gate = all.get(i);
      NodeProto product = all.get(1 - i);
      if (product.operator().equals("Mul")
          && !taken.contains(gate)
          && !taken.contains(product)
          && isGate(gate)
          && plain(reader(gate)) == f
          && product == onlyReader(reader(gate).output())) {
        take(gate);
        take(product);
        return product;
      }
    }
    return null;
  }

  private static boolean isGate(NodeProto node) {
    return node.operator().equals("Sigmoid") || node.operator().equals("HardSigmoid");
  }

  private static boolean isOfMobileNet(NodeReader hardSigmoid) {
    return Math.abs(hardSigmoid.real("alpha", 0.2f) - 1 / 6f) < 1e-6f
        && hardSigmoid.real("beta", 0.5f) == 0.5f;
  }

  /** The activation of a node that has nothing else, or null. */
  private @Nullable Activation plain(NodeReader node) {
    return switch (node.node().operator()) {
      case "Relu" -> Activation.RELU;
      case "Sigmoid" -> Activation.SIGMOID;
      case "HardSigmoid" -> isOfMobileNet(node) ? Activation.HARD_SIGMOID : null;
      case "HardSwish" -> Activation.HSWISH;
      case "Clip" -> clip(node);
      default -> null;
    };
  }

  /** As it is of old, by attributes, and by constant inputs. */
  private Activation clip(NodeReader node) {
    float low = node.hasInput(1) ? node.floats(1, 1)[0] : node.real("min", Float.NEGATIVE_INFINITY);
    float high =
        node.hasInput(2) ? node.floats(2, 1)[0] : node.real("max", Float.POSITIVE_INFINITY);
    if (low == 0 && high == 6) {
      return Activation.RELU6;
    }
    if (low == 0 && high >= Float.MAX_VALUE) {
      return Activation.RELU;
    }
    throw node.error("from %s to %s is not supported, only 0 to 6 and from 0 on", low, high);
  }

  private void activation(NodeReader node) {
    Value x = value(node, 0);
    if (isGate(node.node())) {
      for (Activation swish : List.of(Activation.HSWISH, Activation.SILU)) {
        NodeProto product = gatedByItself(node.input(0), swish);
        if (product != null) {
          int y = graph.add(new Operation.Activate(swish), x.index);
          put(reader(product).output(), with(x, y));
          return;
        }
      }
    }
    Activation activation = plain(node);
    Operation operation;
    if (activation != null) {
      operation = new Operation.Activate(activation);
    } else if (node.node().operator().equals("HardSigmoid")) {
      operation =
          new Operation.Custom(
              new GraphKernel.HardSigmoid(node.real("alpha", 0.2f), node.real("beta", 0.5f)));
    } else {
      operation = new Operation.Custom(new GraphKernel.LeakyRelu(node.real("alpha", 0.01f)));
    }
    put(node, with(x, graph.add(operation, x.index)));
  }

  /** The same kind of value. */
  static Value with(Value x, int index) {
    return new Value(index, x.pixel, x.image);
  }

  private void softmax(NodeReader node) {
    Value x = value(node, 0);
    long axis = node.whole("axis", model.operatorSet() < 13 ? 1 : -1);
    if (shape(x).rank() != 2 || x.pixel || (axis != 1 && axis != -1)) {
      throw node.error("is supported over the classes of a vector alone");
    }
    put(node, Value.of(graph.add(new Operation.Custom(new GraphKernel.Softmax()), x.index)));
  }
}
