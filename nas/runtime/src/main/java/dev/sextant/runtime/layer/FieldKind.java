package dev.sextant.runtime.layer;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import dev.sextant.runtime.json.JsonFields;
import dev.sextant.tensor.SextantException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.SequencedMap;

/**
 * What a field can be: a range of numbers, words, true or false.
 *
 * @param <T> the type of the values
 */
public abstract sealed class FieldKind<T>
    permits FieldKind.Whole,
        FieldKind.Real,
        FieldKind.Words,
        FieldKind.Flag,
        FieldKind.Texts,
        CellNodes {
  FieldKind() {}

  /**
   * {@return whole numbers of a range, both ends included}
   *
   * @param min least value
   * @param max largest value
   */
  public static FieldKind<Integer> integer(int min, int max) {
    return new Whole(min, max, false);
  }

  /**
   * {@return the odd numbers from 1 to {@code max}: sizes of kernels}
   *
   * @param max largest value
   */
  public static FieldKind<Integer> odd(int max) {
    return new Whole(1, max, true);
  }

  /**
   * {@return numbers of a range, both ends included}
   *
   * @param min least value
   * @param max largest value
   */
  public static FieldKind<Double> number(double min, double max) {
    return new Real(min, max);
  }

  /** {@return true or false} */
  public static FieldKind<Boolean> flag() {
    return new Flag();
  }

  /**
   * {@return one of some values, by words in the order in which errors list them}
   *
   * @param <T> the type of the values
   * @param type the class of the values
   * @param values by word
   */
  public static <T> FieldKind<T> words(Class<T> type, SequencedMap<String, T> values) {
    return new Words<>(type, values);
  }

  /**
   * {@return one to so many texts, which the layer itself reads}
   *
   * @param most largest number of texts
   */
  public static FieldKind<List<String>> texts(int most) {
    return new Texts(most);
  }

  abstract T cast(Object value);

  /** The value of a field that is there; errors name the path. */
  abstract T read(JsonFields json, String name);

  abstract JsonElement write(T value);

  /** What a JSON Schema says of it. */
  abstract JsonObject schema();

  /** Throws where a value from code is none of these. */
  abstract void check(String where, T value);

  static final class Whole extends FieldKind<Integer> {
    private final int min;
    private final int max;
    private final boolean odd;

    private Whole(int min, int max, boolean odd) {
      this.min = min;
      this.max = max;
      this.odd = odd;
    }

    @Override
    Integer cast(Object value) {
      return (Integer) value;
    }

    @Override
    Integer read(JsonFields json, String name) {
      int value = json.integer(name, min, max);
      if (odd && value % 2 == 0) {
        throw json.error(name, value + " is even");
      }
      return value;
    }

    @Override
    JsonElement write(Integer value) {
      return new JsonPrimitive(value);
    }

    @Override
    JsonObject schema() {
      JsonObject schema = new JsonObject();
      if (odd) {
        JsonArray values = new JsonArray();
        for (int i = min; i <= max; i += 2) {
          values.add(i);
        }
        schema.add("enum", values);
      } else {
        schema.addProperty("type", "integer");
        schema.addProperty("minimum", min);
        schema.addProperty("maximum", max);
      }
      return schema;
    }

    @Override
    void check(String where, Integer value) {
      if (value < min || value > max) {
        throw new SextantException(
            String.format(Locale.ROOT, "%s %d is not between %d and %d", where, value, min, max));
      }
      if (odd && value % 2 == 0) {
        throw new SextantException(String.format(Locale.ROOT, "%s %d is even", where, value));
      }
    }
  }

  static final class Real extends FieldKind<Double> {
    private final double min;
    private final double max;

    private Real(double min, double max) {
      this.min = min;
      this.max = max;
    }

    @Override
    Double cast(Object value) {
      return (Double) value;
    }

    @Override
    Double read(JsonFields json, String name) {
      return json.number(name, min, max, min);
    }

    @Override
    JsonElement write(Double value) {
      return new JsonPrimitive(value);
    }

    @Override
    JsonObject schema() {
      JsonObject schema = new JsonObject();
      schema.addProperty("type", "number");
      schema.addProperty("minimum", min);
      schema.addProperty("maximum", max);
      return schema;
    }

    @Override
    void check(String where, Double value) {
      if (!(value >= min && value <= max)) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "%s %s is not between %s and %s",
                where,
                value,
                JsonFields.plain(min),
                JsonFields.plain(max)));
      }
    }
  }

  static final class Words<T> extends FieldKind<T> {
    private final Class<T> type;
    private final SequencedMap<String, T> values;

    private Words(Class<T> type, SequencedMap<String, T> values) {
      this.type = type;
      this.values = new LinkedHashMap<>(values);
    }

    @Override
    T cast(Object value) {
      return type.cast(value);
    }

    @Override
    T read(JsonFields json, String name) {
      T value = values.get(json.word(name, List.copyOf(values.sequencedKeySet()), null));
      if (value == null) {
        throw new IllegalStateException("a word without a value");
      }
      return value;
    }

    @Override
    JsonElement write(T value) {
      for (var word : values.entrySet()) {
        if (word.getValue().equals(value)) {
          return new JsonPrimitive(word.getKey());
        }
      }
      throw new IllegalArgumentException("no word means " + value);
    }

    @Override
    JsonObject schema() {
      JsonArray words = new JsonArray();
      values.keySet().forEach(words::add);
      JsonObject schema = new JsonObject();
      schema.add("enum", words);
      return schema;
    }

    @Override
    void check(String where, T value) {
      write(value);
    }
  }

  static final class Flag extends FieldKind<Boolean> {
    private Flag() {}

    @Override
    Boolean cast(Object value) {
      return (Boolean) value;
    }

    @Override
    Boolean read(JsonFields json, String name) {
      return json.flag(name, false);
    }

    @Override
    JsonElement write(Boolean value) {
      return new JsonPrimitive(value);
    }

    @Override
    JsonObject schema() {
      JsonObject schema = new JsonObject();
      schema.addProperty("type", "boolean");
      return schema;
    }

    @Override
    void check(String where, Boolean value) {
      // Both are right.
    }
  }

  static final class Texts extends FieldKind<List<String>> {
    private final int most;

    private Texts(int most) {
      this.most = most;
    }

    @Override
    @SuppressWarnings("unchecked") // what read and the layer give
    List<String> cast(Object value) {
      return (List<String>) value;
    }

    @Override
    List<String> read(JsonFields json, String name) {
      return json.strings(name, most);
    }

    @Override
    JsonElement write(List<String> value) {
      JsonArray texts = new JsonArray();
      value.forEach(texts::add);
      return texts;
    }

    @Override
    JsonObject schema() {
      JsonObject item = new JsonObject();
      item.addProperty("type", "string");
      JsonObject schema = new JsonObject();
      schema.addProperty("type", "array");
      schema.addProperty("minItems", 1);
      schema.addProperty("maxItems", most);
      schema.add("items", item);
      return schema;
    }

    @Override
    void check(String where, List<String> value) {
      if (value.isEmpty() || value.size() > most) {
        throw new SextantException(
            String.format(
                Locale.ROOT, "%s: %d texts is not between 1 and %d", where, value.size(), most));
      }
    }
  }
}
