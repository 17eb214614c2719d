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
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;

/**
 * Reads the JSON of a {@link SafetensorsHeader}; all it claims is checked before memory is taken
 * for it.
 */
final class SafetensorsHeaderReader {
  private static final int MAX_RANK = 8;
  private static final int MAX_DIGITS = 18;

  private final Path path;
  private final long[] read = new long[MAX_RANK];

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
      expect(json, JsonToken.BEGIN_OBJECT, "the header", "");
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
    expect(json, JsonToken.BEGIN_OBJECT, SafetensorsHeader.METADATA, "");
    json.beginObject();
    while (json.hasNext()) {
      String key = json.nextName();
      expect(json, JsonToken.STRING, SafetensorsHeader.METADATA + ".", key);
      if (metadata.put(key, json.nextString()) != null) {
        throw defect(
            String.format(Locale.ROOT, "%s has '%s' twice", SafetensorsHeader.METADATA, key));
      }
    }
    json.endObject();
    return metadata;
  }

  private Slot slot(JsonReader json, String name) throws IOException {
    String tensor = "tensor '" + name + "'";
    SafetensorsHeader.Type type = null;
    long[] extents = null;
    long[] offsets = null;
    expect(json, JsonToken.BEGIN_OBJECT, tensor, "");
    json.beginObject();
    while (json.hasNext()) {
      String field = json.nextName();
      boolean twice =
          switch (field) {
            case "dtype" -> type != null;
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
        expect(json, JsonToken.STRING, tensor, ".dtype");
        String dtype = json.nextString();
        type =
            SafetensorsHeader.Type.named(dtype)
                .orElseThrow(
                    () ->
                        defect(
                            String.format(
                                Locale.ROOT,
                                "%s is %s, only %s are read",
                                tensor,
                                dtype,
                                SafetensorsHeader.Type.all())));
      } else if (field.equals("shape")) {
        extents = numbers(json, tensor, ".shape");
      } else {
        offsets = numbers(json, tensor, ".data_offsets");
      }
    }
    json.endObject();
    if (type == null || extents == null || offsets == null) {
      throw defect(tensor + " lacks dtype, shape or data_offsets");
    }
    return checkSlot(name, type, tensor, extents, offsets);
  }

  private Slot checkSlot(
      String name, SafetensorsHeader.Type type, String tensor, long[] extents, long[] offsets) {
    if (offsets.length != 2 || offsets[0] > offsets[1]) {
      throw defect(
          String.format(
              Locale.ROOT,
              "%s: data_offsets %s are no [begin, end]",
              tensor,
              Arrays.toString(offsets)));
    }
    Shape shape;
    try {
      int[] sizes = new int[extents.length];
      for (int i = 0; i < sizes.length; i++) {
        sizes[i] = Math.toIntExact(extents[i]);
      }
      shape = Shape.of(sizes);
    } catch (SextantException | ArithmeticException e) {
      throw defect(
          String.format(
              Locale.ROOT, "%s: shape %s is too large", tensor, Arrays.toString(extents)));
    }
    long bytes = offsets[1] - offsets[0];
    if (bytes != shape.size() * (long) type.bytes()) {
      throw defect(
          String.format(
              Locale.ROOT,
              "%s: shape %s needs %d bytes, data_offsets span %d",
              tensor,
              shape,
              shape.size() * (long) type.bytes(),
              bytes));
    }
    return new Slot(name, type, shape, offsets[0], offsets[1]);
  }

  private long[] numbers(JsonReader json, String tensor, String field) throws IOException {
    expect(json, JsonToken.BEGIN_ARRAY, tensor, field);
    json.beginArray();
    int count = 0;
    while (json.hasNext()) {
      expect(json, JsonToken.NUMBER, tensor, field);
      String number = json.nextString();
      if (!isWhole(number)) {
        throw defect(
            String.format(
                Locale.ROOT, "%s%s: %s is no whole number from 0", tensor, field, number));
      }
      if (count == MAX_RANK) {
        throw defect(
            String.format(Locale.ROOT, "%s%s has more than %d numbers", tensor, field, MAX_RANK));
      }
      read[count++] = Long.parseLong(number);
    }
    json.endArray();
    return Arrays.copyOf(read, count);
  }

  /** Whether a text is up to 18 digits. */
  private static boolean isWhole(String text) {
    boolean digits = !text.isEmpty() && text.length() <= MAX_DIGITS;
    for (int i = 0; i < text.length() && digits; i++) {
      digits = text.charAt(i) >= '0' && text.charAt(i) <= '9';
    }
    return digits;
  }

  /** The place is made only for an error: a header may have a million of them. */
  private void expect(JsonReader json, JsonToken token, String where, String field)
      throws IOException {
    JsonToken found = json.peek();
    if (found != token) {
      throw defect(
          String.format(Locale.ROOT, "%s%s: expected %s, found %s", where, field, token, found));
    }
  }

  private SextantException defect(String what) {
    return new SextantException(path + ": " + what);
  }
}
