package dev.sextant.nas.data.image;

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

  /** ITU-R 601 in 16-bit fixed point, as Pillow rounds it. */
  static int luma(int red, int green, int blue) {
    return 19595 * red + 38470 * green + 7471 * blue + HALF >> 16;
  }
}
