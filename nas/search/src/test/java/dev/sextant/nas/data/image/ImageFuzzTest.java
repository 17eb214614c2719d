package dev.sextant.nas.data.image;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.Inflater;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Valid images changed at random, PNGs with the checksums of what they became, and pixels changed
 * before they are packed. {@code -Dsextant.fuzz.cases=N} tries more; a failure names its case.
 */
@Tag("long")
class ImageFuzzTest {
  private static final int CASES = Integer.getInteger("sextant.fuzz.cases", 4000);
  private static final long SECONDS = 2;

  @TempDir Path folder;

  @Test
  void whateverAFileHoldsEndsInPixelsOrOneSentence() throws IOException {
    List<String> names = ImageFileTest.images().stream().map(line -> line.split(" ")[0]).toList();
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    Path file = folder.resolve("x");
    for (int i = 0; i < CASES; i++) {
      Random random = new Random(i);
      String name = names.get(random.nextInt(names.size()));
      byte[] good;
      try (InputStream in = ImageFuzzTest.class.getResourceAsStream(name)) {
        assertTrue(in != null, name);
        good = in.readAllBytes();
      }
      byte[] bad = name.endsWith("png") ? changedPng(good, random) : changed(good, random);
      Files.write(file, bad);
      long pixels = pixels(bad);
      long time = threads.getCurrentThreadCpuTime();
      long before = threads.getCurrentThreadAllocatedBytes();
      try {
        ImageFile.decode(file, random.nextBoolean(), 16);
      } catch (ImageException e) {
        // One sentence.
      } catch (RuntimeException | Error e) {
        throw new AssertionError("case %d of %s".formatted(i, name), e);
      }
      long allocated = threads.getCurrentThreadAllocatedBytes() - before;
      time = threads.getCurrentThreadCpuTime() - time;
      String what = "case %d of %s: %d bytes, %d ns".formatted(i, name, allocated, time);
      assertTrue(time < SECONDS * 1_000_000_000L, what);
      assertTrue(allocated < 16 * pixels + 8L * bad.length + (1 << 20), what);
    }
  }

  private static long pixels(byte[] bytes) throws IOException {
    try {
      ImageHeader header = ImageHeader.read(new ByteArrayInputStream(bytes), bytes.length);
      return (long) header.height() * header.width();
    } catch (ImageException e) {
      return 0;
    }
  }

  private static byte[] changed(byte[] good, Random random) {
    byte[] bytes = good.clone();
    for (int n = 1 + random.nextInt(4); n > 0 && bytes.length > 0; n--) {
      int at = random.nextInt(bytes.length);
      int other = random.nextInt(bytes.length);
      switch (random.nextInt(6)) {
        case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
        case 1 -> bytes[at] = (byte) random.nextInt(256);
        case 2 -> bytes[at] = random.nextBoolean() ? (byte) 0xFF : 0;
        case 3 -> bytes = Arrays.copyOf(bytes, at);
        case 4 -> {
          byte[] more = new byte[bytes.length + Math.abs(other - at)];
          System.arraycopy(bytes, 0, more, 0, at);
          System.arraycopy(bytes, Math.min(at, other), more, at, Math.abs(other - at));
          System.arraycopy(bytes, at, more, at + Math.abs(other - at), bytes.length - at);
          bytes = more;
        }
        default -> {
          int from = Math.min(at, other);
          int to = Math.max(at, other);
          byte[] fewer = Arrays.copyOf(bytes, bytes.length - (to - from));
          System.arraycopy(bytes, to, fewer, from, bytes.length - to);
          bytes = fewer;
        }
      }
    }
    return bytes;
  }

  /** One chunk changed, dropped or put twice; the checksums fit. */
  private static byte[] changedPng(byte[] good, Random random) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(good, 0, 8);
    int chunks = 0;
    for (int at = 8; at < good.length; at += 12 + ByteBuffer.wrap(good).getInt(at)) {
      chunks++;
    }
    int chosen = random.nextInt(chunks);
    int number = 0;
    int length;
    for (int at = 8; at < good.length; at += 12 + length) {
      length = ByteBuffer.wrap(good).getInt(at);
      String kind = new String(good, at + 4, 4, StandardCharsets.US_ASCII);
      byte[] body = Arrays.copyOfRange(good, at + 8, at + 8 + length);
      if (number++ == chosen) {
        int way = random.nextInt(8);
        if (way == 0) {
          continue;
        }
        if (way == 1) {
          chunk(out, kind, body);
        } else if (kind.equals("IDAT") && way < 6) {
          body = packed(changed(unpacked(body), random));
        } else {
          body = changed(body, random);
        }
      }
      chunk(out, kind, body);
    }
    return out.toByteArray();
  }

  private static byte[] unpacked(byte[] body) {
    Inflater inflater = new Inflater();
    try {
      inflater.setInput(body);
      byte[] raw = new byte[1 << 16];
      return Arrays.copyOf(raw, inflater.inflate(raw));
    } catch (DataFormatException e) {
      throw new AssertionError(e);
    } finally {
      inflater.end();
    }
  }

  private static byte[] packed(byte[] raw) throws IOException {
    ByteArrayOutputStream zip = new ByteArrayOutputStream();
    try (DeflaterOutputStream deflate = new DeflaterOutputStream(zip)) {
      deflate.write(raw);
    }
    return zip.toByteArray();
  }

  private static void chunk(ByteArrayOutputStream out, String kind, byte[] body) {
    byte[] named = new byte[4 + body.length];
    System.arraycopy(kind.getBytes(StandardCharsets.US_ASCII), 0, named, 0, 4);
    System.arraycopy(body, 0, named, 4, body.length);
    CRC32 crc = new CRC32();
    crc.update(named);
    out.writeBytes(ByteBuffer.allocate(4).putInt(body.length).array());
    out.writeBytes(named);
    out.writeBytes(ByteBuffer.allocate(4).putInt((int) crc.getValue()).array());
  }
}
