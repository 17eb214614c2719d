package dev.sextant.runtime;

import dev.sextant.runtime.SafetensorsHeader.Slot;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
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
 * The safetensors format: a {@link SafetensorsHeader}, then the data without holes.
 *
 * <p>The checksum covers the metadata (sorted by key, itself left out), the tensors' names, shapes
 * and offsets (sorted by name), and the data in file order.
 */
final class Safetensors {
  /** Floats that pass through one buffer at a time: the bytes stay in the second-level cache. */
  private static final int CHUNK = 64 * 1024;

  /** Of files that have a checksum for certain. */
  private static final String VERSION = "2";

  private static final String NO_CHECKSUM = "0".repeat(64);

  private Safetensors() {}

  // ---- writing

  static String write(Weights weights, Path path, SafetensorsHeader.Type type) {
    SequencedMap<String, String> metadata = new LinkedHashMap<>(weights.metadata());
    metadata.put(Weights.VERSION, VERSION);
    metadata.put(Weights.CHECKSUM, NO_CHECKSUM);
    SafetensorsHeader header = new SafetensorsHeader(slots(weights, type), metadata);
    MessageDigest digest = header.digest();
    AtomicFile.write(
        path,
        channel -> {
          // The checksum is known only after the data went by: its place is kept and filled last.
          ByteBuffer placeholder = header.encode(path);
          channel.position(placeholder.remaining());
          ByteBuffer chunk = chunk();
          for (Weights.Entry entry : weights.entries().values()) {
            writeValues(entry.values(), type, chunk, digest, channel);
          }
          metadata.put(Weights.CHECKSUM, HexFormat.of().formatHex(digest.digest()));
          channel.position(0);
          channel.write(header.encode(path));
        });
    return String.valueOf(metadata.get(Weights.CHECKSUM));
  }

  private static List<Slot> slots(Weights weights, SafetensorsHeader.Type type) {
    List<Slot> slots = new ArrayList<>();
    long offset = 0;
    for (Map.Entry<String, Weights.Entry> tensor : weights.entries().entrySet()) {
      Shape shape = tensor.getValue().shape();
      long end = offset + shape.size() * (long) type.bytes();
      slots.add(new Slot(tensor.getKey(), type, shape, offset, end));
      offset = end;
    }
    return slots;
  }

  private static void writeValues(
      float[] values,
      SafetensorsHeader.Type type,
      ByteBuffer chunk,
      MessageDigest digest,
      FileOutput channel)
      throws IOException {
    for (int from = 0; from < values.length; from += CHUNK) {
      fill(chunk, values, from, type);
      digest.update(chunk.array(), 0, chunk.limit());
      channel.write(chunk);
    }
  }

  private static void fill(
      ByteBuffer chunk, float[] values, int from, SafetensorsHeader.Type type) {
    int count = Math.min(CHUNK, values.length - from);
    chunk.clear().limit(count * type.bytes());
    if (type == SafetensorsHeader.Type.F32) {
      chunk.asFloatBuffer().put(values, from, count);
    } else {
      for (int i = 0; i < count; i++) {
        chunk.putShort(i * Short.BYTES, Float.floatToFloat16(values[from + i]));
      }
    }
  }

  /** The checksum that a file of these weights has. */
  static String checksum(Weights weights) {
    SequencedMap<String, String> metadata = new LinkedHashMap<>(weights.metadata());
    metadata.put(Weights.VERSION, VERSION);
    MessageDigest digest =
        new SafetensorsHeader(slots(weights, SafetensorsHeader.Type.F32), metadata).digest();
    ByteBuffer chunk = chunk();
    for (Weights.Entry entry : weights.entries().values()) {
      for (int from = 0; from < entry.values().length; from += CHUNK) {
        fill(chunk, entry.values(), from, SafetensorsHeader.Type.F32);
        digest.update(chunk.array(), 0, chunk.limit());
      }
    }
    return HexFormat.of().formatHex(digest.digest());
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
      if (headerBytes < 2 || headerBytes > SafetensorsHeader.MAX_BYTES) {
        throw defect(
            String.format(
                Locale.ROOT,
                "is no safetensors file: a header of %s bytes is not between 2 and %d",
                Long.toUnsignedString(headerBytes),
                SafetensorsHeader.MAX_BYTES));
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
      SafetensorsHeader header = new SafetensorsHeaderReader(path).read(bytes.flip());
      List<Slot> inOrder = checkLayout(header.slots(), fileBytes - Long.BYTES - headerBytes);
      return readData(header, inOrder);
    }

    private void readFully(ByteBuffer buffer) throws IOException {
      while (buffer.hasRemaining()) {
        if (channel.read(buffer) < 0) {
          throw new EOFException();
        }
      }
    }

    private Weights readData(SafetensorsHeader header, List<Slot> inOrder) throws IOException {
      String expected = header.metadata().get(Weights.CHECKSUM);
      if (expected == null && header.metadata().containsKey(Weights.VERSION)) {
        throw defect("is damaged: its SHA-256 is gone");
      }
      MessageDigest digest = expected == null ? null : header.digest();
      ByteBuffer chunk = chunk();
      Map<String, Weights.Entry> byName = new LinkedHashMap<>();
      for (Slot slot : inOrder) {
        float[] values = new float[slot.shape().size()];
        readValues(values, slot.type(), chunk, digest);
        byName.put(slot.name(), new Weights.Entry(slot.shape(), values));
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
      for (Slot slot : header.slots()) {
        Weights.Entry entry = byName.get(slot.name());
        if (entry != null) {
          entries.put(slot.name(), entry);
        }
      }
      return new Weights(entries, header.metadata());
    }

    private void readValues(
        float[] values,
        SafetensorsHeader.Type type,
        ByteBuffer chunk,
        @Nullable MessageDigest digest)
        throws IOException {
      int most = CHUNK * Float.BYTES / type.bytes();
      for (int from = 0; from < values.length; from += most) {
        int count = Math.min(most, values.length - from);
        chunk.clear().limit(count * type.bytes());
        readFully(chunk);
        if (digest != null) {
          digest.update(chunk.array(), 0, chunk.limit());
        }
        chunk.flip();
        if (type == SafetensorsHeader.Type.F32) {
          chunk.asFloatBuffer().get(values, from, count);
        } else {
          type.get(chunk, values, from, count);
        }
      }
    }

    private List<Slot> checkLayout(List<Slot> slots, long dataBytes) {
      List<Slot> inOrder = new ArrayList<>(slots);
      inOrder.sort(Comparator.comparingLong(Slot::begin).thenComparingLong(Slot::end));
      long end = 0;
      String previous = "the header";
      for (Slot slot : inOrder) {
        if (slot.end() > dataBytes) {
          throw defect(
              String.format(
                  Locale.ROOT,
                  "tensor '%s' ends at byte %d, the data at %d (truncated?)",
                  slot.name(),
                  slot.end(),
                  dataBytes));
        }
        if (slot.begin() < end) {
          throw defect(
              String.format(Locale.ROOT, "tensors '%s' and '%s' overlap", previous, slot.name()));
        }
        if (slot.begin() > end) {
          throw defect(
              String.format(
                  Locale.ROOT,
                  "%d bytes before tensor '%s' belong to no tensor",
                  slot.begin() - end,
                  slot.name()));
        }
        end = slot.end();
        previous = slot.name();
      }
      if (end != dataBytes) {
        throw defect(
            String.format(Locale.ROOT, "%d bytes at the end belong to no tensor", dataBytes - end));
      }
      return inOrder;
    }

    private SextantException defect(String what) {
      return new SextantException(path + ": " + what);
    }
  }

  private static ByteBuffer chunk() {
    return ByteBuffer.allocate(CHUNK * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
  }
}
