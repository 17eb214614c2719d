package dev.sextant.runtime.layer;

import com.google.gson.JsonObject;
import dev.sextant.runtime.json.JsonFields;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.SextantException;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.SequencedMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * One field of a layer's JSON object: its name, what it can be and what it is where not given.
 * Reading, writing, errors, schema and label follow from it. Immutable.
 *
 * @param <L> the layer
 * @param <T> of the value
 */
public final class Field<L extends Layer, T> {
  /** The name of the step of a layer's window, which a choice gives its candidates. */
  public static final String STRIDE = "stride";

  /** The name of a layer's output width, which a choice gives its candidates. */
  public static final String OUT = "out";

  /** The name of the activation behind a layer. */
  public static final String ACTIVATION = "act";

  /** The name of what follows a convolution, batch norm or none. */
  public static final String NORM = "norm";

  /** The name of whether the input is added. */
  public static final String RESIDUAL = "residual";

  static final FieldKind<Integer> KERNELS = FieldKind.odd(15);
  static final FieldKind<Integer> STRIDES = FieldKind.integer(1, 4);
  static final FieldKind<Integer> WIDTHS = FieldKind.integer(1, Layer.MAX_WIDTH);

  private static final FieldKind<Activation> ACTIVATIONS =
      FieldKind.words(Activation.class, words());
  private static final FieldKind<Boolean> NORMS = FieldKind.words(Boolean.class, norms());

  private final String name;
  private final FieldKind<T> kind;
  private final Function<L, T> value;

  /** What it is where not given; null where it must be given. */
  private final @Nullable Function<FieldValues<L>, T> fallback;

  /** The same for a schema, where it is always the same. */
  private final @Nullable T constant;

  private final boolean always;
  private final String mark;
  private final String description;
  private final Rule<L, T> rule;

  /**
   * What is wrong with a value beyond its range.
   *
   * @param <L> the layer's record
   * @param <T> the value's type
   */
  public interface Rule<L extends Layer, T> {
    /**
     * {@return the error, or null where nothing is wrong}
     *
     * @param values of the fields before
     * @param value in the range of the field's kind
     */
    @Nullable String fault(FieldValues<L> values, T value);
  }

  private Field(
      String name,
      FieldKind<T> kind,
      Function<L, T> value,
      @Nullable Function<FieldValues<L>, T> fallback,
      @Nullable T constant,
      boolean always,
      String mark,
      String description,
      Rule<L, T> rule) {
    this.name = name;
    this.kind = kind;
    this.value = value;
    this.fallback = fallback;
    this.constant = constant;
    this.always = always;
    this.mark = mark;
    this.description = description;
    this.rule = rule;
  }

  /**
   * {@return a field that must be given}
   *
   * @param <L> the layer's record
   * @param <T> the value's type
   * @param name its name in JSON
   * @param kind what it can be
   * @param value reads it from a layer
   */
  public static <L extends Layer, T> Field<L, T> of(
      String name, FieldKind<T> kind, Function<L, T> value) {
    return new Field<>(name, kind, value, null, null, true, "", "", (_, _) -> null);
  }

  /**
   * {@return the field {@code "kernel"}: odd, 1 to 15; must be given}
   *
   * @param <L> the layer's record
   * @param value reads it from a layer
   */
  public static <L extends Layer> Field<L, Integer> kernel(Function<L, Integer> value) {
    return of("kernel", KERNELS, value).marked("%1$sx%1$s");
  }

  /**
   * {@return the field {@code "stride"}: 1 to 4, 1 where not given}
   *
   * @param <L> the layer's record
   * @param value reads it from a layer
   */
  public static <L extends Layer> Field<L, Integer> stride(Function<L, Integer> value) {
    return of(STRIDE, STRIDES, value).otherwise(1).marked("s%s");
  }

  /**
   * {@return the field {@code "dilation"}: 1 to 8, 1 where not given}
   *
   * @param <L> the layer's record
   * @param value reads it from a layer
   */
  public static <L extends Layer> Field<L, Integer> dilation(Function<L, Integer> value) {
    return of("dilation", FieldKind.integer(1, 8), value).otherwise(1).marked("d%s");
  }

  /**
   * {@return the field {@code "out"}: output channels, 1 to 65,536; must be given}
   *
   * @param <L> the layer's record
   * @param value reads it from a layer
   */
  public static <L extends Layer> Field<L, Integer> out(Function<L, Integer> value) {
    return of(OUT, WIDTHS, value);
  }

  /**
   * {@return the field {@code "norm"}: {@code "batch"} (where not given) or {@code "none"}}
   *
   * @param <L> the layer's record
   * @param value reads it from a layer
   */
  public static <L extends Layer> Field<L, Boolean> batchNorm(Function<L, Boolean> value) {
    return of(NORM, NORMS, value)
        .otherwise(true)
        .written()
        .describedAs("A convolution without batch norm has a bias.");
  }

  /**
   * {@return the field {@code "act"}: the activation in lower case, {@code "none"} for the
   * identity}
   *
   * @param <L> the layer's record
   * @param value reads it from a layer
   * @param fallback the activation where none is given
   */
  public static <L extends Layer> Field<L, Activation> activation(
      Function<L, Activation> value, Activation fallback) {
    return activation(ACTIVATION, value, fallback);
  }

  /**
   * {@return a field of an activation under another name}
   *
   * @param <L> the layer's record
   * @param name of the field
   * @param value reads it from a layer
   * @param fallback the activation where none is given
   */
  public static <L extends Layer> Field<L, Activation> activation(
      String name, Function<L, Activation> value, Activation fallback) {
    return of(name, ACTIVATIONS, value).otherwise(fallback);
  }

  /**
   * {@return the word for an activation: its name in lower case, {@code "none"} for the identity}
   *
   * @param activation any
   */
  public static String word(Activation activation) {
    return activation == Activation.IDENTITY
        ? "none"
        : activation.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private static SequencedMap<String, Activation> words() {
    SequencedMap<String, Activation> words = new LinkedHashMap<>();
    for (Activation activation : Activation.values()) {
      words.put(word(activation), activation);
    }
    return words;
  }

  private static SequencedMap<String, Boolean> norms() {
    SequencedMap<String, Boolean> words = new LinkedHashMap<>();
    words.put("batch", true);
    words.put("none", false);
    return words;
  }

  /**
   * {@return the same with a value where none is given; then it is written only where it differs}
   *
   * @param constant the value where none is given
   */
  public Field<L, T> otherwise(T constant) {
    return new Field<>(name, kind, value, _ -> constant, constant, false, mark, description, rule);
  }

  /**
   * {@return the same with a value that depends on the fields before and on the input}
   *
   * @param fallback the value where none is given, from the fields before
   */
  public Field<L, T> otherwise(Function<FieldValues<L>, T> fallback) {
    return new Field<>(name, kind, value, fallback, null, false, mark, description, rule);
  }

  /** {@return the same, written even where it is what it would be if not given} */
  public Field<L, T> written() {
    return new Field<>(name, kind, value, fallback, constant, true, mark, description, rule);
  }

  /**
   * {@return the same, shown in labels by that format where it is not what it would be if not
   * given}
   *
   * @param format with one {@code %s} for the value
   */
  public Field<L, T> marked(String format) {
    return new Field<>(name, kind, value, fallback, constant, always, format, description, rule);
  }

  /**
   * {@return the same with a sentence for the schema}
   *
   * @param text one sentence
   */
  public Field<L, T> describedAs(String text) {
    return new Field<>(name, kind, value, fallback, constant, always, mark, text, rule);
  }

  /**
   * {@return the same, refusing more than its kind does}
   *
   * @param newRule says what is wrong with a value
   */
  public Field<L, T> under(Rule<L, T> newRule) {
    return new Field<>(name, kind, value, fallback, constant, always, mark, description, newRule);
  }

  /** {@return its name in JSON} */
  public String name() {
    return name;
  }

  /** {@return what it can be} */
  public FieldKind<T> kind() {
    return kind;
  }

  /**
   * Checks a number that a constructor was given.
   *
   * @param op the layer's name
   * @param checked the number
   * @throws SextantException naming the layer, the field and the range
   */
  public void check(String op, T checked) {
    kind.check(op + ": " + name, checked);
  }

  boolean isRequired() {
    return fallback == null;
  }

  boolean isGivenByChoices() {
    return name.equals(STRIDE) || name.equals(OUT);
  }

  T of(L layer) {
    return value.apply(layer);
  }

  T read(JsonFields json, FieldValues<L> values) {
    if (!json.has(name)) {
      if (fallback == null) {
        throw json.error(name + " is missing");
      }
      return fallback.apply(values);
    }
    T read = kind.read(json, name);
    String fault = rule.fault(values, read);
    if (fault != null) {
      throw json.error(name, fault);
    }
    return read;
  }

  private boolean isDefault(FieldValues<L> values) {
    return fallback != null && values.get(this).equals(fallback.apply(values));
  }

  void write(FieldValues<L> values, JsonObject json) {
    if (always || !isDefault(values)) {
      json.add(name, kind.write(values.get(this)));
    }
  }

  String label(FieldValues<L> values) {
    return mark.isEmpty() || isDefault(values)
        ? ""
        : " " + String.format(Locale.ROOT, mark, values.get(this));
  }

  JsonObject schema() {
    JsonObject schema = kind.schema();
    if (constant != null) {
      schema.add("default", kind.write(constant));
    }
    if (!description.isEmpty()) {
      schema.addProperty("description", description);
    }
    return schema;
  }
}
