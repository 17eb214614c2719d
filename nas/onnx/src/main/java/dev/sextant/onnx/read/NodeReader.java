package dev.sextant.onnx.read;

import dev.sextant.onnx.proto.Attribute;
import dev.sextant.onnx.proto.NodeProto;
import dev.sextant.onnx.proto.TensorProto;
import dev.sextant.tensor.SextantException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The attributes and constant inputs of one node; errors name the node and its operator. */
final class NodeReader {
  private final String source;
  private final NodeProto node;
  private final Constants constants;

  NodeReader(String source, NodeProto node, Constants constants) {
    this.source = source;
    this.node = node;
    this.constants = constants;
  }

  NodeProto node() {
    return node;
  }

  SextantException error(String format, Object... arguments) {
    String name = node.name().isEmpty() ? String.join(", ", node.outputs()) : node.name();
    return new SextantException(
        String.format(
            Locale.ROOT,
            "%s: node '%s' (%s): %s",
            source,
            shown(name),
            shown(node.operator()),
            String.format(Locale.ROOT, format, arguments)));
  }

  /** A name of a file as a message shows it. */
  static String shown(String name) {
    String clean = name.replaceAll("\\p{Cntrl}", "?");
    return clean.length() <= 80 ? clean : clean.substring(0, 80) + "...";
  }

  String input(int index) {
    if (!hasInput(index)) {
      throw error("has no input %d", index);
    }
    return node.inputs().get(index);
  }

  boolean hasInput(int index) {
    return index < node.inputs().size() && !node.inputs().get(index).isEmpty();
  }

  String output() {
    if (node.outputs().isEmpty()) {
      throw error("gives nothing");
    }
    return node.outputs().getFirst();
  }

  /** The constant that an input is. */
  TensorProto constant(int index) {
    TensorProto constant = constants.get(input(index));
    if (constant == null) {
      throw error("its input %d, '%s', is no constant", index, shown(input(index)));
    }
    return constant;
  }

  /** The floats of a constant of that many elements. */
  float[] floats(int index, int size) {
    float[] values = constant(index).toFloats();
    if (values.length != size) {
      throw error("its input %d has %d elements, needs %d", index, values.length, size);
    }
    return values;
  }

  long whole(String name, long otherwise) {
    Attribute attribute = node.attributes().get(name);
    return switch (attribute) {
      case null -> otherwise;
      case Attribute.Whole whole -> whole.value();
      default -> throw error("its %s is no whole number", name);
    };
  }

  float real(String name, float otherwise) {
    Attribute attribute = node.attributes().get(name);
    return switch (attribute) {
      case null -> otherwise;
      case Attribute.Real real -> real.value();
      default -> throw error("its %s is no float", name);
    };
  }

  String text(String name, String otherwise) {
    Attribute attribute = node.attributes().get(name);
    return switch (attribute) {
      case null -> otherwise;
      case Attribute.Text text -> text.value();
      default -> throw error("its %s is no text", name);
    };
  }

  int @Nullable [] wholes(String name) {
    Attribute attribute = node.attributes().get(name);
    return switch (attribute) {
      case null -> null;
      case Attribute.Wholes wholes -> integers(name, wholes.values());
      default -> throw error("its %s is no list of whole numbers", name);
    };
  }

  private int[] integers(String name, List<Long> values) {
    int[] integers = new int[values.size()];
    for (int i = 0; i < integers.length; i++) {
      integers[i] = integer(name, values.get(i));
    }
    return integers;
  }

  private int integer(String name, long value) {
    if (value < Integer.MIN_VALUE || value > Integer.MAX_VALUE) {
      throw error("its %s has %d", name, value);
    }
    return (int) value;
  }

  /** The whole numbers of a constant input, or of an attribute where there is no such input. */
  int @Nullable [] wholes(int index, String name) {
    if (!hasInput(index)) {
      return wholes(name);
    }
    long[] values = constant(index).toWholes();
    return Arrays.stream(values).mapToInt(value -> integer(name, value)).toArray();
  }

  /** One number for both directions. */
  int square(String name, int otherwise) {
    int[] values = wholes(name);
    if (values == null) {
      return otherwise;
    }
    if (values.length != 2 || values[0] != values[1]) {
      throw error(
          "its %s %s is not the same in both directions, which is not supported",
          name, Arrays.toString(values));
    }
    return values[0];
  }
}
