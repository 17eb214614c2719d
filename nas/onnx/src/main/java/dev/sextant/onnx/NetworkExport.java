package dev.sextant.onnx;

import static dev.sextant.onnx.NodeList.attributes;

import dev.sextant.onnx.proto.Attribute;
import dev.sextant.onnx.proto.ElementType;
import dev.sextant.onnx.proto.ModelProto;
import dev.sextant.onnx.proto.ValueInfo;
import dev.sextant.onnx.quantize.Simulation;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.CompiledModel;
import dev.sextant.runtime.WeightNames;
import dev.sextant.runtime.Weights;
import dev.sextant.runtime.graph.Graph;
import dev.sextant.runtime.layer.Detect;
import dev.sextant.runtime.layer.Junction;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Goes along a network's layers, forks and sums, and writes each layer's operations. */
final class NetworkExport {
  private static final String IMAGES = "images";
  private static final String PIXELS = "pixels";
  private static final String LOGITS = "logits";

  /** Of a network that looks for objects: {@code [N, anchors (4 + 1 + classes)]}. */
  private static final String PREDICTIONS = "predictions";

  /** Of the weights' file, which the numbers in it are no longer of. */
  private static final List<String> LEFT_OUT =
      List.of(Weights.CHECKSUM, Weights.VERSION, Weights.ARCHITECTURE);

  private final Architecture architecture;
  private final Weights weights;
  private final ExportOptions options;
  private final NodeList nodes;
  private final OperationExport operations;
  private final @Nullable Rounding rounding;
  private final Deque<Fork> forks = new ArrayDeque<>();

  private NetworkExport(
      Architecture architecture,
      Weights weights,
      ExportOptions options,
      @Nullable Rounding rounding) {
    this.rounding = rounding;
    this.architecture = architecture;
    this.weights = weights;
    this.options = options;
    nodes = new NodeList(options.batch(), options.halves());
    operations =
        new OperationExport(
            nodes, weights, architecture.batchNormEpsilon(), options.keepBatchNorm(), rounding);
  }

  /** A value and its shape in this engine's order of extents, for one image. */
  record Value(String name, Shape shape) {}

  /** A fork that no sum has ended yet. */
  private static final class Fork {
    private final Value input;
    private @Nullable Value sum;

    Fork(Value input) {
      this.input = input;
    }
  }

  /**
   * The model of a network.
   *
   * @param scales of its values, where they are to be rounded to eight bits
   */
  static ModelProto model(
      Architecture architecture,
      Weights weights,
      ExportOptions options,
      @Nullable Map<String, Float> scales) {
    Rounding rounding = scales == null ? null : new Rounding(scales);
    return new NetworkExport(architecture, weights, options, rounding).model();
  }

  /** The biases of the model in eight bits, as floats, by their names in the network. */
  static Map<String, float[]> biases(
      Architecture architecture, Weights weights, Map<String, Float> scales) {
    Rounding rounding = new Rounding(scales);
    new NetworkExport(architecture, weights, ExportOptions.DEFAULT, rounding).model();
    return rounding.biases();
  }

  private ModelProto model() {
    List<Layer> layers = architecture.layers();
    if (!options.milliseconds().isEmpty() && options.milliseconds().size() != layers.size()) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: times of %d layers, it has %d",
              architecture.name(),
              options.milliseconds().size(),
              layers.size()));
    }
    Shape image = architecture.input().shape(1);
    ValueInfo input =
        options.pixels()
            ? nodes.info(PIXELS, ElementType.UINT8, image.get(1), image.get(2), image.channels())
            : nodes.info(IMAGES, ElementType.FLOAT, extents(image));
    Value before = null;
    List<String> predictions = new ArrayList<>();
    Value value =
        rounded(Simulation.INPUT, new Value(options.pixels() ? normalised(image) : IMAGES, image));
    for (int i = 0; i < layers.size(); i++) {
      int first = nodes.size();
      Value next = layer(WeightNames.prefix(i), layers.get(i), before, value);
      nodes.describe(
          first,
          layers.get(i).label(),
          options.milliseconds().isEmpty() ? List.of() : options.milliseconds().subList(i, i + 1));
      before = value;
      if (layers.get(i) instanceof Detect) {
        predictions.add(next.name());
      } else {
        value = next;
      }
    }
    int numbers = architecture.outputs();
    if (predictions.isEmpty()) {
      nodes.add("Identity", LOGITS, List.of(value.name()), attributes(), numbers);
    } else {
      nodes.add("Concat", PREDICTIONS, predictions, attributes("axis", 1), numbers);
    }
    return nodes.model(
        architecture.name(),
        input,
        nodes.info(predictions.isEmpty() ? LOGITS : PREDICTIONS, ElementType.FLOAT, numbers),
        metadata());
  }

  private SequencedMap<String, String> metadata() {
    SequencedMap<String, String> metadata = new TreeMap<>(weights.metadata());
    LEFT_OUT.forEach(metadata::remove);
    return metadata;
  }

  /** Channels before pixels, the batch left out. */
  static long[] extents(Shape shape) {
    return shape.rank() == 2
        ? new long[] {shape.channels()}
        : new long[] {shape.channels(), shape.get(1), shape.get(2)};
  }

  /** Pixels as images: (pixel / 255 - mean) / deviation. */
  private String normalised(Shape image) {
    int channels = image.channels();
    double[] mean = numbers(CompiledModel.MEAN, channels);
    double[] deviation = numbers(CompiledModel.DEVIATION, channels);
    float[] scale = new float[channels];
    float[] shift = new float[channels];
    for (int c = 0; c < channels; c++) {
      scale[c] = (float) (1 / (255 * deviation[c]));
      shift[c] = (float) (-mean[c] / deviation[c]);
    }
    String planar =
        nodes.add(
            "Transpose",
            "pixels.planar",
            ElementType.UINT8,
            List.of(PIXELS),
            attributes("perm", Attribute.wholes(0, 3, 1, 2)),
            extents(image));
    String floats =
        nodes.add(
            "Cast",
            "pixels.floats",
            List.of(planar),
            attributes("to", ElementType.FLOAT.number()),
            extents(image));
    List<Long> each = List.of(1L, (long) channels, 1L, 1L);
    String scaled =
        nodes.add(
            "Mul",
            "pixels.scaled",
            List.of(floats, nodes.weight("pixels.scale", each, scale)),
            attributes(),
            extents(image));
    return nodes.add(
        "Add",
        IMAGES,
        List.of(scaled, nodes.weight("pixels.shift", each, shift)),
        attributes(),
        extents(image));
  }

  private double[] numbers(String key, int channels) {
    String text = weights.metadata().get(key);
    String[] parts = text == null ? new String[0] : text.split(",", -1);
    if (parts.length != channels) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: pixels can be taken only where the weights say the %s of each channel",
              architecture.name(),
              key));
    }
    double[] numbers = new double[channels];
    for (int c = 0; c < channels; c++) {
      try {
        numbers[c] = Double.parseDouble(parts[c].strip());
      } catch (NumberFormatException e) {
        throw new SextantException(
            String.format(
                Locale.ROOT, "%s: %s '%s' is no list of numbers", architecture.name(), key, text),
            e);
      }
    }
    return numbers;
  }

  private Value layer(String prefix, Layer layer, @Nullable Value before, Value in) {
    if (layer instanceof Junction junction) {
      return junction(prefix, junction.kind(), in);
    }
    Graph graph = layer.operations(in.shape());
    List<Value> values = new ArrayList<>();
    if (graph.inputs().size() == 2 && before != null) {
      values.add(before);
    }
    values.add(in);
    for (int i = 0; i < graph.nodes().size(); i++) {
      Graph.Node node = graph.nodes().get(i);
      List<Value> inputs = node.inputs().stream().map(value -> values.get(value.index())).toList();
      Value output =
          operations.add(
              prefix, node.operation(), inputs, node.output().shape(), Simulation.part(prefix, i));
      values.add(rounded(Simulation.value(prefix, i), output));
    }
    return values.get(graph.output().index());
  }

  private Value junction(String prefix, Junction.Kind kind, Value in) {
    if (kind == Junction.Kind.FORK) {
      forks.push(new Fork(in));
      return in;
    }
    Fork fork = forks.element();
    Value sum = fork.sum == null ? in : operations.sum(prefix + "sum", fork.sum, in);
    fork.sum = sum;
    if (kind == Junction.Kind.NEXT) {
      return fork.input;
    }
    forks.pop();
    return rounded(prefix, sum);
  }

  private Value rounded(String value, Value x) {
    return rounding == null ? x : rounding.add(nodes, value, x);
  }
}
