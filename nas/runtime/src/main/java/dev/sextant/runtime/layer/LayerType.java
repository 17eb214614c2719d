package dev.sextant.runtime.layer;

import com.google.gson.JsonObject;
import dev.sextant.runtime.json.JsonFields;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A kind of layer: the name that JSON has for it, and its fields. Immutable.
 *
 * @param <L> the record
 */
public final class LayerType<L extends Layer> {
  private final String op;
  private final Class<L> record;
  private final List<Field<L, ?>> fields;
  private final Function<FieldValues<L>, L> constructor;
  private final String description;
  private final @Nullable String notACandidate;
  private final @Nullable String notInAChain;

  private LayerType(
      String op,
      Class<L> record,
      List<Field<L, ?>> fields,
      Function<FieldValues<L>, L> constructor,
      String description,
      @Nullable String notACandidate,
      @Nullable String notInAChain) {
    this.op = op;
    this.record = record;
    this.fields = List.copyOf(fields);
    this.constructor = constructor;
    this.description = description;
    this.notACandidate = notACandidate;
    this.notInAChain = notInAChain;
  }

  /**
   * {@return a type}
   *
   * @param <L> the layers' record
   * @param op its name: {@code "op"} in JSON
   * @param record the layers' record
   * @param fields in the order in which they are read and written, but that {@code "out"} and
   *     {@code "stride"}, which a choice gives its candidates, are written last
   * @param constructor makes the record of the fields' values
   */
  public static <L extends Layer> LayerType<L> of(
      String op,
      Class<L> record,
      List<Field<L, ?>> fields,
      Function<FieldValues<L>, L> constructor) {
    return new LayerType<>(op, record, fields, constructor, "", null, null);
  }

  /**
   * {@return the same with a sentence for the schema}
   *
   * @param text one sentence
   */
  public LayerType<L> describedAs(String text) {
    return new LayerType<>(op, record, fields, constructor, text, notACandidate, notInAChain);
  }

  /**
   * {@return the same that no choice can have; {@code why} is the error}
   *
   * @param why the error
   */
  public LayerType<L> notACandidate(String why) {
    return new LayerType<>(op, record, fields, constructor, description, why, notInAChain);
  }

  /** The same that stands neither in a chain nor in a choice; {@code why} is the error. */
  LayerType<L> notInAChain(String why) {
    return new LayerType<>(op, record, fields, constructor, description, why, why);
  }

  /** {@return its name: {@code "op"} in JSON} */
  public String op() {
    return op;
  }

  /** {@return its fields} */
  public List<Field<L, ?>> fields() {
    return fields;
  }

  String description() {
    return description;
  }

  /** {@return why no choice can have it, or null} */
  public @Nullable String whyNotACandidate() {
    return notACandidate;
  }

  /** Why no chain can have it, or null. */
  @Nullable String whyNotInAChain() {
    return notInAChain;
  }

  /** {@return whether its layers have an output width of their own, or else keep their input's} */
  public boolean hasWidth() {
    return has(Field.OUT);
  }

  /**
   * {@return whether there is a field of that name}
   *
   * @param name of a field
   */
  public boolean has(String name) {
    return fields.stream().anyMatch(field -> field.name().equals(name));
  }

  List<String> names() {
    return fields.stream().map(Field::name).toList();
  }

  /**
   * A layer of these fields.
   *
   * @param before the shape of the layer before's input; null where there is none
   * @param stride of the layer, where its type has a stride
   * @param out its width, where its type has one
   * @throws SextantException that names the field
   */
  Layer read(JsonFields json, @Nullable Shape before, Shape input, int stride, int out) {
    FieldValues<L> values = new FieldValues<>(before, input);
    for (Field<L, ?> field : fields) {
      switch (field.name()) {
        case Field.STRIDE -> {
          if (json.has(Field.STRIDE)) {
            // Its own range may be narrower than that of all layers.
            field.read(json, values);
          }
          values.put(field, stride);
        }
        case Field.OUT -> values.put(field, out);
        default -> values.put(field, field.read(json, values));
      }
    }
    try {
      return constructor.apply(values);
    } catch (SextantException e) {
      throw json.error(String.valueOf(e.getMessage()));
    }
  }

  private FieldValues<L> values(Layer layer, Shape input) {
    FieldValues<L> values = new FieldValues<>(null, input);
    for (Field<L, ?> field : fields) {
      values.put(field, field.of(record.cast(layer)));
    }
    return values;
  }

  /** Writes the fields: all, or those that a choice does not give. */
  void write(Layer layer, Shape input, boolean candidate, JsonObject json) {
    json.addProperty("op", op);
    FieldValues<L> values = values(layer, input);
    List<Field<L, ?>> last = new ArrayList<>();
    for (Field<L, ?> field : fields) {
      if (field.isGivenByChoices()) {
        last.add(field);
      } else {
        field.write(values, json);
      }
    }
    if (!candidate) {
      // The width, then the stride.
      last.sort(Comparator.comparing(Field::name));
      last.forEach(field -> field.write(values, json));
    }
  }

  /**
   * The layer with another value of a field, or the layer itself where its type has no such field.
   *
   * @param layer of this type
   */
  Layer with(Layer layer, String name, Object value) {
    if (!has(name)) {
      return layer;
    }
    FieldValues<L> values = new FieldValues<>(null, Shape.of());
    for (Field<L, ?> field : fields) {
      values.put(field, field.name().equals(name) ? value : field.of(record.cast(layer)));
    }
    return constructor.apply(values);
  }

  /** The name and what distinguishes the layer, the stride last. */
  String label(Layer layer) {
    StringBuilder label = new StringBuilder(op);
    FieldValues<L> values = values(layer, Shape.of(1, 1, 1, 1));
    for (Field<L, ?> field : fields) {
      if (!field.name().equals(Field.STRIDE)) {
        label.append(field.label(values));
      }
    }
    for (Field<L, ?> field : fields) {
      if (field.name().equals(Field.STRIDE)) {
        label.append(field.label(values));
      }
    }
    return label.toString();
  }
}
