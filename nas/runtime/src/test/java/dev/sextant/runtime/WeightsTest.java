package dev.sextant.runtime;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Tag("machine-text")
class WeightsTest {
  @TempDir Path directory;

  private static Weights sample() {
    SequencedMap<String, Weights.Entry> entries = new LinkedHashMap<>();
    // Every kind of float, two NaNs of different payload among them.
    float[] odd = {
      0f,
      -0f,
      1f,
      Float.MIN_VALUE,
      Float.MAX_VALUE,
      Float.NEGATIVE_INFINITY,
      Float.intBitsToFloat(0x7fc00000),
      Float.intBitsToFloat(0xffc12345)
    };
    entries.put("z", new Weights.Entry(Shape.of(2, 4), odd));
    entries.put("empty", new Weights.Entry(Shape.of(3, 0), new float[0]));
    entries.put("a \"quoted\" é名", new Weights.Entry(Shape.of(), new float[] {42}));
    float[] large = new float[200_001];
    for (int i = 0; i < large.length; i++) {
      large[i] = i * 0.5f;
    }
    entries.put("large", new Weights.Entry(Shape.of(200_001), large));
    return new Weights(entries, Map.of("epoch", "12", "note", "line\nbreak"));
  }

  private static int[] bits(float[] values) {
    int[] bits = new int[values.length];
    Arrays.setAll(bits, i -> Float.floatToRawIntBits(values[i]));
    return bits;
  }

  @Test
  void everyBitSurvivesTheDisk() throws IOException {
    Path file = directory.resolve("w.safetensors");
    Weights written = sample();
    written.write(file);
    Weights read = Weights.read(file);
    assertEquals(List.copyOf(written.entries().keySet()), List.copyOf(read.entries().keySet()));
    for (String name : written.entries().keySet()) {
      assertEquals(written.get(name).shape(), read.get(name).shape());
      assertArrayEquals(bits(written.get(name).values()), bits(read.get(name).values()), name);
    }
    assertEquals("12", read.metadata().get("epoch"));
    assertEquals("line\nbreak", read.metadata().get("note"));
    assertEquals(64, read.metadata().get(Weights.CHECKSUM).length());
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    assertEquals(0, bytes.getLong(0) % 8, "the data must start on a multiple of 8");
    read.write(directory.resolve("again"));
    assertArrayEquals(bytes.array(), Files.readAllBytes(directory.resolve("again")));
  }

  @Test
  void everyFlippedByteIsNoticed() throws IOException {
    Path file = directory.resolve("w.safetensors");
    SequencedMap<String, Weights.Entry> entries = new LinkedHashMap<>();
    entries.put("w", new Weights.Entry(Shape.of(2, 3), new float[] {1, 2, 3, 4, 5, 6}));
    new Weights(entries, Map.of("epoch", "12")).write(file);
    byte[] good = Files.readAllBytes(file);
    for (int i = 0; i < good.length; i++) {
      byte[] bad = good.clone();
      bad[i] ^= 1;
      Files.write(file, bad);
      SextantException e =
          assertThrows(SextantException.class, () -> Weights.read(file), "byte " + i);
      assertTrue(e.getMessage().startsWith(file + ": "), e.getMessage());
    }
  }

  @Test
  void everyTruncationIsNoticed() throws IOException {
    Path file = directory.resolve("w.safetensors");
    SequencedMap<String, Weights.Entry> entries = new LinkedHashMap<>();
    entries.put("w", new Weights.Entry(Shape.of(2, 3), new float[] {1, 2, 3, 4, 5, 6}));
    new Weights(entries, Map.of()).write(file);
    byte[] good = Files.readAllBytes(file);
    for (int length = 0; length < good.length; length++) {
      Files.write(file, Arrays.copyOf(good, length));
      assertThrows(SextantException.class, () -> Weights.read(file), "length " + length);
    }
  }

  private Path raw(String header, int dataBytes) throws IOException {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    ByteBuffer bytes =
        ByteBuffer.allocate(8 + json.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(json.length).put(json);
    Path file = directory.resolve("raw.safetensors");
    Files.write(file, bytes.array());
    return file;
  }

  @Test
  void readsWhatOthersWrite() throws IOException {
    String header =
        "{\"b\":{\"data_offsets\":[8,16],\"shape\":[2],\"dtype\":\"F32\"},"
            + "\"a\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8]}}   ";
    Weights weights = Weights.read(raw(header, 16));
    assertEquals(List.of("b", "a"), List.copyOf(weights.entries().keySet()));
    assertEquals(Shape.of(1, 2), weights.get("a").shape());
    assertEquals(Map.of(), weights.metadata());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "[] | 0 | the header: expected BEGIN_OBJECT",
        "{\"a\": | 0 | not valid JSON",
        "{} x | 0 | not valid JSON",
        "{}{} | 0 | not valid JSON",
        "{a:1} | 0 | not valid JSON",
        "{} | 4 | 4 bytes at the end belong to no tensor",
        "{\"a\":1} | 0 | tensor 'a': expected BEGIN_OBJECT",
        "{\"a\":{}} | 0 | lacks dtype, shape or data_offsets",
        "{\"a\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]}} | 8 | is F64, only",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,8]}} | 8 | needs 4 bytes",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}} | 4 | no [begin, end]",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}} | 4 | no [begin, end]",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}} | 3 | truncated",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}} | 8 | belong to no"
            + " tensor",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}} | 4 | no whole number",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1.0],\"data_offsets\":[0,4]}} | 4 | no whole number",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1e0],\"data_offsets\":[0,4]}} | 4 | no whole number",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[\"1\"],\"data_offsets\":[0,4]}} | 4 | expected"
            + " NUMBER",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967297],\"data_offsets\":[0,4]}} | 4 | too large",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[65536,65536],\"data_offsets\":[0,0]}} | 0 | too"
            + " large",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]}} | 4 |"
            + " more than 8",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":1}} | 4 | unknown"
            + " field 'x'",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"shape\":[1],\"data_offsets\":[0,4]}} | 4 |"
            + " 'shape' twice",
        "{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}} | 4 |"
            + " 'dtype' twice",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]},\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}}"
            + " | 0 | tensor 'a' twice",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}"
            + " | 12 | 'a' and 'b' overlap",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,999999999999999999]}} | 4 |"
            + " needs 4 bytes",
        "{\"__metadata__\":{\"k\":1}} | 0 | __metadata__.k: expected STRING",
        "{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}} | 0 | 'k' twice",
        "{\"__metadata__\":{},\"__metadata__\":{}} | 0 | __metadata__ twice",
        "{\"__metadata__\":{\"sha256\":\"00\"}} | 0 | is damaged",
      })
  void refusesAMalformedHeader(String header, int dataBytes, String message) throws IOException {
    Path file = raw(header, dataBytes);
    SextantException e = assertThrows(SextantException.class, () -> Weights.read(file));
    assertTrue(
        e.getMessage().startsWith(file + ": ") && e.getMessage().contains(message), e.getMessage());
  }

  @ParameterizedTest
  @CsvSource({"-1", "9223372036854775807", "100000001", "1000", "0", "1"})
  void refusesAHeaderLengthBeyondTheFile(long length) throws IOException {
    Path file = directory.resolve("length");
    ByteBuffer bytes = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN).putLong(length);
    Files.write(file, bytes.array());
    SextantException e = assertThrows(SextantException.class, () -> Weights.read(file));
    assertTrue(e.getMessage().startsWith(file + ": is "), e.getMessage());
  }

  @Test
  void refusesAHeaderThatIsNotUtf8() throws IOException {
    Path file = directory.resolve("utf8");
    Files.write(file, new byte[] {2, 0, 0, 0, 0, 0, 0, 0, (byte) 0xff, (byte) 0xff});
    SextantException e = assertThrows(SextantException.class, () -> Weights.read(file));
    assertTrue(e.getMessage().contains("not UTF-8"), e.getMessage());
  }

  @Test
  void saysWhatIsMissing() {
    Path file = directory.resolve("nowhere");
    SextantException e = assertThrows(SextantException.class, () -> Weights.read(file));
    assertEquals(file + ": cannot be read (no such file or directory)", e.getMessage());
    assertThrows(SextantException.class, () -> Weights.read(directory));
    assertThrows(SextantException.class, () -> sample().write(directory));
    assertThrows(SextantException.class, () -> sample().write(directory.resolve("no/such/place")));
  }

  @Test
  void anInterruptedWriteLeavesTheOldFile() throws IOException {
    Path file = directory.resolve("w.safetensors");
    sample().write(file);
    byte[] before = Files.readAllBytes(file);
    SextantException e =
        assertThrows(
            SextantException.class,
            () ->
                AtomicFile.write(
                    file,
                    channel -> {
                      channel.write(ByteBuffer.allocate(10));
                      throw new IOException("No space left on device");
                    }));
    assertEquals(file + ": cannot be written (No space left on device)", e.getMessage());
    assertArrayEquals(before, Files.readAllBytes(file));
    try (Stream<Path> files = Files.list(directory)) {
      assertEquals(List.of(file), files.toList(), "the temporary file must be gone");
    }
  }

  @Test
  void aNameThatIsNoTextFailsBeforeTheOldFileIsTouched() throws IOException {
    Path file = directory.resolve("w.safetensors");
    sample().write(file);
    byte[] before = Files.readAllBytes(file);
    Weights bad = sample().withMetadata("note", "\ud800");
    assertThrows(SextantException.class, () -> bad.write(file));
    assertArrayEquals(before, Files.readAllBytes(file));
  }

  @Test
  void refusesValuesThatDoNotFitTheShape() {
    assertThrows(SextantException.class, () -> new Weights.Entry(Shape.of(2, 2), new float[3]));
    SequencedMap<String, Weights.Entry> reserved = new LinkedHashMap<>();
    reserved.put("__metadata__", new Weights.Entry(Shape.of(), new float[1]));
    assertThrows(SextantException.class, () -> new Weights(reserved, Map.of()));
    assertThrows(SextantException.class, () -> sample().get("nothing"));
  }
}
