package dev.sextant.nas.data;

import static dev.sextant.nas.data.TestData.gzip;
import static dev.sextant.nas.data.TestData.idx;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.sextant.nas.csv.CsvTable;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** As {@link dev.sextant.nas.data.image.ImageFuzzTest}, with IDX, CIFAR, lists and tables. */
@Tag("long")
class DataFuzzTest {
  private static final int CASES = Integer.getInteger("sextant.fuzz.cases", 4000) / 4;
  private static final int[] EXTREMES = {0, -1, Integer.MIN_VALUE, Integer.MAX_VALUE, 1 << 28};

  /** What a gzip may promise whatever its size (16 MiB), and buffers. */
  private static final long FREE = 20 << 20;

  @TempDir Path folder;

  private static byte[] changed(byte[] good, Random random) {
    byte[] bytes = good.clone();
    for (int n = 1 + random.nextInt(3); n > 0; n--) {
      int at = random.nextInt(bytes.length);
      switch (random.nextInt(5)) {
        case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
        case 1 -> bytes[at] = (byte) random.nextInt(256);
        case 2 -> bytes = Arrays.copyOf(bytes, at + 1);
        case 3 -> bytes = Arrays.copyOf(bytes, bytes.length + random.nextInt(40));
        default -> {
          int word = Math.min(at, 20) & ~3;
          if (word + 4 <= bytes.length) {
            int value = EXTREMES[random.nextInt(EXTREMES.length)];
            ByteBuffer.wrap(bytes).putInt(word, value);
          }
        }
      }
    }
    return bytes;
  }

  private void fuzz(Map<String, byte[]> files, boolean zipped) throws IOException {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    List<String> names = files.keySet().stream().sorted().toList();
    for (Map.Entry<String, byte[]> file : files.entrySet()) {
      write(file.getKey(), file.getValue(), zipped);
    }
    for (int i = 0; i < CASES; i++) {
      Random random = new Random(i);
      String name = names.get(random.nextInt(names.size()));
      byte[] good = java.util.Objects.requireNonNull(files.get(name));
      boolean inside = random.nextBoolean();
      byte[] bad =
          zipped
              ? inside ? gzip(changed(good, random)) : changed(gzip(good), random)
              : changed(good, random);
      Files.write(folder.resolve(name + (zipped ? ".gz" : "")), bad);
      long before = threads.getCurrentThreadAllocatedBytes();
      try {
        Datasets.open(folder);
      } catch (SextantException e) {
        assertTrue(e.getMessage() != null && e.getMessage().contains(folder.toString()));
      } catch (RuntimeException | Error e) {
        throw new AssertionError("case %d of %s".formatted(i, name), e);
      }
      long allocated = threads.getCurrentThreadAllocatedBytes() - before;
      assertTrue(
          allocated < FREE + 100L * bad.length + 8 * 3073 * 60,
          "case %d of %s: %d bytes".formatted(i, name, allocated));
      write(name, good, zipped);
    }
  }

  private void write(String name, byte[] bytes, boolean zipped) throws IOException {
    Files.write(folder.resolve(name + (zipped ? ".gz" : "")), zipped ? gzip(bytes) : bytes);
  }

  private static Map<String, byte[]> idxFiles() {
    byte[] rows = new byte[4 * 4 * 2];
    rows[3] = 1;
    ByteBuffer labels = ByteBuffer.allocate(12 + rows.length);
    labels.putInt(0x0C02).putInt(4).putInt(2).put(rows);
    Map<String, byte[]> files = new HashMap<>();
    files.put("train-images-idx3-ubyte", idx(new byte[24], 4, 2, 3));
    files.put("train-labels-idx1-ubyte", idx(new byte[] {0, 1, 2, 1}, 4));
    files.put("t10k-images-idx3-ubyte", idx(new byte[24], 4, 2, 3));
    files.put("t10k-labels-idx2-int", labels.array());
    return files;
  }

  @Test
  void plainIdx() throws IOException {
    fuzz(idxFiles(), false);
  }

  @Test
  void zippedIdx() throws IOException {
    fuzz(idxFiles(), true);
  }

  @Test
  void zippedCifar() throws IOException {
    fuzz(Map.of("train.bin", new byte[2 * 3073], "test.bin", new byte[3073]), true);
  }

  @Test
  void tables() {
    byte[] good =
        "#{\"a\": 1}\na;b;\"c d\"\r\n1,5;x;\"y\n;\"\"z\"\n-3e5;;true\n"
            .getBytes(StandardCharsets.UTF_8);
    for (int i = 0; i < 4 * CASES; i++) {
      String text = new String(changed(good, new Random(i)), StandardCharsets.ISO_8859_1);
      try {
        for (CsvTable.Row row : CsvTable.parse(text).rows()) {
          row.text("b");
          row.number("a");
        }
      } catch (SextantException e) {
        // One sentence.
      } catch (RuntimeException e) {
        throw new AssertionError("case " + i, e);
      }
    }
  }
}
