package dev.sextant.nas.fuzz;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.Inflater;

/** PNGs with one chunk changed, dropped or put twice, whose checksums fit; other files by bytes. */
final class PngGrammar implements Grammar {
  static final Grammar IMAGE = new PngGrammar();

  @Override
  public byte[] change(byte[] good, Choices choices) {
    boolean png = good.length > 8 && good[1] == 'P' && good[2] == 'N' && good[3] == 'G';
    return png && !choices.oneIn(5) ? chunks(good, choices) : BYTES.change(good, choices);
  }

  private static byte[] chunks(byte[] good, Choices choices) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(good, 0, 8);
    int chunks = 0;
    for (int at = 8; at < good.length; at += 12 + ByteBuffer.wrap(good).getInt(at)) {
      chunks++;
    }
    int chosen = choices.below(chunks);
    int number = 0;
    int length;
    for (int at = 8; at < good.length; at += 12 + length) {
      length = ByteBuffer.wrap(good).getInt(at);
      String kind = new String(good, at + 4, 4, StandardCharsets.US_ASCII);
      byte[] body = Arrays.copyOfRange(good, at + 8, at + 8 + length);
      if (number++ == chosen) {
        int way = choices.below(8);
        if (way == 0) {
          continue;
        }
        if (way == 1) {
          chunk(out, kind, body);
        } else if (kind.equals("IDAT") && way < 6) {
          body = packed(BYTES.change(unpacked(body), choices));
        } else {
          body = HEADED.change(body, choices);
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

  private static byte[] packed(byte[] raw) {
    ByteArrayOutputStream zip = new ByteArrayOutputStream();
    try (DeflaterOutputStream deflate = new DeflaterOutputStream(zip)) {
      deflate.write(raw);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
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
