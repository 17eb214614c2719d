package dev.sextant.nas.data;

import static dev.sextant.nas.data.TestData.assertError;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.data.DataOptions.Color;
import dev.sextant.tensor.SextantException;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
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
    assertError(() -> Datasets.open(folder), odd, "is 5 x 3", "are 4 x 3", "image size");
    ImageDataset data = Datasets.open(folder, DataOptions.DEFAULT.withImageSize(2));
    assertEquals(List.of(2, 2), List.of(data.height(), data.width()));
    assertArrayEquals(new byte[] {0x40, 0x50, 0x60}, Arrays.copyOf(contents(data.train()), 3));
  }

  @Test
  void resizingKeepsTheCentreAndAverages() {
    // Columns 0, 0, 100, 200, 0, 0: the centre of 6 x 2 at half the size is one pixel.
    byte[] row = {0, 0, 100, (byte) 200, 0, 0, 0, 0, 100, (byte) 200, 0, 0};
    byte[] out = new byte[4];
    Resampler.resizeAndCrop(new ImageFile.Decoded(2, 6, 1, row), 2, out, 0);
    assertArrayEquals(new byte[] {100, (byte) 200, 100, (byte) 200}, out);
    // Halved: triangle weights 1/8, 3/8, 3/8, 1/8 where the image goes on to both sides.
    byte[] ramp = new byte[16 * 16];
    for (int i = 0; i < ramp.length; i++) {
      ramp[i] = (byte) (i % 16 * 10);
    }
    byte[] half = new byte[64];
    Resampler.resizeAndCrop(new ImageFile.Decoded(16, 16, 1, ramp), 8, half, 0);
    assertEquals(25, half[8 + 1]);
    assertEquals(45, half[8 + 2]);
    // Enlarged: between pixel centres.
    byte[] large = new byte[16];
    Resampler.resizeAndCrop(
        new ImageFile.Decoded(2, 2, 1, new byte[] {0, 100, 0, 100}), 4, large, 0);
    assertArrayEquals(new byte[] {0, 25, 75, 100}, Arrays.copyOf(large, 4));
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

  /** A PNG carries checksums, so any damage shows; a JPEG may also decode to other pixels. */
  @Test
  void everyCutOrFlippedByteEndsCleanly() throws IOException {
    for (String name : List.of("z.png", "z.jpg")) {
      Path file = image(name, 4, 3, 0x314159);
      byte[] good = Files.readAllBytes(file);
      int refused = 0;
      for (int i = 0; i < 2 * good.length; i++) {
        byte[] bad = i < good.length ? good.clone() : Arrays.copyOf(good, i - good.length);
        if (i < good.length) {
          bad[i] ^= (byte) 0xFF;
        }
        Files.write(file, bad);
        try {
          ImageFile.decode(file, Color.RGB);
        } catch (SextantException e) {
          assertTrue(e.getMessage().startsWith(file.toString()), e.getMessage());
          refused++;
        }
      }
      assertTrue(name.endsWith("png") ? refused == 2 * good.length : refused > good.length);
    }
  }

  @Test
  void decompressionBomb() throws IOException {
    writeSplitFolder();
    ByteBuffer png = ByteBuffer.allocate(33);
    png.putLong(0x89504E470D0A1A0AL).putInt(13).putInt(0x49484452);
    png.putInt(60_000).putInt(60_000).put(new byte[] {8, 2, 0, 0, 0});
    CRC32 crc = new CRC32();
    crc.update(png.array(), 12, 17);
    png.putInt((int) crc.getValue());
    Path bomb = Files.write(folder.resolve("train/dog/bomb.png"), png.array());
    assertError(() -> Datasets.open(folder), bomb, "60000 x 60000", "50 million");
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
