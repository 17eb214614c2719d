package dev.sextant.nas.data;

import static dev.sextant.nas.data.TestData.assertError;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DatasetsTest {
  @TempDir Path folder;

  @Test
  void wrongPaths() throws IOException {
    Path missing = folder.resolve("missing");
    assertError(() -> Datasets.open(missing), missing, "no such folder");
    Path file = Files.writeString(folder.resolve("file"), "x");
    assertError(() -> Datasets.open(file), file, "is a file");
    Files.delete(file);
    assertError(() -> Datasets.open(folder), folder, "holds no images", "IDX", "CIFAR");
    assertError(() -> Datasets.open("a\0b"), "is not a path");
  }

  @Test
  void chosenFormats() {
    for (DataFormat format : List.of(DataFormat.IDX, DataFormat.CIFAR10, DataFormat.FOLDER)) {
      DataOptions options = DataOptions.DEFAULT.withFormat(format);
      assertError(() -> Datasets.open(folder, options), folder);
    }
    DataOptions builtin = DataOptions.DEFAULT.withFormat(DataFormat.BUILTIN);
    assertError(() -> Datasets.open(folder, builtin), folder, "builtin");
    assertEquals(DataFormat.CIFAR100, DataFormat.of("cifar100"));
    assertError(() -> DataFormat.of("lmdb"), "'lmdb'", "idx, cifar10");
  }

  @Test
  void builtinCounts() {
    ImageDataset data = Datasets.open("builtin:100");
    assertEquals(List.of(100, 25), List.of(data.train().count(), data.test().count()));
    for (String source : List.of("builtin:", "builtin:x", "builtin:39", "builtin:-1")) {
      assertError(() -> Datasets.open(source), source, "from 40 to");
    }
    DataOptions resized = DataOptions.DEFAULT.withImageSize(32);
    assertEquals(32, Datasets.open("builtin:40", resized).height());
    assertError(() -> DataOptions.DEFAULT.withImageSize(-1), "-1");
  }

  @Test
  void imagesFromArrays() {
    byte[] pixels = new byte[24];
    assertError(() -> Images.of(2, 3, 1, pixels, new int[3]), "need 18 bytes", "not 24");
    assertError(() -> Images.of(2, 3, 1, pixels, new int[] {0, 1, -1, 0}), "label -1 of image 2");
    assertError(() -> Images.of(2, 3, 1, pixels, new int[0]), "no images");
    assertError(() -> Images.of(2, -3, 1, pixels, new int[4]), "width -3");
    assertError(() -> Images.of(1 << 16, 1 << 16, 1, pixels, new int[4]), "exceeds 256 MiB");
    assertError(() -> Images.allocate("x", 1L << 40, 1, 1, 1), "more than 2^31");
    assertError(() -> Images.allocate("x", 1 << 30, 64, 64, 3), "x: ", "-Xmx");
  }

  @Test
  void aDescriptionWithoutItsPlaceIsTheSameEverywhere() {
    ImageDataset data = Datasets.open("builtin:40", DataOptions.DEFAULT);
    ImageDataset here =
        ImageDataset.of("/data/mine/", data.classNames(), data.train(), data.test());
    ImageDataset there =
        ImageDataset.of("D:\\sets\\mine", data.classNames(), data.train(), data.test());
    assertTrue(here.withoutPlace().startsWith("mine: 40 training"), here.withoutPlace());
    assertEquals(here.withoutPlace(), there.withoutPlace());
    assertTrue(there.toString().startsWith("D:\\sets\\mine: 40 training"), there.toString());
  }

  @Test
  void chunksHoldWholeImages() {
    // 100 MiB an image: two in each chunk.
    int side = 10_240;
    Images images = Images.allocate("x", 3, side, side, 1);
    assertEquals(2, images.chunks().length);
    assertEquals(0, images.offset(2));
    images.chunk(2)[5] = 7;
    byte[] copy = new byte[images.imageBytes()];
    images.copyPixels(2, copy, 0);
    assertEquals(7, copy[5]);
  }

  @Test
  void normalizationOfConstantChannels() {
    Images images = Images.of(1, 2, 2, new byte[] {51, 0, 51, (byte) 255}, new int[] {0});
    Normalization n = Normalization.of(images);
    assertEquals(new Normalization(new float[] {.2f, .5f}, new float[] {1 / 255f, .5f}), n);
    assertThrows(SextantException.class, () -> new Normalization(new float[] {0}, new float[] {0}));
    assertThrows(
        SextantException.class, () -> new Normalization(new float[] {0}, new float[] {1, 1}));
  }
}
