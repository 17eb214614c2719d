package dev.sextant.nas.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.function.Executable;

/** Images, files and errors that the tests of this package share. */
public final class TestData {
  private TestData() {}

  /** Random images, image i of class i modulo {@code classes}. */
  static Images random(int count, int height, int width, int channels, int classes) {
    byte[] pixels = new byte[count * height * width * channels];
    Rng rng = new Rng(7);
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (byte) rng.nextLong();
    }
    int[] labels = new int[count];
    for (int i = 0; i < count; i++) {
      labels[i] = i % classes;
    }
    return Images.of(height, width, channels, pixels, labels);
  }

  /** The message of a user error holds each of the parts. */
  static void assertError(Executable body, Object... parts) {
    String message = assertThrows(SextantException.class, body).getMessage();
    for (Object part : parts) {
      assertTrue(message.contains(part.toString()), () -> message + " should say " + part);
    }
  }

  static byte[] gzip(byte[] bytes) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (GZIPOutputStream zip = new GZIPOutputStream(out)) {
      zip.write(bytes);
    }
    return out.toByteArray();
  }

  /** An IDX file of unsigned bytes: header of these sizes, then the bytes. */
  static byte[] idx(byte[] elements, int... sizes) {
    ByteBuffer file = ByteBuffer.allocate(4 + 4 * sizes.length + elements.length);
    file.putInt(0x0800 | sizes.length);
    for (int size : sizes) {
      file.putInt(size);
    }
    return file.put(elements).array();
  }

  /**
   * A folder of real data, found in {@code sextant.data} or in {@code shared/data} beside an
   * ancestor of the working directory; the test is skipped where there is none.
   */
  public static Path real(String name) {
    return found(name)
        .orElseGet(
            () -> {
              System.out.println("skipped: no shared/data/" + name + " (set -Dsextant.data=DIR)");
              Assumptions.abort("no shared/data/" + name);
              throw new AssertionError();
            });
  }

  /** The same where a test goes on without it. */
  public static Optional<Path> found(String name) {
    String property = System.getProperty("sextant.data");
    if (property != null) {
      Path folder = Path.of(property, name);
      assertTrue(Files.isDirectory(folder), () -> folder + " of -Dsextant.data does not exist");
      return Optional.of(folder);
    }
    Path directory = Path.of("").toAbsolutePath();
    for (Path above = directory; above != null; above = above.getParent()) {
      Path folder = above.resolve("shared").resolve("data").resolve(name);
      if (Files.isDirectory(folder)) {
        return Optional.of(folder);
      }
    }
    return Optional.empty();
  }

  static void assertSameBits(float[] expected, float[] actual, int length) {
    for (int i = 0; i < length; i++) {
      assertEquals(
          Float.floatToRawIntBits(expected[i]), Float.floatToRawIntBits(actual[i]), "at " + i);
    }
  }
}
