package dev.sextant.onnx.proto;

import com.google.protobuf.CodedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;

/** Models as protocol buffers. Numbers are those of the fields in {@code onnx.proto}. */
public final class ProtoWriter {
  private ProtoWriter() {}

  /** Writes the fields of one message. */
  private interface Fields {
    void write(CodedOutputStream out) throws IOException;
  }

  /** A model's bytes; the same for equal models. */
  public static byte[] bytes(ModelProto model) {
    return message(
        out -> {
          out.writeInt64(1, model.version());
          out.writeString(2, model.producer());
          out.writeByteArray(7, graph(model));
          out.writeByteArray(8, message(set -> set.writeInt64(2, model.operatorSet())));
          texts(out, 14, model.metadata());
        });
  }

  private static byte[] message(Fields fields) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      CodedOutputStream out = CodedOutputStream.newInstance(bytes);
      fields.write(out);
      out.flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  private static byte[] graph(ModelProto model) {
    return message(
        out -> {
          for (NodeProto node : model.nodes()) {
            out.writeByteArray(1, node(node));
          }
          out.writeString(2, model.name());
          for (TensorProto tensor : model.constants()) {
            out.writeByteArray(5, tensor(tensor));
          }
          values(out, 11, model.inputs());
          values(out, 12, model.outputs());
          values(out, 13, model.values());
        });
  }

  private static void texts(CodedOutputStream out, int field, SequencedMap<String, String> texts)
      throws IOException {
    for (Map.Entry<String, String> text : texts.entrySet()) {
      out.writeByteArray(
          field,
          message(
              entry -> {
                entry.writeString(1, text.getKey());
                entry.writeString(2, text.getValue());
              }));
    }
  }

  private static byte[] node(NodeProto node) {
    return message(
        out -> {
          for (String input : node.inputs()) {
            out.writeString(1, input);
          }
          for (String output : node.outputs()) {
            out.writeString(2, output);
          }
          out.writeString(3, node.name());
          out.writeString(4, node.operator());
          for (Map.Entry<String, Attribute> attribute : node.attributes().entrySet()) {
            out.writeByteArray(5, attribute(attribute.getKey(), attribute.getValue()));
          }
          if (!node.domain().isEmpty()) {
            out.writeString(7, node.domain());
          }
          texts(out, 9, node.metadata());
        });
  }

  private static byte[] attribute(String name, Attribute attribute) {
    return message(
        out -> {
          out.writeString(1, name);
          switch (attribute) {
            case Attribute.Real real -> {
              out.writeFloat(2, real.value());
              out.writeInt32(20, ProtoReader.KIND_FLOAT);
            }
            case Attribute.Whole whole -> {
              out.writeInt64(3, whole.value());
              out.writeInt32(20, ProtoReader.KIND_INT);
            }
            case Attribute.Text text -> {
              out.writeString(4, text.value());
              out.writeInt32(20, ProtoReader.KIND_STRING);
            }
            case Attribute.OfTensor tensor -> {
              out.writeByteArray(5, tensor(tensor.value()));
              out.writeInt32(20, ProtoReader.KIND_TENSOR);
            }
            case Attribute.Reals reals -> {
              for (float value : reals.values()) {
                out.writeFloat(7, value);
              }
              out.writeInt32(20, ProtoReader.KIND_FLOATS);
            }
            case Attribute.Wholes wholes -> {
              for (long value : wholes.values()) {
                out.writeInt64(8, value);
              }
              out.writeInt32(20, ProtoReader.KIND_INTS);
            }
            case Attribute.Unread unread ->
                throw new IllegalArgumentException("an attribute of kind " + unread.kind());
          }
        });
  }

  private static byte[] tensor(TensorProto tensor) {
    return message(
        out -> {
          for (long extent : tensor.extents()) {
            out.writeInt64(1, extent);
          }
          out.writeInt32(2, tensor.type().number());
          if (!tensor.name().isEmpty()) {
            out.writeString(8, tensor.name());
          }
          out.writeByteArray(9, tensor.raw());
        });
  }

  private static void values(CodedOutputStream out, int field, List<ValueInfo> values)
      throws IOException {
    for (ValueInfo value : values) {
      byte[] tensor =
          message(
              type -> {
                type.writeInt32(1, value.type());
                type.writeByteArray(2, shape(value.extents()));
              });
      out.writeByteArray(
          field,
          message(
              info -> {
                info.writeString(1, value.name());
                info.writeByteArray(2, message(type -> type.writeByteArray(1, tensor)));
              }));
    }
  }

  private static byte[] shape(List<ValueInfo.Extent> extents) {
    return message(
        out -> {
          for (ValueInfo.Extent extent : extents) {
            out.writeByteArray(
                1,
                message(
                    dimension -> {
                      switch (extent) {
                        case ValueInfo.Extent.Known known -> dimension.writeInt64(1, known.size());
                        case ValueInfo.Extent.Symbol symbol ->
                            dimension.writeString(2, symbol.name());
                      }
                    }));
          }
        });
  }
}
