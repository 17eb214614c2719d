package dev.sextant.runtime;

import com.google.gson.stream.JsonWriter;
import dev.sextant.runtime.json.SealedJson;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.TreeMap;

/**
 * The front of a safetensors file: a little-endian 64-bit length, then JSON that maps each name to
 * {@code {"dtype":"F32","shape":[..],"data_offsets":[begin,end]}} and {@code __metadata__} to a map
 * of strings, padded with spaces so that the data starts on a multiple of 8.
 *
 * @param slots where the tensors lie, in the header's order
 * @param metadata what {@code __metadata__} says
 */
record SafetensorsHeader(List<Slot> slots, SequencedMap<String, String> metadata) {
  static final String METADATA = "__metadata__";

  /** The limit of the format's own implementation. */
  static final long MAX_BYTES = 100_000_000;

  /** The elements of tensors on disk; all become floats. */
  enum Type {
    F32(Float.BYTES),
    F16(Short.BYTES),
    BF16(Short.BYTES),
    /** What PyTorch counts batches in. */
    I64(Long.BYTES);

    private final int bytes;

    Type(int bytes) {
      this.bytes = bytes;
    }

    /** Bytes of an element. */
    int bytes() {
      return bytes;
    }

    static Optional<Type> named(String name) {
      return Arrays.stream(values()).filter(type -> type.name().equals(name)).findFirst();
    }

    static List<Type> all() {
      return List.of(values());
    }

    /** Reads elements from a buffer's position on, which moves. */
    void get(ByteBuffer from, float[] to, int at, int count) {
      for (int i = at; i < at + count; i++) {
        to[i] =
            switch (this) {
              case F32 -> from.getFloat();
              case F16 -> Float.float16ToFloat(from.getShort());
              case BF16 -> Float.intBitsToFloat(from.getShort() << 16);
              case I64 -> from.getLong();
            };
      }
    }
  }

  /** Where a tensor lies in the data: bytes from begin to end, that one left out. */
  record Slot(String name, Type type, Shape shape, long begin, long end) {}

  /**
   * The bytes in front of the data.
   *
   * @param path of the file, for messages
   */
  ByteBuffer encode(Path path) throws IOException {
    StringWriter text = new StringWriter();
    try (JsonWriter json = new JsonWriter(text)) {
      json.beginObject().name(METADATA).beginObject();
      for (Map.Entry<String, String> entry : metadata.entrySet()) {
        json.name(entry.getKey()).value(entry.getValue());
      }
      json.endObject();
      for (Slot slot : slots) {
        json.name(slot.name)
            .beginObject()
            .name("dtype")
            .value(slot.type.name())
            .name("shape")
            .beginArray();
        for (int i = 0; i < slot.shape.rank(); i++) {
          json.value(slot.shape.get(i));
        }
        json.endArray().name("data_offsets").beginArray();
        json.value(slot.begin).value(slot.end).endArray().endObject();
      }
      json.endObject();
    }
    ByteBuffer utf8;
    try {
      utf8 = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text.getBuffer()));
    } catch (CharacterCodingException e) {
      throw new SextantException(path + ": a name or metadata is no valid Unicode text", e);
    }
    int padded = (utf8.remaining() + 7) / 8 * 8;
    if (padded > MAX_BYTES) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: a header of %d bytes is above the format's limit of %d",
              path,
              padded,
              MAX_BYTES));
    }
    ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES + padded).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(padded).put(utf8);
    while (bytes.hasRemaining()) {
      bytes.put((byte) ' ');
    }
    return bytes.flip();
  }

  /** A digest of all but the data. */
  MessageDigest digest() {
    MessageDigest digest = SealedJson.digest();
    new TreeMap<>(metadata)
        .forEach(
            (key, value) -> {
              if (!key.equals(Weights.CHECKSUM)) {
                update(digest, key);
                update(digest, value);
              }
            });
    List<Slot> sorted = new ArrayList<>(slots);
    sorted.sort(Comparator.comparing(Slot::name));
    for (Slot slot : sorted) {
      update(digest, slot.name);
      update(digest, slot.type.name() + " " + slot.shape + " " + slot.begin + " " + slot.end);
    }
    return digest;
  }

  /** A string behind its length, so that no two lists of strings give the same bytes. */
  private static void update(MessageDigest digest, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    digest.update(ByteBuffer.allocate(Integer.BYTES).putInt(bytes.length).flip());
    digest.update(bytes);
  }
}
