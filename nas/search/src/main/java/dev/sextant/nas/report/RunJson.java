package dev.sextant.nas.report;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import dev.sextant.runtime.json.JsonText;
import dev.sextant.runtime.json.SealedJson;
import dev.sextant.tensor.SextantException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * One JSON object of a run, its fields read by name. Every error is a {@link SextantException} that
 * names the source and the field.
 *
 * @param source file, or file and line
 */
record RunJson(String source, JsonObject object) {
  /** Losses are single floats; differences of numbers up to here are numbers too. */
  private static final double LARGEST = Float.MAX_VALUE;

  /** The object of a text. */
  static RunJson parse(String text, String source) {
    return new RunJson(source, JsonText.parse(text, source));
  }

  /** The object of a file, which must have its checksum if it is sealed. */
  static RunJson read(Path file, boolean sealed) {
    String text = JsonText.readFile(file);
    RunJson json = parse(text, file.toString());
    if (sealed) {
      SealedJson.check(json.object, text, json.source, "");
    }
    return json;
  }

  boolean has(String field) {
    return object.has(field);
  }

  /** A required string. */
  String string(String field) {
    if (required(field) instanceof JsonPrimitive value && value.isString()) {
      return value.getAsString();
    }
    throw error(field, "is not a string");
  }

  /** A required number. */
  double number(String field) {
    return number(required(field), field);
  }

  /** A number, or NaN where the field is absent. */
  double numberOrNaN(String field) {
    return has(field) ? number(field) : Double.NaN;
  }

  /** A required truth value. */
  boolean flag(String field) {
    if (required(field) instanceof JsonPrimitive value && value.isBoolean()) {
      return value.getAsBoolean();
    }
    throw error(field, "is not true or false");
  }

  /** A required array of anything. */
  JsonArray array(String field) {
    return array(required(field), field);
  }

  /** A required object. */
  RunJson object(String field) {
    if (required(field) instanceof JsonObject value) {
      return new RunJson(source + ": " + field, value);
    }
    throw error(field, "is not an object");
  }

  /** A required array of numbers. */
  double[] numbers(String field) {
    return numbers(required(field), field);
  }

  /** A required array of whole numbers. */
  int[] integers(String field) {
    double[] numbers = numbers(required(field), field);
    int[] integers = new int[numbers.length];
    for (int i = 0; i < numbers.length; i++) {
      integers[i] = (int) numbers[i];
      if (integers[i] != numbers[i]) {
        throw error(field + "[" + i + "]", "is not a whole number");
      }
    }
    return integers;
  }

  /** A required array of arrays of numbers. */
  double[][] rows(String field) {
    List<double[]> rows = new ArrayList<>();
    for (JsonElement row : array(required(field), field)) {
      rows.add(numbers(row, field + "[" + rows.size() + "]"));
    }
    return rows.toArray(double[][]::new);
  }

  /** A required array of strings. */
  List<String> strings(String field) {
    List<String> strings = new ArrayList<>();
    for (JsonElement element : array(required(field), field)) {
      if (!(element instanceof JsonPrimitive value) || !value.isString()) {
        throw error(field + "[" + strings.size() + "]", "is not a string");
      }
      strings.add(value.getAsString());
    }
    return strings;
  }

  /** An error about a field. */
  SextantException error(String field, String message) {
    return new SextantException(String.format(Locale.ROOT, "%s: %s: %s", source, field, message));
  }

  private double[] numbers(JsonElement element, String field) {
    JsonArray array = array(element, field);
    double[] numbers = new double[array.size()];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = number(array.get(i), field + "[" + i + "]");
    }
    return numbers;
  }

  private JsonArray array(JsonElement element, String field) {
    if (element instanceof JsonArray array) {
      return array;
    }
    throw error(field, "is not an array");
  }

  private double number(JsonElement element, String field) {
    if (element instanceof JsonPrimitive value && value.isNumber()) {
      double number = value.getAsDouble();
      if (Math.abs(number) > LARGEST) {
        throw error(field, number + " is larger than a run can write");
      }
      return number;
    }
    throw error(field, "is not a number");
  }

  private JsonElement required(String field) {
    JsonElement value = object.get(field);
    if (value == null) {
      throw error(field, "is missing");
    }
    return value;
  }
}
