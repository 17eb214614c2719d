package dev.sextant.nas.cost;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import dev.sextant.nas.csv.CsvTable;
import dev.sextant.tensor.SextantException;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One entry of a latency file, by the names of its values; what is wrong is said with its place.
 */
sealed interface LatencyFields {
  String where();

  /** A value as text; a JSON object as its text. */
  String text(String name);

  default double number(String name) {
    try {
      return Double.parseDouble(text(name));
    } catch (NumberFormatException e) {
      throw wrong(name, "not a number", e);
    }
  }

  default long whole(String name) {
    try {
      return Long.parseLong(text(name));
    } catch (NumberFormatException e) {
      throw wrong(name, "not a whole number", e);
    }
  }

  default boolean truth(String name) {
    return switch (text(name)) {
      case "true" -> true;
      case "false" -> false;
      default -> throw wrong(name, "neither true nor false", null);
    };
  }

  private SextantException wrong(String name, String what, @Nullable Throwable cause) {
    return new SextantException(
        String.format(Locale.ROOT, "%s.%s: '%s' is %s", where(), name, text(name), what), cause);
  }

  default int size(String name) {
    long size = whole(name);
    if (size != (int) size) {
      throw new SextantException(
          String.format(Locale.ROOT, "%s: %s: %d is too large", where(), name, size));
    }
    return (int) size;
  }

  /** A row of a CSV. */
  record OfRow(CsvTable.Row row) implements LatencyFields {
    @Override
    public String where() {
      return row.where();
    }

    @Override
    public String text(String name) {
      return row.text(name);
    }

    @Override
    public double number(String name) {
      return row.number(name);
    }

    @Override
    public long whole(String name) {
      return row.whole(name);
    }

    @Override
    public boolean truth(String name) {
      return row.truth(name);
    }
  }

  /** Values by name, each as it was written. */
  record OfNames(String where, Map<String, String> values) implements LatencyFields {
    @Override
    public String text(String name) {
      String value = values.get(name);
      if (value == null) {
        throw new SextantException(String.format(Locale.ROOT, "%s.%s: is missing", where, name));
      }
      return value;
    }
  }

  /** An object of a JSON array. */
  record OfObject(String where, JsonObject object) implements LatencyFields {
    @Override
    public String text(String name) {
      JsonElement value = object.get(name);
      if (value instanceof JsonObject inner && name.equals("layer")) {
        return inner.toString();
      }
      if (value == null || !value.isJsonPrimitive()) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "%s.%s: %s",
                where,
                name,
                value == null ? "is missing" : "is no value"));
      }
      return value.getAsString();
    }
  }
}
