package dev.sextant.tensor.internal.cpu.vector;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WidthCacheTest {
  @TempDir Path folder;

  private final AtomicInteger measurements = new AtomicInteger();

  private int narrow() {
    measurements.incrementAndGet();
    return 256;
  }

  @Test
  void measuresOnceAndKeepsTheWidth() throws IOException {
    Path deep = folder.resolve("a").resolve("b");
    assertEquals(256, new WidthCache(deep, "cpu", "jvm").get(this::narrow));
    assertEquals(256, new WidthCache(deep, "cpu", "jvm").get(this::narrow));
    assertEquals(1, measurements.get());
    try (Stream<Path> files = Files.list(deep)) {
      assertEquals(1, files.count());
    }
  }

  @Test
  void measuresAgainForAnotherProcessorOrJvm() {
    assertEquals(256, new WidthCache(folder, "cpu", "jvm").get(this::narrow));
    assertEquals(512, new WidthCache(folder, "cpu", "newer jvm").get(() -> 512));
    assertEquals(512, new WidthCache(folder, "other cpu", "jvm").get(() -> 512));
    assertEquals(256, new WidthCache(folder, "cpu", "jvm").get(this::narrow));
    assertEquals(1, measurements.get());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "processor=cpu\njvm=jvm\nbits=1024\n",
        "processor=other\njvm=jvm\nbits=512\n",
        "processor=cpu\njvm=jvm\n",
        "processor=cpu\njvm=jvm\nbits=512\nbits=512\n"
      })
  void replacesADamagedFile(String text) throws IOException {
    WidthCache cache = new WidthCache(folder, "cpu", "jvm");
    Files.writeString(cache.file(), text);
    assertEquals(256, cache.get(this::narrow));
    assertEquals(256, cache.get(() -> 512));
    assertEquals(1, measurements.get());
  }

  @Test
  void replacesAFileThatIsNoText() throws IOException {
    WidthCache cache = new WidthCache(folder, "cpu", "jvm");
    Files.write(cache.file(), new byte[] {(byte) 0xff, (byte) 0xfe, 0, 1});
    assertEquals(256, cache.get(this::narrow));
    assertEquals(256, cache.get(() -> 512));
  }

  @Test
  void doesNotMeasureWhatItCannotKeep() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "in the way");
    assertEquals(0, new WidthCache(file, "cpu", "jvm").get(this::narrow));
    assertEquals(0, measurements.get());
    assertFalse(Files.isDirectory(file));
  }

  @Test
  void calibrationChoosesOneOfBoth() {
    if (VectorWidth.bits() == 512) {
      int bits = WidthCalibration.run();
      assertTrue(bits == 256 || bits == 512, bits + " bits");
    }
  }

  @Test
  void onlyWidthsOfTheMachineCanBeRequested() {
    assertEquals(128, VectorWidth.requested("128", 256));
    assertEquals(256, VectorWidth.requested("256", 256));
    assertEquals(0, VectorWidth.requested("512", 256));
    assertEquals(0, VectorWidth.requested("200", 512));
    assertEquals(0, VectorWidth.requested("wide", 512));
    assertEquals(0, VectorWidth.requested("", 512));
    assertNotEquals("", VectorWidth.reason());
  }
}
