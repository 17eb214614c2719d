package dev.sextant.runtime;

import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import com.google.gson.stream.JsonWriter;
import com.google.gson.stream.MalformedJsonException;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.io.EOFException;
import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * The safetensors format: a little-endian 64-bit header length, a JSON header that maps each name
 * to {@code {"dtype":"F32","shape":[..],"data_offsets":[begin,end]}} and {@code __metadata__} to a
 * map of strings, padded with spaces so that the data starts on a multiple of 8, then the data
 * without holes.
 *
 * <p>The checksum covers the metadata (sorted by key, itself left out), the tensors' names, shapes
 * and offsets (sorted by name), and the data in file order.
 */
final class Safetensors {
  static final String METADATA = "__metadata__";

  /** The limit of the format's own implementation. */
  private static final long MAX_HEADER = 100_000_000;

  private static final int MAX_RANK = 8;

  /** Floats that pass through one buffer at a time: the bytes stay in the second-level cache. */
  private static final int CHUNK = 64 * 1024;

  private static final String NO_CHECKSUM = "0".repeat(64);

  private Safetensors() {}

  /** Where a tensor lies in the data. */
  record Slot(String name, Shape shape, long begin, long end) {}

  private record Header(List<Slot> slots, SequencedMap<String, String> metadata) {}

  // ---- writing

  static void write(Weights weights, Path path) {
    SequencedMap<String, String> metadata = new LinkedHashMap<>(weights.metadata());
    metadata.put(Weights.CHECKSUM, NO_CHECKSUM);
    List<Slot> slots = new ArrayList<>();
    long offset = 0;
    for (Map.Entry<String, Weights.Entry> tensor : weights.entries().entrySet()) {
      Shape shape = tensor.getValue().shape();
      long end = offset + shape.size() * (long) Float.BYTES;
      slots.add(new Slot(tensor.getKey(), shape, offset, end));
      offset = end;
    }
    MessageDigest digest = SafetensorsDigest.digest(slots, metadata);
    AtomicFile.write(
        path,
        channel -> {
          // The checksum is known only after the data went by: its place is kept and filled last.
          ByteBuffer placeholder = header(path, slots, metadata);
          channel.position(placeholder.remaining());
          ByteBuffer chunk = chunk();
          for (Weights.Entry entry : weights.entries().values()) {
            writeValues(entry.values(), chunk, digest, channel);
          }
          metadata.put(Weights.CHECKSUM, HexFormat.of().formatHex(digest.digest()));
          channel.position(0);
          channel.write(header(path, slots, metadata));
        });
  }

  private static void writeValues(
      float[] values, ByteBuffer chunk, MessageDigest digest, FileOutput channel)
      throws IOException {
    for (int from = 0; from < values.length; from += CHUNK) {
      int count = Math.min(CHUNK, values.length - from);
      chunk.clear().limit(count * Float.BYTES);
      chunk.asFloatBuffer().put(values, from, count);
      digest.update(chunk.array(), 0, chunk.limit());
      channel.write(chunk);
    }
  }

  private static ByteBuffer header(Path path, List<Slot> slots, Map<String, String> metadata)
      throws IOException {
    StringWriter text = new StringWriter();
    try (JsonWriter json = new JsonWriter(text)) {
      json.beginObject().name(METADATA).beginObject();
      for (Map.Entry<String, String> entry : metadata.entrySet()) {
        json.name(entry.getKey()).value(entry.getValue());
      }
      json.endObject();
      for (Slot slot : slots) {
        json.name(slot.name).beginObject().name("dtype").value("F32").name("shape").beginArray();
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
    if (padded > MAX_HEADER) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: a header of %d bytes is above the format's limit of %d",
              path,
              padded,
              MAX_HEADER));
    }
    ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES + padded).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(padded).put(utf8);
    while (bytes.hasRemaining()) {
      bytes.put((byte) ' ');
    }
    return bytes.flip();
  }

  // ---- reading

  static Weights read(Path path) {
    PlainFile.check(path, "a safetensors file");
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      return new FileReader(path, channel).read();
    } catch (EOFException e) {
      throw new SextantException(path + ": is truncated", e);
    } catch (IOException e) {
      throw new SextantException(path + ": cannot be read (" + AtomicFile.reason(e) + ")", e);
    }
  }

  /** Reads one file; everything the header claims is checked before memory is taken for it. */
  private static final class FileReader {
    private final Path path;
    private final FileChannel channel;

    private FileReader(Path path, FileChannel channel) {
      this.path = path;
      this.channel = channel;
    }

    private Weights read() throws IOException {
      long fileBytes = channel.size();
      if (fileBytes < Long.BYTES) {
        throw defect(
            String.format(
                Locale.ROOT,
                "is truncated: %d bytes, a safetensors file has at least 8",
                fileBytes));
      }
      ByteBuffer length = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      readFully(length);
      long headerBytes = length.getLong(0);
      if (headerBytes < 2 || headerBytes > MAX_HEADER) {
        throw defect(
            String.format(
                Locale.ROOT,
                "is no safetensors file: a header of %s bytes is not between 2 and %d",
                Long.toUnsignedString(headerBytes),
                MAX_HEADER));
      }
      if (headerBytes > fileBytes - Long.BYTES) {
        throw defect(
            String.format(
                Locale.ROOT,
                "is truncated: the header has %d bytes, the file %d",
                headerBytes,
                fileBytes));
      }
      ByteBuffer bytes = ByteBuffer.allocate((int) headerBytes);
      readFully(bytes);
      Header header = parse(bytes.flip());
      List<Slot> inOrder = checkLayout(header.slots, fileBytes - Long.BYTES - headerBytes);
      return readData(header, inOrder);
    }

    private void readFully(ByteBuffer buffer) throws IOException {
      while (buffer.hasRemaining()) {
        if (channel.read(buffer) < 0) {
          throw new EOFException();
        }
      }
    }

    private Weights readData(Header header, List<Slot> inOrder) throws IOException {
      String expected = header.metadata.get(Weights.CHECKSUM);
      MessageDigest digest =
          expected == null ? null : SafetensorsDigest.digest(header.slots, header.metadata);
      ByteBuffer chunk = chunk();
      Map<String, Weights.Entry> byName = new LinkedHashMap<>();
      for (Slot slot : inOrder) {
        float[] values = new float[slot.shape.size()];
        readValues(values, chunk, digest);
        byName.put(slot.name, new Weights.Entry(slot.shape, values));
      }
      if (expected != null && digest != null) {
        String actual = HexFormat.of().formatHex(digest.digest());
        if (!actual.equalsIgnoreCase(expected)) {
          throw defect(
              String.format(
                  Locale.ROOT,
                  "is damaged: its SHA-256 is %s, the file says %s",
                  actual,
                  expected));
        }
      }
      SequencedMap<String, Weights.Entry> entries = new LinkedHashMap<>();
      for (Slot slot : header.slots) {
        Weights.Entry entry = byName.get(slot.name);
        if (entry != null) {
          entries.put(slot.name, entry);
        }
      }
      return new Weights(entries, header.metadata);
    }

    private void readValues(float[] values, ByteBuffer chunk, @Nullable MessageDigest digest)
        throws IOException {
      for (int from = 0; from < values.length; from += CHUNK) {
        int count = Math.min(CHUNK, values.length - from);
        chunk.clear().limit(count * Float.BYTES);
        readFully(chunk);
        if (digest != null) {
          digest.update(chunk.array(), 0, chunk.limit());
        }
        chunk.flip().asFloatBuffer().get(values, from, count);
      }
    }

    private List<Slot> checkLayout(List<Slot> slots, long dataBytes) {
      List<Slot> inOrder = new ArrayList<>(slots);
      inOrder.sort(Comparator.comparingLong(Slot::begin).thenComparingLong(Slot::end));
      long end = 0;
      String previous = "the header";
      for (Slot slot : inOrder) {
        if (slot.end > dataBytes) {
          throw defect(
              String.format(
                  Locale.ROOT,
                  "tensor '%s' ends at byte %d, the data at %d (truncated?)",
                  slot.name,
                  slot.end,
                  dataBytes));
        }
        if (slot.begin < end) {
          throw defect(
              String.format(Locale.ROOT, "tensors '%s' and '%s' overlap", previous, slot.name));
        }
        if (slot.begin > end) {
          throw defect(
              String.format(
                  Locale.ROOT,
                  "%d bytes before tensor '%s' belong to no tensor",
                  slot.begin - end,
                  slot.name));
        }
        end = slot.end;
        previous = slot.name;
      }
      if (end != dataBytes) {
        throw defect(
            String.format(Locale.ROOT, "%d bytes at the end belong to no tensor", dataBytes - end));
      }
      return inOrder;
    }

    // ---- the JSON header

    private Header parse(ByteBuffer utf8) {
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
          if (name.equals(METADATA)) {
            if (metadata != null) {
              throw defect(String.format(Locale.ROOT, "the header has %s twice", METADATA));
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
      return new Header(
          new ArrayList<>(slots.values()), metadata == null ? new LinkedHashMap<>() : metadata);
    }

    private SequencedMap<String, String> metadata(JsonReader json) throws IOException {
      SequencedMap<String, String> metadata = new LinkedHashMap<>();
      expect(json, JsonToken.BEGIN_OBJECT, METADATA);
      json.beginObject();
      while (json.hasNext()) {
        String key = json.nextName();
        expect(json, JsonToken.STRING, METADATA + "." + key);
        if (metadata.put(key, json.nextString()) != null) {
          throw defect(String.format(Locale.ROOT, "%s has '%s' twice", METADATA, key));
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
          throw defect(
              String.format(Locale.ROOT, "%s: %s is no whole number from 0", where, number));
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

  private static ByteBuffer chunk() {
    return ByteBuffer.allocate(CHUNK * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
  }
}
