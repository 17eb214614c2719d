package dev.sextant.bench.onnx;

import com.google.protobuf.CodedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * A graph of ONNX operators in the making, as the protocol buffers of {@code onnx.proto}. Values
 * are known by their names, which it makes.
 */
final class OnnxGraph {
  /** The operator set: the first whose average pooling knows dilations. */
  private static final int OPERATOR_SET = 19;

  /** The version of the file format that came with it. */
  private static final int FORMAT_VERSION = 9;

  /** Element types of tensors. */
  private static final int FLOAT = 1;

  private static final int INT64 = 7;

  /** Kinds of attributes. */
  private static final int KIND_FLOAT = 1;

  private static final int KIND_INT = 2;
  private static final int KIND_INTS = 7;

  private final ByteArrayOutputStream nodes = new ByteArrayOutputStream();
  private final ByteArrayOutputStream tensors = new ByteArrayOutputStream();
  private int values;

  /** Writes the fields of one message. */
  private interface Fields {
    void write(CodedOutputStream out) throws IOException;
  }

  /** An attribute of an operator, encoded. */
  record Attribute(byte[] bytes) {
    static Attribute of(String name, long value) {
      return new Attribute(
          message(
              out -> {
                out.writeString(1, name);
                out.writeInt64(3, value);
                out.writeInt32(20, KIND_INT);
              }));
    }

    static Attribute of(String name, double value) {
      return new Attribute(
          message(
              out -> {
                out.writeString(1, name);
                out.writeFloat(2, (float) value);
                out.writeInt32(20, KIND_FLOAT);
              }));
    }

    static Attribute list(String name, int... list) {
      return new Attribute(
          message(
              out -> {
                out.writeString(1, name);
                for (int value : list) {
                  out.writeInt64(8, value);
                }
                out.writeInt32(20, KIND_INTS);
              }));
    }
  }

  private static byte[] message(Fields fields) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    append(bytes, fields);
    return bytes.toByteArray();
  }

  private static void append(ByteArrayOutputStream bytes, Fields fields) {
    try {
      CodedOutputStream out = CodedOutputStream.newInstance(bytes);
      fields.write(out);
      out.flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Adds an operator of one output; returns the output's name. */
  String node(String operator, List<String> inputs, Attribute... attributes) {
    String output = "v" + values++;
    byte[] node =
        message(
            out -> {
              for (String input : inputs) {
                out.writeString(1, input);
              }
              out.writeString(2, output);
              out.writeString(4, operator);
              for (Attribute attribute : attributes) {
                out.writeByteArray(5, attribute.bytes);
              }
            });
    append(nodes, out -> out.writeByteArray(1, node));
    return output;
  }

  /** Adds a constant of floats, row-major; returns its name. */
  String floats(List<Integer> extents, float[] elements) {
    ByteBuffer raw =
        ByteBuffer.allocate(Math.multiplyExact(elements.length, Float.BYTES))
            .order(ByteOrder.LITTLE_ENDIAN);
    raw.asFloatBuffer().put(elements);
    return tensor(extents, FLOAT, raw);
  }

  /** Adds a constant vector of integers; returns its name. */
  String integers(long... elements) {
    ByteBuffer raw =
        ByteBuffer.allocate(elements.length * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    raw.asLongBuffer().put(elements);
    return tensor(List.of(elements.length), INT64, raw);
  }

  private String tensor(List<Integer> extents, int type, ByteBuffer raw) {
    String name = "v" + values++;
    byte[] tensor =
        message(
            out -> {
              for (int extent : extents) {
                out.writeInt64(1, extent);
              }
              out.writeInt32(2, type);
              out.writeString(8, name);
              out.writeByteArray(9, raw.array());
            });
    append(tensors, out -> out.writeByteArray(5, tensor));
    return name;
  }

  /** The model, in bytes. */
  byte[] model(
      String name, String input, List<Integer> inputExtents, String output, List<Integer> extents) {
    byte[] graph =
        message(
            out -> {
              out.writeRawBytes(nodes.toByteArray());
              out.writeString(2, name);
              out.writeRawBytes(tensors.toByteArray());
              out.writeByteArray(11, value(input, inputExtents));
              out.writeByteArray(12, value(output, extents));
            });
    return message(
        out -> {
          out.writeInt64(1, FORMAT_VERSION);
          out.writeString(2, "sextant");
          out.writeByteArray(7, graph);
          out.writeByteArray(8, message(set -> set.writeInt64(2, OPERATOR_SET)));
        });
  }

  /** What a graph takes or gives. */
  private static byte[] value(String name, List<Integer> extents) {
    byte[] shape =
        message(
            out -> {
              for (int extent : extents) {
                out.writeByteArray(1, message(dimension -> dimension.writeInt64(1, extent)));
              }
            });
    byte[] tensor =
        message(
            out -> {
              out.writeInt32(1, FLOAT);
              out.writeByteArray(2, shape);
            });
    byte[] type = message(out -> out.writeByteArray(1, tensor));
    return message(
        out -> {
          out.writeString(1, name);
          out.writeByteArray(2, type);
        });
  }
}
