package dev.sextant.runtime.layer;

import com.google.gson.JsonObject;
import dev.sextant.runtime.json.JsonFields;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** One layer as a JSON object, alone or as a candidate of a choice. */
@SuppressWarnings("exports") // dev.sextant.search shares the JSON reader
public final class LayerJson {
  /** Most times that one entry repeats. */
  public static final int MAX_REPEAT = 1_000;

  private LayerJson() {}

  private static LayerType<?> type(JsonFields fields) {
    Map<String, LayerType<?>> types = LayerTypes.all();
    String op = fields.word("op", List.copyOf(types.keySet()), null);
    return Objects.requireNonNull(types.get(op));
  }

  /**
   * The layers of one entry: one, or as many as {@code "repeat"} says, of which only the first has
   * the stride.
   *
   * @param fields of the layer's entry
   * @param before the shape that the layer before takes, the older input of a cell; null where
   *     there is none
   * @param input the shape that the first one takes
   * @return the layers, at least one
   */
  public static List<Layer> read(JsonFields fields, @Nullable Shape before, Shape input) {
    LayerType<?> type = type(fields);
    List<String> known = new ArrayList<>(List.of("op", "repeat"));
    known.addAll(type.names());
    fields.only(known);
    String fault = type.whyNotInAChain();
    if (fault != null) {
      throw fields.error("op", fault);
    }
    int stride = type.has(Field.STRIDE) ? readStride(fields) : 1;
    int out = type.hasWidth() ? fields.integer(Field.OUT, 1, Layer.MAX_WIDTH) : input.channels();
    int repeat = readRepeat(fields);
    List<Layer> layers = new ArrayList<>(repeat);
    Shape older = before;
    Shape shape = input;
    for (int i = 0; i < repeat; i++) {
      Layer layer = type.read(fields, older, shape, i == 0 ? stride : 1, out);
      layers.add(layer);
      older = shape;
      shape = output(fields, layer, shape);
    }
    return layers;
  }

  /**
   * {@return one candidate of a choice, which gives the stride and the width}
   *
   * @param fields of the layer's entry
   * @param input the shape that the choice takes
   * @param stride step in pixels
   * @param out output channels
   */
  public static Layer readCandidate(JsonFields fields, Shape input, int stride, int out) {
    LayerType<?> type = type(fields);
    String fault = type.whyNotACandidate();
    if (fault != null) {
      throw fields.error("op", fault);
    }
    for (String given : List.of(Field.STRIDE, Field.OUT)) {
      if (fields.has(given)) {
        throw fields.error(given, "is given by the choice, not by its candidates");
      }
    }
    List<String> known = new ArrayList<>(List.of("op"));
    known.addAll(type.names());
    known.removeAll(List.of(Field.STRIDE, Field.OUT));
    fields.only(known);
    return type.read(fields, null, input, stride, out);
  }

  /**
   * {@return the field {@code "stride"}}
   *
   * @param fields of the layer's entry
   */
  public static int readStride(JsonFields fields) {
    return fields.has(Field.STRIDE) ? Field.STRIDES.read(fields, Field.STRIDE) : 1;
  }

  /**
   * {@return the field {@code "repeat"}}
   *
   * @param fields of the layer's entry
   */
  public static int readRepeat(JsonFields fields) {
    return fields.integer("repeat", 1, MAX_REPEAT, 1);
  }

  /**
   * {@return the output shape of a layer, errors naming where the layer stands}
   *
   * @param fields of the layer's entry
   * @param layer the layer
   * @param input the shape that the layer takes
   */
  public static Shape output(JsonFields fields, Layer layer, Shape input) {
    try {
      return layer.output(input);
    } catch (SextantException e) {
      throw fields.error(String.valueOf(e.getMessage()));
    }
  }

  /**
   * {@return the JSON object of a layer that takes that input}
   *
   * @param layer the layer
   * @param input the shape that the layer takes
   */
  public static JsonObject write(Layer layer, Shape input) {
    JsonObject json = new JsonObject();
    layer.type().write(layer, input, false, json);
    return json;
  }

  /**
   * {@return the JSON object of a candidate: {@link #write} without the stride and the width}
   *
   * @param layer the layer
   * @param input the shape that the layer takes
   */
  public static JsonObject writeCandidate(Layer layer, Shape input) {
    JsonObject json = new JsonObject();
    layer.type().write(layer, input, true, json);
    return json;
  }

  /**
   * {@return the layer with another value of a field, or itself where it has no such field}
   *
   * @param layer the layer
   * @param field name of a field
   * @param value of the field's type
   */
  public static Layer with(Layer layer, String field, Object value) {
    return layer.type().with(layer, field, value);
  }
}
