package dev.sextant.nas.data.image;

import dev.sextant.runtime.image.Pixels;
import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Stored samples to gray or RGB, after the arithmetic of libjpeg (jdcolor.c) and Pillow (Convert.c)
 * to the bit. Rasters are taken as they are: Java's own conversions apply profiles, and take gray
 * to be linear light.
 */
final class ColorConversion {
  private static final int HALF = 1 << 15;

  private final ImageHeader header;
  private final boolean gray;
  private final byte[] values;
  private int at;

  private ColorConversion(ImageHeader header, boolean gray) {
    this.header = header;
    this.gray = gray;
    values = new byte[header.storedHeight() * header.storedWidth() * (gray ? 1 : 3)];
  }

  /**
   * Converts a whole image, not turned yet.
   *
   * @param image what the raster is of, where the reader gave a palette with it
   * @param grayBits bits in use of gray samples of 16 bits
   */
  static Pixels of(
      ImageHeader header,
      Raster raster,
      @Nullable BufferedImage image,
      boolean gray,
      int grayBits) {
    ColorConversion conversion = new ColorConversion(header, gray);
    int width = header.storedWidth();
    int bands = raster.getNumBands();
    int[] palette = palette(image);
    if (palette == null && bands < conversion.bands()) {
      throw ImageException.damaged(String.format(Locale.ROOT, "it has %d samples a pixel", bands));
    }
    int shift = header.bits() <= 8 ? 0 : (header.isDeepGray() ? grayBits : header.bits()) - 8;
    int[] row = new int[width * bands];
    for (int y = 0; y < header.storedHeight(); y++) {
      raster.getPixels(0, y, width, 1, row);
      for (int c = 0; header.halvedRows() >> c != 0; c++) {
        if ((header.halvedRows() >> c & 1) != 0) {
          interpolate(raster, y, c, row);
        }
      }
      if (palette != null) {
        conversion.indexed(row, palette);
      } else {
        conversion.row(row, bands, shift);
      }
    }
    return new Pixels(header.storedHeight(), width, gray ? 1 : 3, conversion.values);
  }

  /**
   * Samples stored for every second row, of which the reader repeats each: three parts of their own
   * and one of the nearer neighbour, as libjpeg-turbo's h1v2_fancy_upsample. Java's libjpeg does
   * the like across columns alone.
   */
  private static void interpolate(Raster raster, int y, int band, int[] row) {
    int stored = y / 2;
    int last = (raster.getHeight() - 1) / 2;
    int near = Math.clamp(y % 2 == 0 ? stored - 1 : stored + 1, 0, last);
    int bias = y % 2 == 0 ? 1 : 2;
    int width = raster.getWidth();
    int[] own = raster.getSamples(0, 2 * stored, width, 1, band, (int[]) null);
    int[] other = raster.getSamples(0, 2 * near, width, 1, band, (int[]) null);
    for (int x = 0; x < width; x++) {
      row[x * raster.getNumBands() + band] = 3 * own[x] + other[x] + bias >> 2;
    }
  }

  /** Colours 0xRRGGBB by index; also where the reader gives gray of 1, 2 or 4 bits that way. */
  private static int @Nullable [] palette(@Nullable BufferedImage image) {
    if (image == null || !(image.getColorModel() instanceof IndexColorModel model)) {
      return null;
    }
    int[] colors = new int[model.getMapSize()];
    model.getRGBs(colors);
    return colors;
  }

  private int bands() {
    return switch (header.coding()) {
      case GRAY, PALETTE -> 1;
      case RGB, YCBCR -> 3;
      case CMYK, YCCK -> 4;
    };
  }

  private void indexed(int[] row, int[] palette) {
    for (int index : row) {
      int rgb = index < palette.length ? palette[index] : 0;
      put(rgb >> 16 & 0xFF, rgb >> 8 & 0xFF, rgb & 0xFF);
    }
  }

  private void row(int[] row, int bands, int shift) {
    for (int i = 0; i < row.length; i += bands) {
      switch (header.coding()) {
        case GRAY, PALETTE -> {
          int level = Math.min(255, row[i] >> shift);
          put(level, level, level);
        }
        case RGB -> put(row[i] >> shift, row[i + 1] >> shift, row[i + 2] >> shift);
        case YCBCR -> {
          int y = row[i];
          int cb = row[i + 1] - 128;
          int cr = row[i + 2] - 128;
          put(red(y, cr), green(y, cb, cr), blue(y, cb));
        }
        case CMYK -> ink(row[i], row[i + 1], row[i + 2], row[i + 3]);
        case YCCK -> {
          int y = row[i];
          int cb = row[i + 1] - 128;
          int cr = row[i + 2] - 128;
          ink(255 - red(y, cr), 255 - green(y, cb, cr), 255 - blue(y, cb), row[i + 3]);
        }
      }
    }
  }

  // JFIF's 1.402, 0.34414, 0.71414 and 1.772 times 2^16.

  private static int red(int y, int cr) {
    return Math.clamp(y + (91881 * cr + HALF >> 16), 0, 255);
  }

  private static int green(int y, int cb, int cr) {
    return Math.clamp(y + (-22554 * cb - 46802 * cr + HALF >> 16), 0, 255);
  }

  private static int blue(int y, int cb) {
    return Math.clamp(y + (116130 * cb + HALF >> 16), 0, 255);
  }

  /** Inks, stored as what is left of white. */
  private void ink(int c, int m, int y, int k) {
    put(k - product(255 - c, k), k - product(255 - m, k), k - product(255 - y, k));
  }

  /** a b / 255, rounded as Pillow does. */
  private static int product(int a, int b) {
    int product = a * b + 128;
    return (product >> 8) + product >> 8;
  }

  private void put(int r, int g, int b) {
    if (!gray) {
      values[at++] = (byte) r;
      values[at++] = (byte) g;
      values[at++] = (byte) b;
    } else {
      values[at++] = (byte) Pixels.luma(r, g, b);
    }
  }
}
