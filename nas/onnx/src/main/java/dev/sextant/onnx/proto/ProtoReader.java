package dev.sextant.onnx.proto;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.WireFormat;
import dev.sextant.tensor.SextantException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * Reads models from anyone: what a file claims is checked before memory is taken for it, and
 * whatever is wrong ends in a {@link SextantException} of one sentence. Fields that nothing here
 * needs are passed over.
 */
public final class ProtoReader {
  static final int KIND_FLOAT = 1;
  static final int KIND_INT = 2;
  static final int KIND_STRING = 3;
  static final int KIND_TENSOR = 4;
  static final int KIND_FLOATS = 6;
  static final int KIND_INTS = 7;

  /**
   * Most nodes, constants, values and texts of a file: an object of each is larger than its bytes.
   */
  private static final int MOST = 50_000;

  private static final int MOST_EXTENTS = 8;
  private static final int MOST_INPUTS = 4096;
  private static final int MOST_ATTRIBUTES = 64;

  private final String source;
  private final CodedInputStream in;

  private ProtoReader(String source, byte[] bytes) {
    this.source = source;
    in = CodedInputStream.newInstance(bytes);
  }

  /**
   * The model of a file.
   *
   * @param source what errors call it
   */
  public static ModelProto read(byte[] bytes, String source) {
    ProtoReader reader = new ProtoReader(source, bytes);
    try {
      return reader.model();
    } catch (InvalidProtocolBufferException e) {
      throw new SextantException(
          source + ": is no ONNX file, or damaged (" + e.getMessage() + ")", e);
    } catch (IOException e) {
      throw new SextantException(source + ": cannot be read (" + e.getMessage() + ")", e);
    }
  }

  /** Takes the fields of one message. */
  private interface Field {
    /** Reads a field; returns whether it is one that is wanted. */
    boolean read(int number) throws IOException;
  }

  private void fields(Field field) throws IOException {
    int tag = in.readTag();
    while (tag != 0) {
      if (!field.read(WireFormat.getTagFieldNumber(tag))) {
        in.skipField(tag);
      }
      tag = in.readTag();
    }
  }

  private void message(Field field) throws IOException {
    int limit = in.pushLimit(in.readRawVarint32());
    fields(field);
    in.checkLastTagWas(0);
    in.popLimit(limit);
  }

  private SextantException error(String format, Object... arguments) {
    return new SextantException(source + ": " + String.format(Locale.ROOT, format, arguments));
  }

  private <T> void add(List<T> list, T element, int most, String what) {
    if (list.size() == most) {
      throw error("has more than %d %s", most, what);
    }
    list.add(element);
  }

  private String text() throws IOException {
    return in.readStringRequireUtf8();
  }

  /** What a model is gathered in. */
  private static final class Draft {
    long version;
    long operatorSet;
    boolean graph;
    String producer = "";
    String name = "";
    final List<NodeProto> nodes = new ArrayList<>();
    final List<TensorProto> constants = new ArrayList<>();
    final List<ValueInfo> inputs = new ArrayList<>();
    final List<ValueInfo> outputs = new ArrayList<>();
    final SequencedMap<String, String> metadata = new LinkedHashMap<>();
  }

  private ModelProto model() throws IOException {
    Draft draft = new Draft();
    fields(
        number -> {
          switch (number) {
            case 1 -> draft.version = in.readInt64();
            case 2 -> draft.producer = text();
            case 7 -> {
              draft.graph = true;
              graph(draft);
            }
            case 8 -> operatorSet(draft);
            case 14 -> entry(draft.metadata);
            default -> {
              return false;
            }
          }
          return true;
        });
    if (!draft.graph || draft.operatorSet == 0) {
      throw error("is no ONNX file: it has no graph or no version of its operators");
    }
    return new ModelProto(
        draft.version,
        draft.operatorSet,
        draft.producer,
        draft.name,
        List.copyOf(draft.nodes),
        List.copyOf(draft.constants),
        List.copyOf(draft.inputs),
        List.copyOf(draft.outputs),
        List.of(),
        draft.metadata);
  }

  private void operatorSet(Draft draft) throws IOException {
    String[] domain = {""};
    long[] version = {0};
    message(
        number -> {
          switch (number) {
            case 1 -> domain[0] = text();
            case 2 -> version[0] = in.readInt64();
            default -> {
              return false;
            }
          }
          return true;
        });
    if (isStandard(domain[0])) {
      draft.operatorSet = version[0];
    }
  }

  /** Whether operators of a domain are ONNX's own. */
  public static boolean isStandard(String domain) {
    return domain.isEmpty() || domain.equals("ai.onnx");
  }

  private void graph(Draft draft) throws IOException {
    message(
        number -> {
          switch (number) {
            case 1 -> add(draft.nodes, node(), MOST, "nodes");
            case 2 -> draft.name = text();
            case 5 -> add(draft.constants, tensor(), MOST, "constants");
            case 11 -> add(draft.inputs, value(), MOST, "inputs");
            case 12 -> add(draft.outputs, value(), MOST, "outputs");
            case 15 -> throw error("has sparse constants, which are not supported");
            default -> {
              return false;
            }
          }
          return true;
        });
  }

  private void entry(SequencedMap<String, String> texts) throws IOException {
    String[] entry = {"", ""};
    message(
        number -> {
          if (number != 1 && number != 2) {
            return false;
          }
          entry[number - 1] = text();
          return true;
        });
    if (texts.size() == MOST) {
      throw error("has more than %d texts", MOST);
    }
    texts.put(entry[0], entry[1]);
  }

  private NodeProto node() throws IOException {
    String[] texts = {"", "", ""};
    List<String> inputs = new ArrayList<>(4);
    List<String> outputs = new ArrayList<>(1);
    SequencedMap<String, Attribute> attributes = new LinkedHashMap<>();
    SequencedMap<String, String> metadata = new LinkedHashMap<>();
    message(
        number -> {
          switch (number) {
            case 1 -> add(inputs, text(), MOST_INPUTS, "inputs of one node");
            case 2 -> add(outputs, text(), MOST_INPUTS, "outputs of one node");
            case 3 -> texts[0] = text();
            case 4 -> texts[1] = text();
            case 7 -> texts[2] = text();
            case 5 -> attribute(attributes);
            case 9 -> entry(metadata);
            default -> {
              return false;
            }
          }
          return true;
        });
    return new NodeProto(
        texts[0],
        texts[1],
        texts[2],
        List.copyOf(inputs),
        List.copyOf(outputs),
        attributes,
        metadata);
  }

  private void attribute(SequencedMap<String, Attribute> attributes) throws IOException {
    String[] texts = {"", ""};
    float[] real = {0};
    long[] whole = {0};
    int[] kind = {0};
    TensorProto[] tensor = {new TensorProto("", List.of(0L), ElementType.FLOAT, new byte[0])};
    List<Float> reals = new ArrayList<>();
    List<Long> wholes = new ArrayList<>();
    int[] tag = {0};
    message(
        number -> {
          tag[0] = in.getLastTag();
          switch (number) {
            case 1 -> texts[0] = text();
            case 2 -> real[0] = in.readFloat();
            case 3 -> whole[0] = in.readInt64();
            case 4 ->
                texts[1] = new String(in.readByteArray(), java.nio.charset.StandardCharsets.UTF_8);
            case 5 -> tensor[0] = tensor();
            case 7 ->
                repeated(
                    tag[0],
                    () -> add(reals, in.readFloat(), MOST_INPUTS, "values of one attribute"));
            case 8 ->
                repeated(
                    tag[0],
                    () -> add(wholes, in.readInt64(), MOST_INPUTS, "values of one attribute"));
            case 20 -> kind[0] = in.readInt32();
            default -> {
              return false;
            }
          }
          return true;
        });
    if (attributes.size() == MOST_ATTRIBUTES) {
      throw error("has more than %d attributes of one node", MOST_ATTRIBUTES);
    }
    attributes.put(
        texts[0],
        switch (kind[0]) {
          case KIND_FLOAT -> new Attribute.Real(real[0]);
          case KIND_INT -> new Attribute.Whole(whole[0]);
          case KIND_STRING -> new Attribute.Text(texts[1]);
          case KIND_TENSOR -> new Attribute.OfTensor(tensor[0]);
          case KIND_FLOATS -> new Attribute.Reals(List.copyOf(reals));
          case KIND_INTS -> new Attribute.Wholes(List.copyOf(wholes));
          default -> new Attribute.Unread(kind[0]);
        });
  }

  /** Reads one element. */
  private interface Element {
    void read() throws IOException;
  }

  /** One element, or all of a packed field. */
  private void repeated(int tag, Element element) throws IOException {
    if (WireFormat.getTagWireType(tag) != WireFormat.WIRETYPE_LENGTH_DELIMITED) {
      element.read();
      return;
    }
    int limit = in.pushLimit(in.readRawVarint32());
    while (in.getBytesUntilLimit() > 0) {
      element.read();
    }
    in.popLimit(limit);
  }

  /** Elements that are not raw, in the making: each takes as many bytes as its type says. */
  private static final class Elements {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final ByteBuffer one = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);

    void add(long bits, int size) {
      one.putLong(0, bits);
      bytes.write(one.array(), 0, size);
    }
  }

  private TensorProto tensor() throws IOException {
    String[] name = {""};
    int[] type = {0};
    List<Long> extents = new ArrayList<>(4);
    Elements elements = new Elements();
    byte[][] raw = {null};
    // What int32_data stands for is known once the type is, which may come behind it.
    List<Integer> small = new ArrayList<>();
    message(
        number -> {
          int tag = in.getLastTag();
          switch (number) {
            case 1 -> repeated(tag, () -> add(extents, in.readInt64(), MOST_EXTENTS, "extents"));
            case 2 -> type[0] = in.readInt32();
            case 3 -> throw error("has tensors in segments, which are not supported");
            case 4 -> repeated(tag, () -> elements.add(Float.floatToRawIntBits(in.readFloat()), 4));
            case 5 -> repeated(tag, () -> small.add(in.readInt32()));
            case 7 -> repeated(tag, () -> elements.add(in.readInt64(), 8));
            case 8 -> name[0] = text();
            case 9 -> raw[0] = in.readByteArray();
            case 10 ->
                repeated(tag, () -> elements.add(Double.doubleToRawLongBits(in.readDouble()), 8));
            case 13 -> throw error("keeps weights in other files, which are not supported");
            case 14 -> {
              if (in.readInt32() == 1) {
                throw error("keeps weights in other files, which are not supported");
              }
            }
            default -> {
              return false;
            }
          }
          return true;
        });
    ElementType element =
        ElementType.of(type[0])
            .orElseThrow(
                () ->
                    error(
                        "tensor '%s' has elements of type %d, which are not supported",
                        name[0], type[0]));
    small.forEach(value -> elements.add(value, Math.min(element.bytes(), Integer.BYTES)));
    byte @Nullable [] given = raw[0];
    byte[] bytes = given == null ? elements.bytes.toByteArray() : given;
    long size = element.bytes();
    for (long extent : extents) {
      if (extent < 0 || (extent > 0 && size > Integer.MAX_VALUE / extent)) {
        throw error("tensor '%s' has the shape %s, which no tensor can have", name[0], extents);
      }
      size *= extent;
    }
    if (size != bytes.length) {
      throw error(
          "tensor '%s' has %d bytes of elements, its shape %s needs %d",
          name[0], bytes.length, extents, size);
    }
    return new TensorProto(name[0], List.copyOf(extents), element, bytes);
  }

  private ValueInfo value() throws IOException {
    String[] name = {""};
    int[] type = {0};
    List<ValueInfo.Extent> extents = new ArrayList<>(4);
    message(
        info -> {
          if (info == 1) {
            name[0] = text();
          } else if (info == 2) {
            message(kind -> kind == 1 && tensorType(type, extents));
          } else {
            return false;
          }
          return true;
        });
    return new ValueInfo(name[0], type[0], List.copyOf(extents));
  }

  private boolean tensorType(int[] type, List<ValueInfo.Extent> extents) throws IOException {
    message(
        field -> {
          if (field == 1) {
            type[0] = in.readInt32();
          } else if (field == 2) {
            message(dimension -> dimension == 1 && extent(extents));
          } else {
            return false;
          }
          return true;
        });
    return true;
  }

  private boolean extent(List<ValueInfo.Extent> extents) throws IOException {
    ValueInfo.Extent[] extent = {new ValueInfo.Extent.Symbol("")};
    message(
        field -> {
          if (field == 1) {
            extent[0] = new ValueInfo.Extent.Known(in.readInt64());
          } else if (field == 2) {
            extent[0] = new ValueInfo.Extent.Symbol(text());
          } else {
            return false;
          }
          return true;
        });
    add(extents, extent[0], MOST_EXTENTS, "extents");
    return true;
  }
}
