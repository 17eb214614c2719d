package dev.sextant.nas.fuzz;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;

/** JSON whose values, fields and elements are changed; what it ends in is JSON again. */
final class JsonGrammar implements Grammar {
  /** One object. */
  static final Grammar OBJECT = new JsonGrammar().or(BYTES, 4);

  /** One object a line. */
  static final Grammar LINES = new Lines().or(BYTES, 4);

  private static final List<String> VALUES =
      List.of(
          "null",
          "true",
          "false",
          "0",
          "1",
          "-1",
          "2",
          "-0.0",
          "0.5",
          "1e-300",
          "1e308",
          "-1e308",
          "65536",
          "65537",
          "2147483647",
          "2147483648",
          "-2147483648",
          "9007199254740993",
          "9223372036854775807",
          "1e30",
          "\"\"",
          "\"x\"",
          "\"0\"",
          "\"NaN\"",
          "\"-Infinity\"",
          "\"random-7\"",
          "\"\\u001b]0;owned\\u0007\"",
          "\"a/../b\"",
          "[]",
          "{}",
          "[[]]",
          "[1,2,3]",
          "{\"a\":{}}");

  /** A place in a tree. */
  private record Place(JsonElement parent, String field, int index) {
    JsonElement get() {
      return parent instanceof JsonObject object
          ? object.get(field)
          : parent.getAsJsonArray().get(index);
    }

    void set(JsonElement value) {
      if (parent instanceof JsonObject object) {
        object.add(field, value);
      } else {
        parent.getAsJsonArray().set(index, value);
      }
    }

    void remove() {
      if (parent instanceof JsonObject object) {
        object.remove(field);
      } else {
        parent.getAsJsonArray().remove(index);
      }
    }
  }

  @Override
  public byte[] change(byte[] good, Choices choices) {
    return Grammar.bytes(change(Grammar.text(good), choices));
  }

  static String change(String good, Choices choices) {
    JsonElement root;
    try {
      root = JsonParser.parseString(good);
    } catch (JsonParseException e) {
      return good;
    }
    change(root, choices);
    return root.toString();
  }

  /** Changes a tree in one to three places. */
  static void change(JsonElement root, Choices choices) {
    for (int n = 1 + choices.below(3); n > 0; n--) {
      List<Place> places = new ArrayList<>();
      collect(root, places);
      if (places.isEmpty()) {
        return;
      }
      edit(places, choices);
    }
  }

  private static void collect(JsonElement element, List<Place> places) {
    if (element instanceof JsonObject object) {
      for (String field : object.keySet()) {
        places.add(new Place(object, field, -1));
        collect(object.get(field), places);
      }
    } else if (element instanceof JsonArray array) {
      for (int i = 0; i < array.size(); i++) {
        places.add(new Place(array, "", i));
        collect(array.get(i), places);
      }
    }
  }

  private static void edit(List<Place> places, Choices choices) {
    Place place = places.get(choices.below(places.size()));
    JsonElement value = place.get();
    switch (choices.below(9)) {
      case 0, 1, 2 -> place.set(JsonParser.parseString(VALUES.get(choices.below(VALUES.size()))));
      case 3 -> place.remove();
      case 4 -> place.set(places.get(choices.below(places.size())).get().deepCopy());
      case 5 -> place.set(near(value, choices));
      case 6 -> {
        if (place.parent instanceof JsonArray array && array.size() < 2000) {
          for (int copies = 1 << choices.below(5); copies > 0; copies--) {
            array.add(value.deepCopy());
          }
        } else {
          JsonArray array = new JsonArray();
          array.add(value);
          place.set(array);
        }
      }
      case 7 -> {
        if (place.parent instanceof JsonObject object) {
          Place other = places.get(choices.below(places.size()));
          object.remove(place.field);
          object.add(other.field.isEmpty() ? "x" : other.field, value);
        }
      }
      default -> {
        Place other = places.get(choices.below(places.size()));
        if (value.isJsonPrimitive() && other.get().isJsonPrimitive()) {
          JsonElement swapped = other.get();
          other.set(value);
          place.set(swapped);
        }
      }
    }
  }

  private static JsonElement near(JsonElement value, Choices choices) {
    if (!(value instanceof JsonPrimitive primitive)) {
      return JsonNull.INSTANCE;
    }
    if (primitive.isNumber()) {
      BigDecimal number = new BigDecimal(primitive.getAsString());
      return new JsonPrimitive(
          switch (choices.below(5)) {
            case 0 -> number.add(BigDecimal.ONE);
            case 1 -> number.subtract(BigDecimal.ONE);
            case 2 -> number.negate();
            case 3 -> number.multiply(BigDecimal.valueOf(1000));
            default -> number.divide(BigDecimal.valueOf(8));
          });
    }
    if (primitive.isBoolean()) {
      return new JsonPrimitive(!primitive.getAsBoolean());
    }
    String text = primitive.getAsString();
    int at = choices.below(text.length() + 1);
    return new JsonPrimitive(
        text.substring(0, at) + "x/\"\u0660\uD83D 9".charAt(choices.below(7)) + text.substring(at));
  }

  /** Lines changed, dropped, put twice, swapped. */
  private static final class Lines implements Grammar {
    @Override
    public byte[] change(byte[] good, Choices choices) {
      List<String> lines = new ArrayList<>(Grammar.text(good).lines().toList());
      if (lines.isEmpty()) {
        return good;
      }
      for (int n = 1 + choices.below(2); n > 0; n--) {
        int at = choices.below(lines.size());
        int other = choices.below(lines.size());
        switch (choices.below(6)) {
          case 0 -> lines.add(other, lines.get(at));
          case 1 -> lines.set(other, lines.get(at));
          default -> lines.set(at, JsonGrammar.change(lines.get(at), choices));
        }
      }
      return Grammar.bytes(String.join("\n", lines) + "\n");
    }
  }
}
