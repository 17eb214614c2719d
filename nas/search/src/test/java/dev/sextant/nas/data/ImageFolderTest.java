package dev.sextant.nas.data;

import static dev.sextant.nas.data.TestData.assertError;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.data.DataOptions.Color;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class ImageFolderTest {
  @TempDir Path folder;

  private Path image(String path, int width, int height, int rgb) throws IOException {
    return image(path, width, height, rgb, BufferedImage.TYPE_INT_RGB);
  }

  private Path image(String path, int width, int height, int rgb, int type) throws IOException {
    Path file = folder.resolve(path);
    Files.createDirectories(file.getParent());
    BufferedImage image = new BufferedImage(width, height, type);
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        if (type == BufferedImage.TYPE_BYTE_GRAY) {
          image.getRaster().setSample(x, y, 0, rgb);
        } else {
          image.setRGB(x, y, rgb);
        }
      }
    }
    String format = path.endsWith("png") ? "png" : "jpg";
    assertTrue(ImageIO.write(image, format, file.toFile()));
    return file;
  }

  private void writeSplitFolder() throws IOException {
    image("train/cat/b.png", 4, 3, 0x102030);
    image("train/cat/a.png", 4, 3, 0x405060);
    image("train/dog/a.png", 4, 3, 0x708090);
    image("test/dog/a.png", 4, 3, 0xA0B0C0);
    Files.writeString(folder.resolve("train/README"), "notes");
    Files.writeString(folder.resolve("train/cat/list.txt"), "notes");
    Files.writeString(folder.resolve("train/cat/.DS_Store"), "junk");
  }

  @Test
  void readsTrainAndTest() throws IOException {
    writeSplitFolder();
    ImageDataset data = Datasets.open(folder);
    assertEquals(List.of("cat", "dog"), data.classNames());
    assertEquals(List.of(3, 1), List.of(data.train().count(), data.test().count()));
    assertEquals(List.of(3, 4, 3), List.of(data.height(), data.width(), data.channels()));
    byte[] pixels = new byte[36];
    data.train().copyPixels(0, pixels, 0);
    assertArrayEquals(new byte[] {0x40, 0x50, 0x60}, Arrays.copyOf(pixels, 3));
    assertEquals(1, data.test().label(0));
  }

  @Test
  void splitsAFolderWithoutTestPart() throws IOException {
    for (int i = 0; i < 20; i++) {
      image("cat/%02d.png".formatted(i), 2, 2, i);
      image("dog/%02d.png".formatted(i), 2, 2, i << 8);
    }
    ImageDataset data = Datasets.open(folder);
    assertEquals(List.of(36, 4), List.of(data.train().count(), data.test().count()));
    int dogs = 0;
    for (int i = 0; i < 4; i++) {
      dogs += data.test().label(i);
    }
    assertEquals(2, dogs);
    assertArrayEquals(contents(data.test()), contents(Datasets.open(folder).test()));
    boolean differs = false;
    for (int seed = 1; seed < 5; seed++) {
      Images other = Datasets.open(folder, DataOptions.DEFAULT.withSplitSeed(seed)).test();
      differs |= !Arrays.equals(contents(data.test()), contents(other));
    }
    assertTrue(differs);
  }

  private static byte[] contents(Images images) {
    byte[] all = new byte[images.count() * images.imageBytes()];
    for (int i = 0; i < images.count(); i++) {
      images.copyPixels(i, all, i * images.imageBytes());
    }
    return all;
  }

  @Test
  void grayStaysAsItIsAndColorBecomesLuma() throws IOException {
    image("train/a/1.png", 3, 3, 100, BufferedImage.TYPE_BYTE_GRAY);
    image("train/b/1.jpg", 3, 3, 100, BufferedImage.TYPE_BYTE_GRAY);
    image("val/a/1.png", 3, 3, 200, BufferedImage.TYPE_BYTE_GRAY);
    ImageDataset gray = Datasets.open(folder);
    assertEquals(1, gray.channels());
    assertEquals(100, contents(gray.train())[0]);
    assertEquals(100, contents(gray.train())[9], 1);
    assertEquals((byte) 200, contents(gray.test())[0]);
    ImageDataset rgb = Datasets.open(folder, DataOptions.DEFAULT.withColor(Color.RGB));
    assertEquals(3, rgb.channels());
    assertArrayEquals(new byte[] {100, 100, 100}, Arrays.copyOf(contents(rgb.train()), 3));
    image("val/b/1.png", 3, 3, 0xFF0000);
    assertEquals(3, Datasets.open(folder).channels());
    ImageDataset luma = Datasets.open(folder, DataOptions.DEFAULT.withColor(Color.GRAY));
    assertEquals(76, contents(luma.test())[9]);
  }

  @Test
  void sizesThatDiffer() throws IOException {
    writeSplitFolder();
    Path odd = image("train/dog/b.png", 5, 3, 0);
    assertError(() -> Datasets.open(folder), odd, "is 5 x 3", "are 4 x 3", "--image-size");
    ImageDataset data = Datasets.open(folder, DataOptions.DEFAULT.withImageSize(2));
    assertEquals(List.of(2, 2), List.of(data.height(), data.width()));
    assertArrayEquals(new byte[] {0x40, 0x50, 0x60}, Arrays.copyOf(contents(data.train()), 3));
  }

  @Test
  void damagedImages() throws IOException {
    writeSplitFolder();
    Path png = image("train/dog/c.png", 4, 3, 0x123456);
    byte[] good = Files.readAllBytes(png);
    Files.write(png, Arrays.copyOf(good, good.length - 20));
    assertError(() -> Datasets.open(folder), png, "damaged");
    Files.write(png, Arrays.copyOf(good, 20));
    assertError(() -> Datasets.open(folder), png, "damaged");
    Files.write(png, new byte[0]);
    assertError(() -> Datasets.open(folder), png, "empty");
    Files.delete(png);
    Path jpeg = image("train/dog/c.jpg", 4, 3, 0x123456);
    good = Files.readAllBytes(jpeg);
    Files.write(jpeg, Arrays.copyOf(good, good.length - 30));
    assertError(() -> Datasets.open(folder), jpeg, "damaged");
  }

  @Test
  void filesThatAreNoImages() throws IOException {
    writeSplitFolder();
    Path path = Files.write(folder.resolve("train/dog/x.gif"), "GIF89a".getBytes());
    assertError(() -> Datasets.open(folder), path, "not a PNG or JPEG image");
    Files.delete(path);
    path = Files.write(folder.resolve("train/stray.png"), new byte[8]);
    assertError(() -> Datasets.open(folder), path, "outside the class folders");
    Files.delete(path);
    path = Files.createDirectory(folder.resolve("train/dog/puppies"));
    assertError(() -> Datasets.open(folder), path, "folder within a class folder");
  }

  @Test
  void emptyAndMissingFolders() throws IOException {
    writeSplitFolder();
    Path empty = Files.createDirectory(folder.resolve("train/eel"));
    assertError(() -> Datasets.open(folder), empty, "class folder without images");
    Files.delete(empty);
    Path unknown = folder.resolve("test/fox");
    image("test/fox/1.png", 4, 3, 0);
    assertError(() -> Datasets.open(folder), unknown, "class without training images");
    Files.move(folder.resolve("test"), folder.resolve("spare"));
    assertError(() -> Datasets.open(folder), folder, "no test or val folder");
  }

  @Test
  @DisabledOnOs(value = OS.WINDOWS, disabledReason = "files have other permissions there")
  void unreadableFolder() throws IOException {
    writeSplitFolder();
    Path dog = folder.resolve("train/dog");
    Files.setPosixFilePermissions(dog, PosixFilePermissions.fromString("---------"));
    try {
      if (Files.isReadable(dog)) {
        System.out.println("skipped: this user may read everything");
        Assumptions.abort("this user may read everything");
      }
      assertError(() -> Datasets.open(folder), dog, "permission denied");
    } finally {
      Files.setPosixFilePermissions(dog, PosixFilePermissions.fromString("rwx------"));
    }
  }
}
