package dev.sextant.runtime.json;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import dev.sextant.tensor.SextantException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The fields of one JSON object, read by name and range. Every error is a {@link SextantException}
 * that names the source and the path, as in {@code my.json: layers[7].choice[2].kernel: 4 is even}.
 */
public final class JsonFields {
  private static final int SHOWN = 40;

  private final String source;
  private final String path;
  private final JsonObject object;

  private JsonFields(String source, String path, JsonObject object) {
    this.source = source;
    this.path = path;
    this.object = object;
  }

  /**
   * The fields of the outermost object of a text; {@code source} is what errors call the text.
   *
   * @param text JSON
   * @param source what errors call the text
   * @return the fields of the outermost object
   */
  public static JsonFields parse(String text, String source) {
    return new JsonFields(source, "", JsonText.parse(text, source));
  }

  /**
   * {@return an error about this object as a whole}
   *
   * @param message what is wrong, without where
   */
  public SextantException error(String message) {
    return new SextantException(
        path.isEmpty()
            ? source + ": " + message
            : String.format(Locale.ROOT, "%s: %s: %s", source, path, message));
  }

  /**
   * {@return an error about one field}
   *
   * @param field name of the field
   * @param message what is wrong, without where
   */
  public SextantException error(String field, String message) {
    return new SextantException(
        String.format(Locale.ROOT, "%s: %s: %s", source, path(field), message));
  }

  private String path(String field) {
    return path.isEmpty() ? field : path + "." + field;
  }

  /**
   * Refuses every field but these.
   *
   * @param known names that the object may have
   */
  public void only(List<String> known) {
    for (String field : object.keySet()) {
      if (!known.contains(field)) {
        throw error(
            String.format(
                Locale.ROOT,
                "unknown field %s (known here: %s)",
                shown(new JsonPrimitive(field)),
                String.join(", ", known)));
      }
    }
  }

  /**
   * {@return whether the field is there}
   *
   * @param field name of the field
   */
  public boolean has(String field) {
    return object.has(field);
  }

  /**
   * {@return a required string}
   *
   * @param field name of the field
   */
  public String string(String field) {
    JsonElement value = required(field);
    if (value instanceof JsonPrimitive primitive && primitive.isString()) {
      return primitive.getAsString();
    }
    throw error(field, shown(value) + " is not a string");
  }

  /**
   * {@return one of these words; where the field is absent {@code fallback}, or an error if that is
   * null}
   *
   * @param field name of the field
   * @param words what it may be
   * @param fallback value of an absent field; null where it must be there
   */
  public String word(String field, List<String> words, @Nullable String fallback) {
    if (fallback != null && !has(field)) {
      return fallback;
    }
    String value = string(field);
    if (!words.contains(value)) {
      throw error(
          field,
          String.format(
              Locale.ROOT,
              "%s is not one of %s",
              shown(new JsonPrimitive(value)),
              String.join(", ", words)));
    }
    return value;
  }

  /**
   * {@return a required integer in that range}
   *
   * @param field name of the field
   * @param min least value allowed
   * @param max largest value allowed
   */
  public int integer(String field, int min, int max) {
    JsonElement value = required(field);
    double number = number(field, value);
    if (number != Math.rint(number)) {
      throw error(field, shown(value) + " is not an integer");
    }
    return (int) inRange(field, value, number, min, max);
  }

  /**
   * {@return an integer in that range, or {@code fallback} where the field is absent}
   *
   * @param field name of the field
   * @param min least value allowed
   * @param max largest value allowed
   * @param fallback value of an absent field
   */
  public int integer(String field, int min, int max, int fallback) {
    return has(field) ? integer(field, min, max) : fallback;
  }

  /**
   * {@return whether the field is there and an array}
   *
   * @param field name of the field
   */
  public boolean isArray(String field) {
    return object.get(field) instanceof JsonArray;
  }

  /**
   * {@return a required array of one to {@code most} integers in that range}
   *
   * @param field name of the field
   * @param min least value allowed
   * @param max largest value allowed
   * @param most largest number of entries
   */
  public List<Integer> integers(String field, int min, int max, int most) {
    if (!(required(field) instanceof JsonArray array) || array.isEmpty()) {
      throw error(field, "must be an array of integers");
    }
    if (array.size() > most) {
      throw error(
          field, String.format(Locale.ROOT, "has %d entries, at most %d", array.size(), most));
    }
    List<Integer> values = new ArrayList<>(array.size());
    for (JsonElement element : array) {
      String inner = String.format(Locale.ROOT, "%s[%d]", field, values.size());
      double number = number(inner, element);
      if (number != Math.rint(number)) {
        throw error(inner, shown(element) + " is not an integer");
      }
      values.add((int) inRange(inner, element, number, min, max));
    }
    return values;
  }

  /**
   * {@return a required array of one to {@code most} strings}
   *
   * @param field name of the field
   * @param most largest number of entries
   */
  public List<String> strings(String field, int most) {
    return strings(field, 1, most);
  }

  /**
   * {@return the strings of an array, none where the field is absent}
   *
   * @param field name of the field
   * @param most largest number of entries
   */
  public List<String> stringsIfAny(String field, int most) {
    return has(field) ? strings(field, 0, most) : List.of();
  }

  private List<String> strings(String field, int least, int most) {
    if (!(required(field) instanceof JsonArray array)
        || array.size() < least
        || array.size() > most) {
      throw error(
          field,
          String.format(
              Locale.ROOT,
              "must be an array of %s %d strings",
              least == 0 ? "at most" : "one to",
              most));
    }
    List<String> values = new ArrayList<>(array.size());
    for (JsonElement element : array) {
      if (!(element instanceof JsonPrimitive primitive) || !primitive.isString()) {
        throw error(
            String.format(Locale.ROOT, "%s[%d]", field, values.size()),
            shown(element) + " is not a string");
      }
      values.add(primitive.getAsString());
    }
    return values;
  }

  /**
   * {@return these fields, but for one that has another value}
   *
   * @param field name of the field
   * @param value in place of the present one
   */
  public JsonFields with(String field, int value) {
    JsonObject changed = object.deepCopy();
    changed.addProperty(field, value);
    return new JsonFields(source, path, changed);
  }

  /**
   * {@return a number in that range, or {@code fallback} where the field is absent}
   *
   * @param field name of the field
   * @param min least value allowed
   * @param max largest value allowed
   * @param fallback value of an absent field
   */
  public double number(String field, double min, double max, double fallback) {
    if (!has(field)) {
      return fallback;
    }
    JsonElement value = required(field);
    return inRange(field, value, number(field, value), min, max);
  }

  /**
   * {@return true or false, or {@code fallback} where the field is absent}
   *
   * @param field name of the field
   * @param fallback value of an absent field
   */
  public boolean flag(String field, boolean fallback) {
    if (!has(field)) {
      return fallback;
    }
    JsonElement value = required(field);
    if (value instanceof JsonPrimitive primitive && primitive.isBoolean()) {
      return primitive.getAsBoolean();
    }
    throw error(field, shown(value) + " is not true or false");
  }

  /**
   * {@return a required object}
   *
   * @param field name of the field
   */
  public JsonFields object(String field) {
    if (required(field) instanceof JsonObject inner) {
      return new JsonFields(source, path(field), inner);
    }
    throw error(field, "must be an object");
  }

  /**
   * {@return a required array of one to {@code max} objects}
   *
   * @param field name of the field
   * @param max largest number of objects
   */
  public List<JsonFields> objects(String field, int max) {
    if (!(required(field) instanceof JsonArray array)) {
      throw error(field, "must be an array");
    }
    if (array.isEmpty()) {
      throw error(field, "is empty");
    }
    if (array.size() > max) {
      throw error(
          field, String.format(Locale.ROOT, "has %d entries, at most %d", array.size(), max));
    }
    List<JsonFields> objects = new ArrayList<>(array.size());
    for (JsonElement element : array) {
      String inner = String.format(Locale.ROOT, "%s[%d]", field, objects.size());
      if (!(element instanceof JsonObject object)) {
        throw error(inner, "must be an object");
      }
      objects.add(new JsonFields(source, path(inner), object));
    }
    return objects;
  }

  private JsonElement required(String field) {
    JsonElement value = object.get(field);
    if (value == null) {
      throw error(field + " is missing");
    }
    return value;
  }

  private double number(String field, JsonElement value) {
    if (value instanceof JsonPrimitive primitive && primitive.isNumber()) {
      return primitive.getAsDouble();
    }
    throw error(field, shown(value) + " is not a number");
  }

  private double inRange(String field, JsonElement value, double number, double min, double max) {
    if (number < min || number > max) {
      throw error(
          field,
          number < min
              ? String.format(Locale.ROOT, "%s is below %s", shown(value), plain(min))
              : String.format(Locale.ROOT, "%s is above %s", shown(value), plain(max)));
    }
    return number;
  }

  /**
   * {@return a bound as messages show it}
   *
   * @param bound a number
   */
  public static String plain(double bound) {
    return bound == Math.rint(bound) ? String.valueOf((long) bound) : String.valueOf(bound);
  }

  /** A value as a message shows it: JSON, shortened, without control characters. */
  private static String shown(JsonElement value) {
    String text = value.toString().replaceAll("\\p{Cntrl}", "?");
    return text.length() <= SHOWN ? text : text.substring(0, SHOWN) + "...";
  }
}
