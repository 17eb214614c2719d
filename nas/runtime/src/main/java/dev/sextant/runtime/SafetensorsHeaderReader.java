package dev.sextant.runtime;

import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import com.google.gson.stream.MalformedJsonException;
import dev.sextant.runtime.SafetensorsHeader.Slot;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.io.EOFException;
import java.io.IOException;
import java.io.StringReader;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;

/**
 * Reads the JSON of a {@link SafetensorsHeader}; all it claims is checked before memory is taken
 * for it.
 */
final class SafetensorsHeaderReader {
  private static final int MAX_RANK = 8;

  private final Path path;

  /** For the file of that path, which messages name. */
  SafetensorsHeaderReader(Path path) {
    this.path = path;
  }

  SafetensorsHeader read(ByteBuffer utf8) {
    String text;
    try {
      text = StandardCharsets.UTF_8.newDecoder().decode(utf8).toString();
    } catch (CharacterCodingException e) {
      throw defect("the header is not UTF-8");
    }
    Map<String, Slot> slots = new LinkedHashMap<>();
    SequencedMap<String, String> metadata = null;
    try (JsonReader json = new JsonReader(new StringReader(text))) {
      json.setStrictness(Strictness.STRICT);
      expect(json, JsonToken.BEGIN_OBJECT, "the header");
      json.beginObject();
      while (json.hasNext()) {
        String name = json.nextName();
        if (name.equals(SafetensorsHeader.METADATA)) {
          if (metadata != null) {
            throw defect(
                String.format(Locale.ROOT, "the header has %s twice", SafetensorsHeader.METADATA));
          }
          metadata = metadata(json);
        } else if (slots.put(name, slot(json, name)) != null) {
          throw defect(String.format(Locale.ROOT, "the header has tensor '%s' twice", name));
        }
      }
      json.endObject();
      if (json.peek() != JsonToken.END_DOCUMENT) {
        throw defect("the header goes on after its JSON object");
      }
    } catch (MalformedJsonException | EOFException e) {
      throw defect("the header is not valid JSON");
    } catch (IOException e) {
      throw new IllegalStateException("a string cannot fail to be read", e);
    }
    return new SafetensorsHeader(
        new ArrayList<>(slots.values()), metadata == null ? new LinkedHashMap<>() : metadata);
  }

  private SequencedMap<String, String> metadata(JsonReader json) throws IOException {
    SequencedMap<String, String> metadata = new LinkedHashMap<>();
    expect(json, JsonToken.BEGIN_OBJECT, SafetensorsHeader.METADATA);
    json.beginObject();
    while (json.hasNext()) {
      String key = json.nextName();
      expect(json, JsonToken.STRING, SafetensorsHeader.METADATA + "." + key);
      if (metadata.put(key, json.nextString()) != null) {
        throw defect(
            String.format(Locale.ROOT, "%s has '%s' twice", SafetensorsHeader.METADATA, key));
      }
    }
    json.endObject();
    return metadata;
  }

  private Slot slot(JsonReader json, String name) throws IOException {
    String tensor = String.format(Locale.ROOT, "tensor '%s'", name);
    boolean typed = false;
    List<Long> extents = null;
    List<Long> offsets = null;
    expect(json, JsonToken.BEGIN_OBJECT, tensor);
    json.beginObject();
    while (json.hasNext()) {
      String field = json.nextName();
      boolean twice =
          switch (field) {
            case "dtype" -> typed;
            case "shape" -> extents != null;
            case "data_offsets" -> offsets != null;
            default ->
                throw defect(
                    String.format(Locale.ROOT, "%s has an unknown field '%s'", tensor, field));
          };
      if (twice) {
        throw defect(String.format(Locale.ROOT, "%s has '%s' twice", tensor, field));
      }
      if (field.equals("dtype")) {
        expect(json, JsonToken.STRING, tensor + ".dtype");
        String dtype = json.nextString();
        if (!dtype.equals("F32")) {
          throw defect(String.format(Locale.ROOT, "%s is %s, only F32 is read", tensor, dtype));
        }
        typed = true;
      } else if (field.equals("shape")) {
        extents = numbers(json, tensor + ".shape");
      } else {
        offsets = numbers(json, tensor + ".data_offsets");
      }
    }
    json.endObject();
    if (!typed || extents == null || offsets == null) {
      throw defect(tensor + " lacks dtype, shape or data_offsets");
    }
    return checkSlot(name, tensor, extents, offsets);
  }

  private Slot checkSlot(String name, String tensor, List<Long> extents, List<Long> offsets) {
    if (offsets.size() != 2 || offsets.get(0) > offsets.get(1)) {
      throw defect(
          String.format(Locale.ROOT, "%s: data_offsets %s are no [begin, end]", tensor, offsets));
    }
    Shape shape;
    try {
      shape = Shape.of(extents.stream().mapToInt(Math::toIntExact).toArray());
    } catch (SextantException | ArithmeticException e) {
      throw defect(String.format(Locale.ROOT, "%s: shape %s is too large", tensor, extents));
    }
    long bytes = offsets.get(1) - offsets.get(0);
    if (bytes != shape.size() * (long) Float.BYTES) {
      throw defect(
          String.format(
              Locale.ROOT,
              "%s: shape %s needs %d bytes, data_offsets span %d",
              tensor,
              shape,
              shape.size() * (long) Float.BYTES,
              bytes));
    }
    return new Slot(name, shape, offsets.get(0), offsets.get(1));
  }

  private List<Long> numbers(JsonReader json, String where) throws IOException {
    List<Long> numbers = new ArrayList<>();
    expect(json, JsonToken.BEGIN_ARRAY, where);
    json.beginArray();
    while (json.hasNext()) {
      expect(json, JsonToken.NUMBER, where);
      String number = json.nextString();
      if (!number.matches("\\d{1,18}")) {
        throw defect(String.format(Locale.ROOT, "%s: %s is no whole number from 0", where, number));
      }
      if (numbers.size() == MAX_RANK) {
        throw defect(String.format(Locale.ROOT, "%s has more than %d numbers", where, MAX_RANK));
      }
      numbers.add(Long.parseLong(number));
    }
    json.endArray();
    return numbers;
  }

  private void expect(JsonReader json, JsonToken token, String where) throws IOException {
    JsonToken found = json.peek();
    if (found != token) {
      throw defect(String.format(Locale.ROOT, "%s: expected %s, found %s", where, token, found));
    }
  }

  private SextantException defect(String what) {
    return new SextantException(path + ": " + what);
  }
}
