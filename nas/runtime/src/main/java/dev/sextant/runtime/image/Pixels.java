package dev.sextant.runtime.image;

import dev.sextant.tensor.SextantException;
import java.util.Locale;

/**
 * A decoded image.
 *
 * @param height rows H
 * @param width columns W
 * @param channels C: 1 is gray, 3 is red, green, blue
 * @param values {@code [H, W, C]}, unsigned; not copied
 */
public record Pixels(int height, int width, int channels, byte[] values) {
  private static final int HALF = 1 << 15;

  /** Checks that there are as many bytes as the extents say. */
  public Pixels {
    if (height < 1
        || width < 1
        || channels < 1
        || (long) height * width * channels != values.length) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "pixels: %d bytes for an image of %d x %d pixels and %d channels",
              values.length,
              height,
              width,
              channels));
    }
  }

  /**
   * {@return an image whose channels lie in planes}
   *
   * @param height rows H
   * @param width columns W
   * @param channels C
   * @param planes {@code [C, H, W]}, unsigned
   * @throws SextantException if the planes have another number of bytes
   */
  public static Pixels ofPlanes(int height, int width, int channels, byte[] planes) {
    Pixels pixels = new Pixels(height, width, channels, new byte[planes.length]);
    int plane = height * width;
    for (int c = 0; c < channels; c++) {
      for (int i = 0; i < plane; i++) {
        pixels.values[i * channels + c] = planes[c * plane + i];
      }
    }
    return pixels;
  }

  /**
   * {@return the same with 1 channel, the luma, or 3, the gray repeated; itself if it has as many}
   *
   * @param wanted 1 or 3
   */
  public Pixels withChannels(int wanted) {
    if (wanted == channels) {
      return this;
    }
    byte[] changed = new byte[height * width * wanted];
    for (int i = 0; i < height * width; i++) {
      if (wanted == 1) {
        changed[i] =
            (byte) luma(values[3 * i] & 0xFF, values[3 * i + 1] & 0xFF, values[3 * i + 2] & 0xFF);
      } else {
        changed[3 * i] = values[i];
        changed[3 * i + 1] = values[i];
        changed[3 * i + 2] = values[i];
      }
    }
    return new Pixels(height, width, wanted, changed);
  }

  /**
   * {@return the luma of a colour: ITU-R 601 in 16-bit fixed point, as Pillow rounds it}
   *
   * @param red from 0 to 255
   * @param green from 0 to 255
   * @param blue from 0 to 255
   */
  public static int luma(int red, int green, int blue) {
    return 19595 * red + 38470 * green + 7471 * blue + HALF >> 16;
  }
}
