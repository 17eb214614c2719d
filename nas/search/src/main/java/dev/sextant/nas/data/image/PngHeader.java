package dev.sextant.nas.data.image;

import java.io.DataInputStream;
import java.io.IOException;

/**
 * The chunks of a PNG file that say what its pixels are: IHDR, PLTE and eXIf (PNG specification,
 * third edition, section 11).
 */
final class PngHeader {
  static final int MAGIC = 0x89504E47;
  private static final int MAGIC_END = 0x0D0A1A0A;
  private static final int IHDR = 0x49484452;
  private static final int PLTE = 0x504C5445;
  private static final int EXIF = 0x65584966;
  private static final int IEND = 0x49454E44;
  private static final int LARGEST_PALETTE = 3 * 256;
  private static final int LARGEST_EXIF = 1 << 16;

  private PngHeader() {}

  /** Reads on from behind {@link #MAGIC}. */
  static ImageHeader read(DataInputStream in) throws IOException {
    if (in.readInt() != MAGIC_END || in.readInt() != 13 || in.readInt() != IHDR) {
      throw ImageException.damaged("it does not begin as a PNG does");
    }
    int width = in.readInt();
    int height = in.readInt();
    int bits = in.readUnsignedByte();
    int type = in.readUnsignedByte();
    in.skipNBytes(3 + 4);
    Coding coding =
        switch (type) {
          case 0, 4 -> Coding.GRAY;
          case 2, 6 -> Coding.RGB;
          case 3 -> Coding.PALETTE;
          default -> throw ImageException.damaged("its colour type is " + type);
        };
    boolean gray = coding == Coding.GRAY;
    Orientation orientation = Orientation.UPRIGHT;
    while (true) {
      int length = in.readInt();
      int chunk = in.readInt();
      if (length < 0) {
        throw ImageException.damaged("it is cut");
      }
      if (chunk == IEND) {
        return new ImageHeader(
            ImageHeader.Kind.PNG, height, width, coding, bits, gray, 0, orientation);
      }
      if (chunk == PLTE && coding == Coding.PALETTE && length <= LARGEST_PALETTE) {
        gray = isGray(in.readNBytes(length));
        length = 0;
      } else if (chunk == EXIF && length <= LARGEST_EXIF) {
        orientation = Orientation.ofTiff(in.readNBytes(length), 0);
        length = 0;
      }
      in.skipNBytes(length + 4L);
    }
  }

  private static boolean isGray(byte[] palette) {
    for (int i = 0; i + 2 < palette.length; i += 3) {
      if (palette[i] != palette[i + 1] || palette[i] != palette[i + 2]) {
        return false;
      }
    }
    return true;
  }
}
