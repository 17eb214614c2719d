package dev.sextant.onnx.read;

import dev.sextant.onnx.proto.Attribute;
import dev.sextant.onnx.proto.ElementType;
import dev.sextant.onnx.proto.ModelProto;
import dev.sextant.onnx.proto.NodeProto;
import dev.sextant.onnx.proto.TensorProto;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What is known before the network runs: weights, and what nodes make of weights alone. */
final class Constants {
  private final Map<String, TensorProto> byName = new HashMap<>();

  Constants(ModelProto model) {
    model.constants().forEach(constant -> byName.put(constant.name(), constant));
  }

  @Nullable TensorProto get(String name) {
    return byName.get(name);
  }

  boolean has(String name) {
    return byName.containsKey(name);
  }

  /** Takes a node whose inputs are all constants; returns whether it did. */
  boolean take(String source, NodeProto node) {
    NodeReader reader = new NodeReader(source, node, this);
    Optional<TensorProto> made =
        switch (node.operator()) {
          case "Constant" -> Optional.of(constant(reader));
          case "Identity", "Cast" -> first(reader).map(tensor -> cast(reader, tensor));
          case "DequantizeLinear" -> first(reader).map(tensor -> dequantized(reader, tensor));
          default -> Optional.empty();
        };
    made.ifPresent(tensor -> byName.put(reader.output(), tensor));
    return made.isPresent();
  }

  private Optional<TensorProto> first(NodeReader node) {
    return Optional.ofNullable(byName.get(node.input(0)));
  }

  private static TensorProto constant(NodeReader node) {
    Map<String, Attribute> attributes = node.node().attributes();
    if (attributes.size() != 1) {
      throw node.error("has %d values", attributes.size());
    }
    return switch (attributes.values().iterator().next()) {
      case Attribute.OfTensor tensor -> tensor.value();
      case Attribute.Real real -> TensorProto.floats("", List.of(), real.value());
      case Attribute.Reals reals -> {
        float[] values = new float[reals.values().size()];
        for (int i = 0; i < values.length; i++) {
          values[i] = reals.values().get(i);
        }
        yield TensorProto.floats("", List.of((long) values.length), values);
      }
      case Attribute.Whole whole ->
          new TensorProto(
              "", List.of(), ElementType.INT64, TensorProto.wholes("", whole.value()).raw());
      case Attribute.Wholes wholes ->
          TensorProto.wholes("", wholes.values().stream().mapToLong(Long::longValue).toArray());
      case Attribute.Text _, Attribute.Unread _ -> throw node.error("is no tensor");
    };
  }

  private static TensorProto cast(NodeReader node, TensorProto tensor) {
    long type = node.whole("to", tensor.type().number());
    if (type == tensor.type().number()) {
      return tensor;
    }
    if (type == ElementType.FLOAT.number()) {
      return TensorProto.floats(tensor.name(), tensor.extents(), tensor.toFloats());
    }
    if (type == ElementType.INT64.number()) {
      TensorProto wholes = TensorProto.wholes(tensor.name(), tensor.toWholes());
      return new TensorProto(tensor.name(), tensor.extents(), ElementType.INT64, wholes.raw());
    }
    throw node.error("makes elements of type %d of a constant, which is not supported", type);
  }

  /** (x - zero) scale, both for the whole tensor or for each index of an axis. */
  private static TensorProto dequantized(NodeReader node, TensorProto tensor) {
    float[] scales = node.constant(1).toFloats();
    float[] zeros = node.hasInput(2) ? node.floats(2, scales.length) : new float[scales.length];
    float[] values = tensor.toFloats();
    int rank = tensor.extents().size();
    int inner = Math.max(1, values.length);
    if (scales.length != 1) {
      long axis = node.whole("axis", 1);
      axis += axis < 0 ? rank : 0;
      if (axis < 0 || axis >= rank || tensor.extents().get((int) axis) != scales.length) {
        throw node.error("has %d scales for the shape %s", scales.length, tensor.extents());
      }
      inner = 1;
      for (int i = (int) axis + 1; i < rank; i++) {
        inner *= (int) (long) tensor.extents().get(i);
      }
      inner = Math.max(1, inner);
    }
    for (int i = 0; i < values.length; i++) {
      int of = i / inner % scales.length;
      values[i] = (values[i] - zeros[of]) * scales[of];
    }
    return TensorProto.floats(tensor.name(), tensor.extents(), values);
  }
}
