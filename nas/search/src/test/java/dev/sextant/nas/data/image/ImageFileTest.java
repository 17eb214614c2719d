package dev.sextant.nas.data.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.sextant.runtime.image.Pixels;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32;
import java.util.zip.DeflaterOutputStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Tag("long")
class ImageFileTest {
  private static final byte[] PNG = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};

  @TempDir Path folder;

  private static byte[] resource(String name) {
    try (InputStream in = ImageFileTest.class.getResourceAsStream(name)) {
      assertTrue(in != null, name);
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static List<String> images() {
    return new String(resource("pixels.txt"), StandardCharsets.UTF_8).lines().toList();
  }

  private Path write(String name, byte[] bytes) throws IOException {
    return Files.write(folder.resolve(name), bytes);
  }

  /** What Pillow gives: src/test/python/pixels.py wrote both. */
  @ParameterizedTest
  @MethodSource("images")
  void pixelsAreThoseOfPillow(String line) throws IOException {
    String[] parts = line.split(" ");
    Path path = write(parts[0], resource(parts[0]));
    byte[] expected = resource(parts[0].replace('.', '-') + ".rgb");
    Pixels rgb = ImageFile.decode(path, false, 16);
    ImageHeader header = ImageHeader.read(path);
    assertEquals(Integer.parseInt(parts[1]), rgb.height());
    assertEquals(Integer.parseInt(parts[2]), rgb.width());
    assertEquals(List.of(rgb.height(), rgb.width()), List.of(header.height(), header.width()));
    assertEquals(expected.length, rgb.values().length);
    int worst = 0;
    boolean gray = true;
    for (int i = 0; i < expected.length; i++) {
      worst = Math.max(worst, Math.abs((expected[i] & 0xFF) - (rgb.values()[i] & 0xFF)));
      gray &= expected[i] == expected[i - i % 3];
    }
    assertTrue(worst <= Integer.parseInt(parts[3]), line + ": differs by " + worst);
    assertEquals(gray && !parts[0].startsWith("cmyk"), header.gray());
    Pixels luma = ImageFile.decode(path, true, 16);
    assertEquals(rgb.withChannels(1).values()[5], luma.values()[5]);
  }

  @Test
  void deepGrayOfTwelveBits() throws IOException {
    ByteBuffer raw = ByteBuffer.allocate(64 * 129);
    for (int i = 0; i < 4096; i++) {
      if (i % 64 == 0) {
        raw.put((byte) 0);
      }
      raw.putShort((short) i);
    }
    Path path = write("deep.png", png(64, 64, 16, 0, raw.array()));
    assertTrue(ImageHeader.read(path).isDeepGray());
    assertEquals(12, ImageFile.deepGrayBits(path));
    byte[] twelve = ImageFile.decode(path, true, 12).values();
    byte[] sixteen = ImageFile.decode(path, true, 16).values();
    for (int i = 0; i < 4096; i++) {
      assertEquals(i >> 4, twelve[i] & 0xFF);
      assertEquals(i >> 8, sixteen[i] & 0xFF);
    }
    raw.putShort(1, (short) 0x2000);
    assertEquals(14, ImageFile.deepGrayBits(write("a.png", png(64, 64, 16, 0, raw.array()))));
    raw.putShort(1, (short) 0x8000);
    assertEquals(16, ImageFile.deepGrayBits(write("b.png", png(64, 64, 16, 0, raw.array()))));
  }

  private static void chunk(ByteArrayOutputStream out, String kind, byte[] body)
      throws IOException {
    byte[] named = new byte[4 + body.length];
    System.arraycopy(kind.getBytes(StandardCharsets.US_ASCII), 0, named, 0, 4);
    System.arraycopy(body, 0, named, 4, body.length);
    CRC32 crc = new CRC32();
    crc.update(named);
    out.write(ByteBuffer.allocate(4).putInt(body.length).array());
    out.write(named);
    out.write(ByteBuffer.allocate(4).putInt((int) crc.getValue()).array());
  }

  /** A PNG of these filtered rows. */
  private static byte[] png(int width, int height, int bits, int type, byte[] rows)
      throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(PNG);
    byte[] head = {(byte) bits, (byte) type, 0, 0, 0};
    chunk(out, "IHDR", ByteBuffer.allocate(13).putInt(width).putInt(height).put(head).array());
    ByteArrayOutputStream zip = new ByteArrayOutputStream();
    try (DeflaterOutputStream deflate = new DeflaterOutputStream(zip)) {
      deflate.write(rows);
    }
    chunk(out, "IDAT", zip.toByteArray());
    chunk(out, "IEND", new byte[0]);
    return out.toByteArray();
  }

  private static String refused(Path path) {
    String message =
        assertThrows(ImageException.class, () -> ImageFile.decode(path, false, 16)).getMessage();
    assertTrue(message.startsWith(path.toString()), message);
    return message;
  }

  /** A PNG carries checksums, so any damage shows; a JPEG may also decode to other pixels. */
  @Test
  void everyCutOrFlippedByteEndsCleanly() throws IOException {
    for (String name : List.of("rgb-8.png", "ycbcr-420.jpg", "cmyk.jpg", "turned-6.jpg")) {
      byte[] good = resource(name);
      int refused = 0;
      for (int i = 0; i < 2 * good.length; i++) {
        byte[] bad = i < good.length ? good.clone() : Arrays.copyOf(good, i - good.length);
        if (i < good.length) {
          bad[i] ^= (byte) 0xFF;
        }
        Path file = write("z", bad);
        try {
          ImageFile.decode(file, false, 16);
        } catch (ImageException e) {
          assertTrue(e.getMessage().startsWith(file.toString()), e.getMessage());
          refused++;
        }
      }
      assertTrue(name.endsWith("png") ? refused == 2 * good.length : refused > good.length / 2);
    }
  }

  /** As {@link ImageFile} states: 16 bytes a pixel, 8 for each of the file, and a reader. */
  @Test
  void memoryIsLinearInPixelsAndBytes() throws IOException {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    for (int type : new int[] {0, 2, 3, 6}) {
      int bits = type == 3 ? 1 : 16;
      int samples = type == 2 ? 3 : type == 6 ? 4 : 1;
      int side = 1500;
      byte[] rows = new byte[side * (1 + (side * samples * bits + 7) / 8)];
      byte[] bytes = png(side, side, bits, type, rows);
      if (type == 3) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(bytes, 0, 33);
        chunk(out, "PLTE", new byte[] {1, 2, 3, 4, 5, 6});
        out.write(bytes, 33, bytes.length - 33);
        bytes = out.toByteArray();
      }
      check(threads, write(type + ".png", bytes), side * side, bytes.length);
    }
    BufferedImage image = new BufferedImage(1500, 1500, BufferedImage.TYPE_INT_RGB);
    ByteArrayOutputStream jpeg = new ByteArrayOutputStream();
    assertTrue(ImageIO.write(image, "jpg", jpeg));
    check(threads, write("flat.jpg", jpeg.toByteArray()), 1500 * 1500, jpeg.size());
  }

  private static void check(ThreadMXBean threads, Path path, long pixels, long bytes) {
    ImageFile.decode(path, false, 16); // loads classes
    long before = threads.getCurrentThreadAllocatedBytes();
    ImageFile.decode(path, false, 16);
    long allocated = threads.getCurrentThreadAllocatedBytes() - before;
    assertTrue(
        allocated < 16 * pixels + 8 * bytes + (1 << 20),
        "%s: %d bytes for %d pixels of %d bytes".formatted(path, allocated, pixels, bytes));
  }

  @Test
  void bombsAreRefusedByTheirHeaders() throws IOException {
    Path path = write("a.png", png(60_000, 60_000, 8, 2, new byte[0]));
    assertTrue(refused(path).contains("60000 x 60000 pixels, images may have 50 million"));
    path = write("b.png", png(7_000, 7_000, 8, 2, new byte[0]));
    assertTrue(refused(path).contains("7000 x 7000 pixels in 65 bytes, no picture is so small"));
    byte[] jpeg = resource("gray.jpg");
    for (int i = 0; i < jpeg.length; i++) {
      if (jpeg[i] == (byte) 0xFF && jpeg[i + 1] == (byte) 0xC0) {
        ByteBuffer.wrap(jpeg).putShort(i + 5, (short) 7000).putShort(i + 7, (short) 7000);
        break;
      }
    }
    assertTrue(refused(write("c.jpg", jpeg)).contains("no picture is so small"));
  }

  @Test
  void scansWithoutEnd() throws IOException {
    byte[] good = resource("progressive.jpg");
    int scan = 0;
    int end = good.length - 2;
    for (int i = 0; i < good.length - 1; i++) {
      if (good[i] == (byte) 0xFF && good[i + 1] == (byte) 0xDA) {
        scan = i;
      }
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(good, 0, end);
    for (int i = 0; i < 200; i++) {
      out.write(good, scan, end - scan);
    }
    out.write(good, end, 2);
    assertTrue(refused(write("a.jpg", out.toByteArray())).contains("more than 100 scans"));
  }

  @Test
  void kindsThatAreNotRead() throws IOException {
    byte[] jpeg = resource("gray.jpg");
    int frame = 0;
    while (jpeg[frame] != (byte) 0xFF || jpeg[frame + 1] != (byte) 0xC0) {
      frame++;
    }
    jpeg[frame + 4] = 12;
    assertTrue(refused(write("a.jpg", jpeg)).contains("12 bits a sample"));
    jpeg[frame + 4] = 8;
    jpeg[frame + 1] = (byte) 0xC9;
    assertTrue(refused(write("a.jpg", jpeg)).contains("arithmetic coding"));
    jpeg[frame + 1] = (byte) 0xC3;
    assertTrue(refused(write("a.jpg", jpeg)).contains("lossless"));
    Path path = write("a.gif", "GIF89a".getBytes(StandardCharsets.US_ASCII));
    assertTrue(refused(path).contains("not a PNG or JPEG image (it begins with 0x47494638)"));
    assertTrue(refused(write("a.png", new byte[0])).contains("is empty"));
    String pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";
    path = write("a.png", pointer.getBytes(StandardCharsets.US_ASCII));
    assertTrue(refused(path).contains("is a git-lfs pointer"));
  }

  /** An orientation that is damaged is none; the image is good. */
  @Test
  void orientationsThatMakeNoSense() {
    byte[] tiff = new byte[26];
    ByteBuffer.wrap(tiff).putInt(0x4D4D002A).putInt(8).putShort((short) 1);
    ByteBuffer.wrap(tiff).putShort(10, (short) 0x0112).putShort(12, (short) 3).putInt(14, 1);
    for (int value = 0; value < 12; value++) {
      ByteBuffer.wrap(tiff).putShort(18, (short) value);
      int expected = value >= 1 && value <= 8 ? value - 1 : 0;
      assertEquals(expected, Orientation.ofTiff(tiff, 0).ordinal());
    }
    ByteBuffer.wrap(tiff).putShort(18, (short) 6);
    for (int length = 0; length < 20; length++) {
      assertEquals(Orientation.UPRIGHT, Orientation.ofTiff(Arrays.copyOf(tiff, length), 0));
    }
    for (int directory : new int[] {-1, 25, 26, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
      ByteBuffer.wrap(tiff).putInt(4, directory);
      assertEquals(Orientation.UPRIGHT, Orientation.ofTiff(tiff, 0));
    }
  }

  @Test
  void headersAreReadFromStreamsThatAreShort() {
    byte[] good = resource("turned-6-after.png");
    for (int length = 5; length < good.length - 8; length++) {
      byte[] cut = Arrays.copyOf(good, length);
      assertThrows(
          ImageException.class, () -> ImageHeader.read(new ByteArrayInputStream(cut), cut.length));
    }
  }
}
