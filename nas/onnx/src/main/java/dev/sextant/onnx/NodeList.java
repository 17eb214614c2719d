package dev.sextant.onnx;

import dev.sextant.onnx.proto.Attribute;
import dev.sextant.onnx.proto.ElementType;
import dev.sextant.onnx.proto.ModelProto;
import dev.sextant.onnx.proto.NodeProto;
import dev.sextant.onnx.proto.TensorProto;
import dev.sextant.onnx.proto.ValueInfo;
import dev.sextant.onnx.proto.ValueInfo.Extent;
import dev.sextant.tensor.Activation;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;
import java.util.TreeMap;

/** Operators and constants in the making; every value gets a name of its own and its shape. */
final class NodeList {
  /** The format and the operators that readers of several years' age know too. */
  private static final int FORMAT_VERSION = 8;

  static final int OPERATOR_SET = 17;

  private final int batch;
  private final boolean halves;
  private final List<NodeProto> nodes = new ArrayList<>();
  private final Map<String, TensorProto> constants = new LinkedHashMap<>();
  private final List<ValueInfo> values = new ArrayList<>();
  private final Map<String, Integer> names = new HashMap<>();

  NodeList(int batch, boolean halves) {
    this.batch = batch;
    this.halves = halves;
  }

  /** A name that nothing has yet. */
  private String unique(String name) {
    int count = names.merge(name, 1, Integer::sum);
    return count == 1 ? name : unique(name + "_" + count);
  }

  /** Attributes by name; their order in files is the alphabet's. */
  static SequencedMap<String, Attribute> attributes(Object... namesAndValues) {
    SequencedMap<String, Attribute> attributes = new TreeMap<>();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      Attribute value =
          switch (namesAndValues[i + 1]) {
            case Attribute attribute -> attribute;
            case Number number when number instanceof Integer || number instanceof Long ->
                new Attribute.Whole(number.longValue());
            case Number number -> new Attribute.Real(number.floatValue());
            case Object other -> throw new IllegalArgumentException(other.toString());
          };
      attributes.put((String) namesAndValues[i], value);
    }
    return attributes;
  }

  /**
   * Adds an operator of one output; returns the output's name, which is the node's too.
   *
   * @param extents of the output behind the batch
   */
  String add(
      String operator,
      String name,
      List<String> inputs,
      SequencedMap<String, Attribute> attributes,
      long... extents) {
    return add(operator, name, ElementType.FLOAT, inputs, attributes, extents);
  }

  /** The same with elements of another type. */
  String add(
      String operator,
      String name,
      ElementType type,
      List<String> inputs,
      SequencedMap<String, Attribute> attributes,
      long... extents) {
    String output = unique(name);
    nodes.add(
        new NodeProto(
            output, operator, "", inputs, List.of(output), attributes, new LinkedHashMap<>()));
    values.add(info(output, type, extents));
    return output;
  }

  /** Adds an operator on constants, whose output has no batch. */
  private String addConstant(
      String operator,
      String name,
      List<String> inputs,
      SequencedMap<String, Attribute> attributes,
      List<Long> extents) {
    String output = unique(name);
    nodes.add(
        new NodeProto(
            output, operator, "", inputs, List.of(output), attributes, new LinkedHashMap<>()));
    List<Extent> shape = new ArrayList<>();
    extents.forEach(extent -> shape.add(new Extent.Known(extent)));
    values.add(new ValueInfo(output, ElementType.FLOAT.number(), shape));
    return output;
  }

  /** The extents behind the batch. */
  ValueInfo info(String name, ElementType type, long... extents) {
    List<Extent> shape = new ArrayList<>();
    shape.add(batch == ExportOptions.DYNAMIC ? new Extent.Symbol("N") : new Extent.Known(batch));
    for (long extent : extents) {
      shape.add(new Extent.Known(extent));
    }
    return new ValueInfo(name, type.number(), shape);
  }

  /** Adds a weight; returns the name of its floats. */
  String weight(String name, List<Long> extents, float[] values) {
    if (!halves) {
      return constant(TensorProto.floats(unique(name), extents, values));
    }
    String half = constant(TensorProto.halves(unique(name), extents, values));
    return addConstant(
        "Cast",
        name + ".floats",
        List.of(half),
        attributes("to", ElementType.FLOAT.number()),
        extents);
  }

  /**
   * Adds whole numbers and their scales, one for each index of an axis; returns the name of the
   * floats that they stand for.
   */
  String steps(TensorProto steps, float[] scales, int axis) {
    String of = constant(steps);
    List<Long> each = List.of((long) scales.length);
    String scale = constant(TensorProto.floats(unique(of + ".scale"), each, scales));
    List<String> inputs = new ArrayList<>(List.of(of, scale));
    if (steps.type() == ElementType.INT8) {
      inputs.add(constant(TensorProto.bytes(unique(of + ".zero"), each, new byte[scales.length])));
    }
    return addConstant(
        "DequantizeLinear", of + ".floats", inputs, attributes("axis", axis), steps.extents());
  }

  /** Adds an activation of a value; returns its output, the value itself for the identity. */
  String activated(String x, Activation activation, long... extents) {
    return switch (activation) {
      case IDENTITY -> x;
      case RELU -> add("Relu", x + ".relu", List.of(x), attributes(), extents);
      case RELU6 ->
          add("Clip", x + ".relu6", List.of(x, scalar(0), scalar(6)), attributes(), extents);
      case HSWISH -> add("HardSwish", x + ".hswish", List.of(x), attributes(), extents);
      case SIGMOID -> add("Sigmoid", x + ".sigmoid", List.of(x), attributes(), extents);
      case HARD_SIGMOID ->
          add(
              "HardSigmoid",
              x + ".hard-sigmoid",
              List.of(x),
              attributes("alpha", 1 / 6f, "beta", 0.5f),
              extents);
      case SILU -> {
        String gate = add("Sigmoid", x + ".sigmoid", List.of(x), attributes(), extents);
        yield add("Mul", x + ".silu", List.of(x, gate), attributes(), extents);
      }
    };
  }

  /** Adds the rounding of a value to eight bits and back; returns the name of the floats. */
  String rounded(String value, float scale, long... extents) {
    String step = constant(TensorProto.floats(unique(value + ".scale"), List.of(), scale));
    String zero = constant(TensorProto.bytes("zero", List.of(), (byte) 0));
    String steps =
        add(
            "QuantizeLinear",
            value + ".steps",
            ElementType.INT8,
            List.of(value, step, zero),
            attributes(),
            extents);
    return add(
        "DequantizeLinear", value + ".rounded", List.of(steps, step, zero), attributes(), extents);
  }

  /** Adds a constant under its name, once. */
  String constant(TensorProto tensor) {
    constants.putIfAbsent(tensor.name(), tensor);
    return tensor.name();
  }

  /** Whole numbers, once however often they are read. */
  String wholes(long... elements) {
    StringBuilder name = new StringBuilder("wholes");
    for (long element : elements) {
      name.append(element < 0 ? "_minus" : "_").append(Math.abs(element));
    }
    return constant(TensorProto.wholes(name.toString(), elements));
  }

  /** A scalar, once however often it is read. */
  String scalar(float value) {
    return constant(TensorProto.floats("scalar_" + value, List.of(), value));
  }

  int size() {
    return nodes.size();
  }

  /** Tells viewers what nodes from one on come from, and the last of them how long all take. */
  void describe(int from, String layer, List<Double> milliseconds) {
    for (int i = from; i < nodes.size(); i++) {
      nodes.get(i).metadata().put("sextant.layer", layer);
    }
    if (from < nodes.size() && !milliseconds.isEmpty()) {
      nodes
          .getLast()
          .metadata()
          .put("sextant.milliseconds", String.format(Locale.ROOT, "%.4f", milliseconds.getFirst()));
    }
  }

  ModelProto model(
      String name, ValueInfo input, ValueInfo output, SequencedMap<String, String> metadata) {
    values.removeIf(value -> value.name().equals(output.name()));
    return new ModelProto(
        FORMAT_VERSION,
        OPERATOR_SET,
        "sextant",
        name,
        nodes,
        List.copyOf(constants.values()),
        List.of(input),
        List.of(output),
        values,
        metadata);
  }
}
