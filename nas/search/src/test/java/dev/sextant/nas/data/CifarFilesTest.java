package dev.sextant.nas.data;

import static dev.sextant.nas.data.TestData.assertError;
import static dev.sextant.nas.data.TestData.gzip;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CifarFilesTest {
  @TempDir Path folder;

  private Path write(String name, byte[] bytes) throws IOException {
    return Files.write(folder.resolve(name), bytes);
  }

  /** Records with these last label bytes; plane c of image i holds 10 c + i, its first pixel 99. */
  private static byte[] records(int labelBytes, int... labels) {
    int size = labelBytes + 3072;
    byte[] bytes = new byte[labels.length * size];
    for (int i = 0; i < labels.length; i++) {
      int at = i * size + labelBytes;
      bytes[at - 1] = (byte) labels[i];
      for (int c = 0; c < 3; c++) {
        Arrays.fill(bytes, at + c * 1024, at + (c + 1) * 1024, (byte) (10 * c + i));
        bytes[at + c * 1024] = (byte) (99 + c);
      }
    }
    return bytes;
  }

  private void writeBatches() throws IOException {
    for (int i = 1; i <= 5; i++) {
      write("data_batch_" + i + ".bin", records(1, i, 9));
    }
    write("test_batch.bin", records(1, 0));
  }

  @Test
  void readsTheOriginalFiles() throws IOException {
    writeBatches();
    ImageDataset data = Datasets.open(folder);
    assertEquals(List.of(10, 1), List.of(data.train().count(), data.test().count()));
    assertEquals("airplane", data.classNames().getFirst());
    assertEquals(10, data.classes());
    assertEquals(3, data.train().label(4));
    byte[] image = new byte[3072];
    data.train().copyPixels(5, image, 0);
    // Interleaved: the first pixel of every plane, then the second of every plane.
    assertEquals(
        List.of(99, 100, 101, 1, 11, 21),
        List.of(
            (int) image[0],
            (int) image[1],
            (int) image[2],
            (int) image[3],
            (int) image[4],
            (int) image[5]));
  }

  @Test
  void readsAnyPairOfFiles() throws IOException {
    write("train-10k.bin.gz", gzip(records(1, 0, 1, 2)));
    write("test-2k.bin.gz", gzip(records(1, 1)));
    write("batches.meta.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n".getBytes());
    ImageDataset data = Datasets.open(folder);
    assertEquals(List.of(3, 1), List.of(data.train().count(), data.test().count()));
    assertEquals("c", data.classNames().get(2));
  }

  @Test
  void readsCifar100() throws IOException {
    write("train.bin", records(2, 99, 5));
    write("test.bin", records(2, 42));
    ImageDataset data = Datasets.open(folder);
    assertEquals(100, data.classes());
    assertEquals(99, data.train().label(0));
    assertEquals(42, data.test().label(0));
    DataOptions wrong = DataOptions.DEFAULT.withFormat(DataFormat.CIFAR10);
    assertError(() -> Datasets.open(folder, wrong), "train.bin", "not a multiple of 3073");
  }

  @Test
  void missingFiles() throws IOException {
    writeBatches();
    Files.delete(folder.resolve("data_batch_3.bin"));
    assertError(() -> Datasets.open(folder), folder, "data_batch_3.bin is missing");
    writeBatches();
    Files.delete(folder.resolve("test_batch.bin"));
    assertError(() -> Datasets.open(folder), folder, "test_batch.bin", "is missing");
  }

  @Test
  void truncatedAndEmpty() throws IOException {
    writeBatches();
    Path path = write("data_batch_2.bin", Arrays.copyOf(records(1, 1, 2), 6000));
    assertError(() -> Datasets.open(folder), path, "truncated", "6000", "3073");
    write("data_batch_2.bin", new byte[0]);
    assertError(() -> Datasets.open(folder), path, "holds no images");
    Path first = write("data_batch_1.bin", new byte[3000]);
    assertError(() -> Datasets.open(folder), first, "neither 3073 nor 3074");
  }

  @Test
  void labelOutOfRange() throws IOException {
    writeBatches();
    Path path = write("data_batch_4.bin", records(1, 3, 10));
    assertError(() -> Datasets.open(folder), path, "label 10 of image 1", "10 classes");
  }

  @Test
  void gzipThatIsCutOrLies() throws IOException {
    write("test.bin", records(1, 1));
    byte[] zipped = gzip(records(1, 1, 2));
    Path path = write("train.bin.gz", Arrays.copyOf(zipped, zipped.length - 9));
    assertError(() -> Datasets.open(folder), path);
    // A trailer that promises one record for a stream of two.
    byte[] lie = zipped.clone();
    lie[lie.length - 4] = (byte) 3073;
    lie[lie.length - 3] = 3073 >> 8;
    write("train.bin.gz", lie);
    assertError(() -> Datasets.open(folder), path, "too long", "promised 3073 bytes");
  }

  @Test
  void cifar10Jpeg() {
    ImageDataset data = Datasets.open(TestData.real("cifar10-jpeg"));
    assertEquals(List.of(10_000, 2_000), List.of(data.train().count(), data.test().count()));
    assertEquals(10, data.classes());
    // CIFAR-10's published mean, of which 10,000 images are a sample.
    assertEquals(0.4914, data.normalization().mean()[0], 0.01);
    assertEquals(0.4465, data.normalization().mean()[2], 0.01);
  }
}
