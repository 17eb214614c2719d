package dev.sextant.nas.data;

import static dev.sextant.nas.data.TestData.assertError;
import static dev.sextant.nas.data.TestData.assertSameBits;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.tensor.Rng;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PackTest {
  @TempDir Path folder;

  /** Photographs of noise, most of which are JPEG, of several sizes. */
  private Path pictures() throws IOException {
    Rng rng = Rng.of(7);
    for (int i = 0; i < 24; i++) {
      String format = i % 4 == 0 ? "png" : "jpg";
      Path file = folder.resolve("images/" + "abc".charAt(i % 3) + "/" + i + "." + format);
      Files.createDirectories(Objects.requireNonNull(file.getParent()));
      BufferedImage image = new BufferedImage(20 + i % 5, 18, BufferedImage.TYPE_INT_RGB);
      for (int y = 0; y < image.getHeight(); y++) {
        for (int x = 0; x < image.getWidth(); x++) {
          image.setRGB(x, y, rng.nextInt(1 << 24));
        }
      }
      assertTrue(ImageIO.write(image, format, file.toFile()));
    }
    return folder.resolve("images");
  }

  private static void assertSame(ImageDataset expected, ImageDataset actual) {
    assertEquals(expected.classNames(), actual.classNames());
    assertEquals(expected.normalization(), actual.normalization());
    assertSame(expected.train(), actual.train());
    assertSame(expected.test(), actual.test());
    int[] all = IntStream.range(0, expected.train().count()).toArray();
    Augmentation augmentation = Augmentation.preset("light", expected.height());
    try (BatchLoader one = loader(expected, all, augmentation);
        BatchLoader other = loader(actual, all, augmentation)) {
      for (int i = 0; i < 2 * one.batchesPerEpoch(); i++) {
        Batch batch = one.next();
        assertSameBits(batch.pixels(), other.next().pixels(), batch.pixels().length);
      }
    }
  }

  private static BatchLoader loader(ImageDataset data, int[] all, Augmentation augmentation) {
    return new BatchLoader(data.train(), all, 5, data.normalization(), augmentation, 3, true);
  }

  private static void assertSame(Images expected, Images actual) {
    assertArrayEquals(expected.labels(), actual.labels());
    byte[] one = new byte[expected.imageBytes()];
    byte[] other = new byte[actual.imageBytes()];
    for (int i = 0; i < expected.count(); i++) {
      expected.copyPixels(i, one, 0);
      actual.copyPixels(i, other, 0);
      assertArrayEquals(one, other);
    }
  }

  @Test
  void packsHaveTheBitsOfWhatWasPacked() throws IOException {
    Path file = folder.resolve("p.pack");
    ImageDataset generated = Datasets.open("builtin:100");
    assertSame(generated, Datasets.pack("builtin:100", DataOptions.DEFAULT, file, false));
    assertFalse(Datasets.open(file).train().isInArrays());
    assertSame(generated.resized(12), Datasets.open(file).resized(12));
    assertSame(generated.withTraining(60), Datasets.open(file).withTraining(60));

    Path images = pictures();
    DataOptions options = DataOptions.DEFAULT.withImageSize(14);
    ImageDataset decoded = Datasets.open(images, options);
    assertTrue(decoded.train().isInArrays());
    for (boolean compressed : new boolean[] {false, true}) {
      assertSame(decoded, Datasets.pack(images.toString(), options, file, compressed));
    }
    // A compressed pack of a compressed pack would be a second way; pixels of one are taken.
    Path again = folder.resolve("again.pack");
    assertSame(decoded, Datasets.pack(file.toString(), options, again, false));
    assertEquals(
        Optional.of(decoded.classNames()), Datasets.classNames(folder, file.toString(), options));
    Datasets.requireThere(file.toString());
    assertError(
        () -> Datasets.pack("builtin:100", options, file, true), "no PNG or JPEG", "compressed");
  }

  @Test
  void theSplitOfAFolderComesAlongAndDamagedFilesAreLeftOut() throws IOException {
    Path images = pictures();
    Files.write(images.resolve("a/0.png"), new byte[] {1, 2, 3});
    Path file = folder.resolve("p.pack");
    DataOptions options = DataOptions.DEFAULT.withImageSize(14);
    assertError(
        () -> Datasets.pack(images.toString(), options, file, true), "0.png", "--skip-damaged");
    assertFalse(Files.exists(file));
    DataOptions skipping = options.withSkipDamaged(true).withSplitSeed(5);
    assertSame(
        Datasets.open(images, skipping), Datasets.pack(images.toString(), skipping, file, true));
    assertEquals(1, Datasets.open(file).leftOut());
  }

  @Test
  void whatWasCutOrChangedIsRefused() throws IOException {
    Path file = folder.resolve("p.pack");
    Datasets.pack("builtin:400", DataOptions.DEFAULT, file, false);
    byte[] good = Files.readAllBytes(file);
    for (int length : new int[] {7, 4096, good.length / 2, good.length - 1}) {
      Files.write(file, Arrays.copyOf(good, length));
      assertError(() -> Datasets.open(file), file, length == 7 ? "is a file" : "cut");
    }
    for (int at : new int[] {good.length - 40, good.length - 25, good.length - 15}) {
      byte[] changed = good.clone();
      changed[at] ^= 4;
      Files.write(file, changed);
      assertError(() -> Datasets.open(file), file, "pack");
    }
    byte[] changed = good.clone();
    changed[4096 + 784 * 30 + 5] ^= 4;
    Files.write(file, changed);
    ImageDataset opened = Datasets.open(file);
    assertError(
        () -> opened.train().copyPixels(0, new byte[784], 0), file, "bytes 4096", "checksum");
  }
}
