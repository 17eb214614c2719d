package dev.sextant.nas.data.pack;

import dev.sextant.nas.data.image.ImageException;
import dev.sextant.nas.data.image.ImageFile;
import dev.sextant.runtime.image.Pixels;
import dev.sextant.runtime.image.Resampler;
import java.util.Locale;

/**
 * What is made of image files.
 *
 * @param height rows H that all images get
 * @param width columns W that all images get
 * @param channels C that all images get, 1 or 3
 * @param resized whether others are resized: shorter side, then the centre
 * @param grayBits bits in use of gray samples of 16 bits: one range for all images, so that what is
 *     dark in one is as dark in another
 */
public record ImageLayout(int height, int width, int channels, boolean resized, int grayBits) {
  /** {@return bytes of one image} */
  public int imageBytes() {
    return height * width * channels;
  }

  /**
   * Decodes a file.
   *
   * @param file its bytes
   * @param destination where its pixels {@code [H, W, C]} go
   * @param offset where in the destination the first byte goes
   * @throws ImageException without the file's name, if it is damaged or of another size
   */
  public void decode(byte[] file, byte[] destination, int offset) {
    Pixels pixels = ImageFile.decode(file, channels == 1, grayBits);
    if (resized) {
      Resampler.resizeAndCrop(pixels, height, destination, offset);
    } else if (pixels.height() == height && pixels.width() == width) {
      System.arraycopy(pixels.values(), 0, destination, offset, imageBytes());
    } else {
      throw new ImageException(
          String.format(
              Locale.ROOT,
              "has %d x %d pixels where it had %d x %d: it was changed meanwhile",
              pixels.width(),
              pixels.height(),
              width,
              height));
    }
  }
}
