package dev.sextant.nas.data;

import static dev.sextant.nas.data.TestData.assertError;
import static dev.sextant.nas.data.TestData.gzip;
import static dev.sextant.nas.data.TestData.idx;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("machine-text")
class IdxFilesTest {
  private static final String TRAIN = "train-images-idx3-ubyte";
  private static final String TRAIN_LABELS = "train-labels-idx1-ubyte";
  private static final String TEST = "t10k-images-idx3-ubyte";
  private static final String TEST_LABELS = "t10k-labels-idx1-ubyte";

  @TempDir Path folder;

  private final byte[] pixels = new byte[4 * 6];

  @BeforeEach
  void writeGoodFiles() throws IOException {
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (byte) (i * 11);
    }
    write(TRAIN, idx(pixels, 4, 2, 3));
    write(TRAIN_LABELS, idx(new byte[] {0, 1, 2, 1}, 4));
    write(TEST, idx(Arrays.copyOf(pixels, 6), 1, 2, 3));
    write(TEST_LABELS, idx(new byte[] {2}, 1));
  }

  private Path write(String name, byte[] bytes) throws IOException {
    return Files.write(folder.resolve(name), bytes);
  }

  /** Replaces a file by its gzip. */
  private Path zip(String name, byte[] zipped) throws IOException {
    Files.deleteIfExists(folder.resolve(name));
    return write(name + ".gz", zipped);
  }

  @Test
  void readsPlainFiles() {
    ImageDataset data = Datasets.open(folder);
    assertEquals(List.of(4, 1), List.of(data.train().count(), data.test().count()));
    assertEquals(List.of(2, 3, 1), List.of(data.height(), data.width(), data.channels()));
    assertEquals(List.of("0", "1", "2"), data.classNames());
    byte[] image = new byte[6];
    data.train().copyPixels(3, image, 0);
    assertArrayEquals(Arrays.copyOfRange(pixels, 18, 24), image);
    assertEquals(1, data.train().label(3));
    assertEquals(2, data.test().label(0));
    double sum = 0;
    for (byte b : pixels) {
      sum += b & 0xFF;
    }
    assertEquals(sum / pixels.length / 255, data.normalization().mean()[0], 1e-7);
  }

  @Test
  void readsGzipAndDottedNamesAndClassNames() throws IOException {
    zip(TRAIN, gzip(idx(pixels, 4, 2, 3)));
    Files.move(folder.resolve(TRAIN_LABELS), folder.resolve("train-labels.idx1-ubyte"));
    write("classes.txt", "shirt\nshoe\n\nbag\n".getBytes());
    ImageDataset data = Datasets.open(folder.toString());
    assertEquals(List.of("shirt", "shoe", "bag"), data.classNames());
    byte[] image = new byte[6];
    data.train().copyPixels(1, image, 0);
    assertArrayEquals(Arrays.copyOfRange(pixels, 6, 12), image);
  }

  @Test
  void tooFewClassNames() throws IOException {
    Path path = write("classes.txt", "shirt\n".getBytes());
    assertError(() -> Datasets.open(folder), path, "names 1 classes, the labels have 3");
  }

  @Test
  void truncated() throws IOException {
    Path path = write(TRAIN, Arrays.copyOf(idx(pixels, 4, 2, 3), 30));
    assertError(() -> Datasets.open(folder), path, "truncated", "promises 40 bytes, it has 30");
    write(TRAIN, new byte[] {0, 0, 8});
    assertError(() -> Datasets.open(folder), path, "truncated", "after 3 bytes");
  }

  @Test
  void oversized() throws IOException {
    Path path = write(TRAIN, Arrays.copyOf(idx(pixels, 4, 2, 3), 41));
    assertError(() -> Datasets.open(folder), path, "too long", "promises 40 bytes, it has 41");
  }

  @Test
  void wrongMagic() throws IOException {
    Path path = write(TRAIN, "<html>not found</html>".getBytes());
    assertError(() -> Datasets.open(folder), path, "not an IDX file", "0x3C68746D");
    write(TRAIN, ByteBuffer.allocate(40).putInt(0x0D03).array());
    assertError(() -> Datasets.open(folder), path, "type 0x0D");
  }

  @Test
  void wrongRank() throws IOException {
    Path path = write(TRAIN, idx(pixels, 2, 2, 2, 3));
    assertError(() -> Datasets.open(folder), path, "has 4 dimensions", "have 3");
    write(TRAIN, idx(pixels, 4, 2, 3));
    path = write(TRAIN_LABELS, idx(new byte[4], 2, 2));
    assertError(() -> Datasets.open(folder), path, "has 2 dimensions", "have 1");
  }

  @Test
  void negativeZeroAndAbsurdSizes() throws IOException {
    Path path = write(TRAIN, idx(pixels, 4, -2, 3));
    assertError(() -> Datasets.open(folder), path, "negative size -2");
    write(TRAIN, idx(new byte[0], 0, 2, 3));
    assertError(() -> Datasets.open(folder), path, "empty");
    int most = Integer.MAX_VALUE;
    write(TRAIN, idx(pixels, most, most, most));
    assertError(() -> Datasets.open(folder), path, "2^63");
    write(TRAIN, idx(pixels, most, most, 1));
    assertError(() -> Datasets.open(folder), path, "truncated");
  }

  @Test
  void gzipThatIsCut() throws IOException {
    byte[] zipped = gzip(idx(pixels, 4, 2, 3));
    Path path = zip(TRAIN, Arrays.copyOf(zipped, zipped.length / 2));
    assertError(() -> Datasets.open(folder), path, "truncated", "cut");
    zip(TRAIN, Arrays.copyOf(zipped, zipped.length - 4));
    assertError(() -> Datasets.open(folder), path, "cut");
    zip(TRAIN, new byte[0]);
    assertError(() -> Datasets.open(folder), path, "cut");
  }

  @Test
  void gzipThatIsDamaged() throws IOException {
    byte[] zipped = gzip(idx(pixels, 4, 2, 3));
    zipped[zipped.length - 6] ^= 1;
    Path path = zip(TRAIN, zipped);
    assertError(() -> Datasets.open(folder), path, "damaged gzip");
    zip(TRAIN, "not a gzip at all".getBytes());
    assertError(() -> Datasets.open(folder), path, "damaged gzip");
  }

  @Test
  void gzipThatExpandsBeyondItsPromise() throws IOException {
    byte[] bomb = new byte[50_000_000];
    System.arraycopy(idx(pixels, 4, 2, 3), 0, bomb, 0, 40);
    Path path = zip(TRAIN, gzip(bomb));
    assertError(() -> Datasets.open(folder), path, "too long", "promised 40 bytes");
  }

  @Test
  void gzipThatCannotHoldItsPromise() throws IOException {
    Path path = zip(TRAIN, gzip(idx(pixels, 2_000_000, 28, 28)));
    assertError(() -> Datasets.open(folder), path, "truncated", "cannot hold");
  }

  @Test
  void countsThatDiffer() throws IOException {
    Path path = write(TRAIN_LABELS, idx(new byte[] {0, 1, 2}, 3));
    assertError(() -> Datasets.open(folder), path, "3 labels for the 4 images", TRAIN);
  }

  @Test
  void labelsOutOfRange() throws IOException {
    write(TEST_LABELS, idx(new byte[] {3}, 1));
    assertError(() -> Datasets.open(folder), folder, "label 3 of test image 0", "3 classes");
    Path path = write(TRAIN_LABELS, idx(new byte[] {0, 1, 2, (byte) 200}, 4));
    assertError(() -> Datasets.open(folder), path, "label 200 is out of range");
  }

  @Test
  void missingFiles() throws IOException {
    Files.delete(folder.resolve(TEST_LABELS));
    assertError(() -> Datasets.open(folder), folder, "t10k-labels-idx1-ubyte", "missing");
    Files.delete(folder.resolve(TEST));
    assertError(() -> Datasets.open(folder), folder, "t10k-images-idx3-ubyte", "missing");
  }

  @Test
  void partsOfDifferentSize() throws IOException {
    write(TEST, idx(Arrays.copyOf(pixels, 6), 1, 3, 2));
    assertError(() -> Datasets.open(folder), folder, "[2,3,1]", "[3,2,1]");
  }

  @Test
  void oneClassIsNoDataSet() throws IOException {
    write(TRAIN_LABELS, idx(new byte[4], 4));
    write(TEST_LABELS, idx(new byte[1], 1));
    assertError(() -> Datasets.open(folder), folder, "at least 2 classes");
  }

  @Test
  void fashionMnist() {
    ImageDataset data = Datasets.open(TestData.real("fashion-mnist"));
    assertEquals(List.of(60_000, 10_000), List.of(data.train().count(), data.test().count()));
    assertEquals(List.of(28, 28, 1, 10), sizes(data));
    // The values everybody normalises Fashion-MNIST with.
    assertEquals(0.2860, data.normalization().mean()[0], 5e-5);
    assertEquals(0.3530, data.normalization().deviation()[0], 5e-5);
    assertEquals(9, data.train().label(0));
  }

  private static List<Integer> sizes(ImageDataset data) {
    return List.of(data.height(), data.width(), data.channels(), data.classes());
  }
}
