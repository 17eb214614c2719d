package dev.sextant.nas.data.image;

import dev.sextant.runtime.image.Pixels;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * How a camera was held: EXIF's orientation (tag 0x0112 of the first directory; Exif 2.32, 4.6.4),
 * which tells where the stored first row and first column are to be seen. Its numbers are those of
 * the constants, from 1.
 */
enum Orientation {
  UPRIGHT,
  MIRRORED,
  HALF_TURN,
  FLIPPED,
  TRANSPOSED,
  QUARTER_TURN,
  TRANSVERSED,
  THREE_QUARTER_TURN;

  private static final int TAG = 0x0112;
  private static final int SHORT = 3;

  /** Whether rows become columns. */
  boolean swaps() {
    return ordinal() >= TRANSPOSED.ordinal();
  }

  /**
   * The orientation in the TIFF structure of an EXIF block; upright where it holds none, or none
   * that makes sense: viewers show such an image as it is.
   */
  static Orientation ofTiff(byte[] bytes, int from) {
    if (bytes.length - from < 8) {
      return UPRIGHT;
    }
    ByteBuffer tiff = ByteBuffer.wrap(bytes, from, bytes.length - from).slice();
    switch (tiff.getShort(0)) {
      case 0x4949 -> tiff.order(ByteOrder.LITTLE_ENDIAN);
      case 0x4D4D -> tiff.order(ByteOrder.BIG_ENDIAN);
      default -> {
        return UPRIGHT;
      }
    }
    long directory = Integer.toUnsignedLong(tiff.getInt(4));
    if (tiff.getShort(2) != 42 || directory > tiff.capacity() - 2) {
      return UPRIGHT;
    }
    int entries = Short.toUnsignedInt(tiff.getShort((int) directory));
    for (int i = 0; i < entries; i++) {
      int at = (int) directory + 2 + 12 * i;
      if (at > tiff.capacity() - 12) {
        return UPRIGHT;
      }
      if (Short.toUnsignedInt(tiff.getShort(at)) == TAG && tiff.getShort(at + 2) == SHORT) {
        int value = tiff.getShort(at + 8);
        return value >= 1 && value <= values().length ? values()[value - 1] : UPRIGHT;
      }
    }
    return UPRIGHT;
  }

  /** Pixels {@code [H, W, C]} as stored, to those to be seen; itself where it is upright. */
  Pixels apply(Pixels stored) {
    if (this == UPRIGHT) {
      return stored;
    }
    int height = stored.height();
    int width = stored.width();
    int channels = stored.channels();
    int seenHeight = swaps() ? width : height;
    int seenWidth = swaps() ? height : width;
    byte[] from = stored.values();
    byte[] to = new byte[from.length];
    for (int y = 0; y < seenHeight; y++) {
      for (int x = 0; x < seenWidth; x++) {
        int row =
            switch (this) {
              case UPRIGHT, MIRRORED -> y;
              case HALF_TURN, FLIPPED -> height - 1 - y;
              case TRANSPOSED, THREE_QUARTER_TURN -> x;
              case QUARTER_TURN, TRANSVERSED -> height - 1 - x;
            };
        int column =
            switch (this) {
              case UPRIGHT, FLIPPED -> x;
              case MIRRORED, HALF_TURN -> width - 1 - x;
              case TRANSPOSED, QUARTER_TURN -> y;
              case TRANSVERSED, THREE_QUARTER_TURN -> width - 1 - y;
            };
        int source = (row * width + column) * channels;
        int target = (y * seenWidth + x) * channels;
        for (int c = 0; c < channels; c++) {
          to[target + c] = from[source + c];
        }
      }
    }
    return new Pixels(seenHeight, seenWidth, channels, to);
  }
}
