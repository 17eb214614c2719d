package dev.sextant.nas.data.image;

import java.io.DataInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * The segments of a JPEG file before its first scan (ITU T.81, annex B), and what they say of its
 * colours, decided as libjpeg does: JFIF means YCbCr; else Adobe's marker counts; else the
 * components' names.
 */
final class JpegHeader {
  /** Start of image, and the first byte of the next marker. */
  static final int MAGIC = 0xFFD8FF;

  private static final int SOF0 = 0xC0;
  private static final int SOF2 = 0xC2;
  private static final int SOF15 = 0xCF;
  private static final int DHT = 0xC4;
  private static final int JPG = 0xC8;
  private static final int DAC = 0xCC;
  private static final int RST0 = 0xD0;
  private static final int RST7 = 0xD7;
  private static final int EOI = 0xD9;
  private static final int SOS = 0xDA;
  private static final int APP0 = 0xE0;
  private static final int APP1 = 0xE1;
  private static final int APP14 = 0xEE;
  private static final int TEM = 0x01;

  /**
   * Each scan of a progressive file passes over the whole image, and may be a few bytes: encoders
   * write about ten.
   */
  private static final int MOST_SCANS = 100;

  private static final int NO_ADOBE = -1;

  private boolean jfif;
  private int adobe = NO_ADOBE;
  private Orientation orientation = Orientation.UPRIGHT;
  private int height;
  private int width;
  private byte[] names = {};
  private int halvedRows;

  private JpegHeader() {}

  /** Reads on from behind {@link #MAGIC} and the marker that follows it. */
  static ImageHeader read(DataInputStream in, int first) throws IOException {
    return new JpegHeader().segments(in, first);
  }

  private ImageHeader segments(DataInputStream in, int first) throws IOException {
    int marker = first;
    while (marker != SOS) {
      if (marker == EOI) {
        throw ImageException.damaged("it has no pixels");
      }
      if (marker != TEM && !(marker >= RST0 && marker <= RST7)) {
        int length = in.readUnsignedShort() - 2;
        if (length < 0) {
          throw ImageException.damaged("a segment of length " + length);
        }
        segment(marker, in, length);
      }
      marker = next(in);
    }
    if (names.length == 0) {
      throw ImageException.damaged("it has no frame before its first scan");
    }
    Coding coding = coding();
    return new ImageHeader(
        ImageHeader.Kind.JPEG,
        height,
        width,
        coding,
        8,
        coding == Coding.GRAY,
        halvedRows,
        orientation);
  }

  /** Garbage before a marker is passed over, and any number of FF fill it up. */
  private static int next(DataInputStream in) throws IOException {
    int marker = 0;
    while (marker == 0) {
      while (in.readUnsignedByte() != 0xFF) {}
      do {
        marker = in.readUnsignedByte();
      } while (marker == 0xFF);
    }
    return marker;
  }

  private void segment(int marker, DataInputStream in, int length) throws IOException {
    boolean frame =
        marker >= SOF0 && marker <= SOF15 && marker != DHT && marker != JPG && marker != DAC;
    if (!frame && marker != APP0 && marker != APP1 && marker != APP14) {
      in.skipNBytes(length);
      return;
    }
    byte[] body = new byte[length];
    in.readFully(body);
    if (frame) {
      frame(marker, body);
    } else if (marker == APP0) {
      jfif |= length >= 14 && begins(body, "JFIF\0");
    } else if (marker == APP14) {
      adobe = length >= 12 && begins(body, "Adobe") ? body[11] & 0xFF : adobe;
    } else if (begins(body, "Exif\0\0")) {
      orientation = Orientation.ofTiff(body, 6);
    }
  }

  private void frame(int marker, byte[] body) {
    if (marker > SOF2) {
      throw new ImageException(
          String.format(
              Locale.ROOT,
              "is a JPEG of a rare kind (%s), which is not read: save it as an ordinary one",
              switch (marker) {
                case 0xC3, 0xC7, 0xCB, 0xCF -> "lossless";
                case 0xC5, 0xC6, 0xCD, 0xCE -> "hierarchical";
                default -> "arithmetic coding";
              }));
    }
    if (body.length < 6 || body.length < 6 + 3 * body[5]) {
      throw ImageException.damaged("its frame header is cut");
    }
    if (names.length > 0) {
      throw ImageException.damaged("it has two frames");
    }
    if (body[0] != 8) {
      throw new ImageException(
          String.format(
              Locale.ROOT,
              "is a JPEG of %d bits a sample, which is not read: save it with 8",
              body[0]));
    }
    height = (body[1] & 0xFF) << 8 | body[2] & 0xFF;
    width = (body[3] & 0xFF) << 8 | body[4] & 0xFF;
    if (body[5] != 1 && body[5] != 3 && body[5] != 4) {
      throw ImageException.damaged(
          String.format(Locale.ROOT, "it has %d components", body[5] & 0xFF));
    }
    names = new byte[body[5]];
    int columns = 0;
    int rows = 0;
    for (int c = 0; c < names.length; c++) {
      names[c] = body[6 + 3 * c];
      columns = Math.max(columns, body[7 + 3 * c] >> 4);
      rows = Math.max(rows, body[7 + 3 * c] & 0xF);
    }
    for (int c = 0; c < names.length; c++) {
      boolean halved = body[7 + 3 * c] >> 4 == columns && 2 * (body[7 + 3 * c] & 0xF) == rows;
      halvedRows |= halved ? 1 << c : 0;
    }
  }

  /** As {@code default_decompress_parms} of libjpeg's jdapimin.c. */
  private Coding coding() {
    return switch (names.length) {
      case 1 -> Coding.GRAY;
      case 3 -> {
        boolean rgb =
            !jfif
                && (adobe == NO_ADOBE
                    ? names[0] == 'R' && names[1] == 'G' && names[2] == 'B'
                    : adobe == 0);
        yield rgb ? Coding.RGB : Coding.YCBCR;
      }
      default -> adobe == NO_ADOBE || adobe == 0 ? Coding.CMYK : Coding.YCCK;
    };
  }

  private static boolean begins(byte[] body, String text) {
    byte[] start = text.getBytes(StandardCharsets.US_ASCII);
    return body.length >= start.length
        && java.util.Arrays.equals(body, 0, start.length, start, 0, start.length);
  }

  /**
   * Refuses a file of more scans than any encoder writes, or that has no end: Java's reader would
   * warn of each byte that a segment lacks.
   */
  static void check(byte[] file) {
    int scans = 0;
    int at = 2;
    while (at + 1 < file.length) {
      int marker = file[at + 1] & 0xFF;
      // Within a scan an FF is followed by 0 or a restart; elsewhere FF fills up.
      if (file[at] != (byte) 0xFF || marker == 0 || marker == 0xFF) {
        at++;
      } else if (marker == EOI) {
        return;
      } else if (marker == TEM || marker >= RST0 && marker <= RST7) {
        at += 2;
      } else if (at + 3 >= file.length) {
        break;
      } else {
        if (marker == SOS && ++scans > MOST_SCANS) {
          throw ImageException.damaged(
              String.format(Locale.ROOT, "it has more than %d scans", MOST_SCANS));
        }
        at += 2 + ((file[at + 2] & 0xFF) << 8 | file[at + 3] & 0xFF);
      }
    }
    throw ImageException.damaged("it is cut");
  }
}
