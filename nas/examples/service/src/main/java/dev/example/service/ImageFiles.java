package dev.example.service;

import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.image.Pixels;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.InputStream;
import java.util.Iterator;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;

/** Image files as pixels. */
final class ImageFiles {
  /** A side of an image file at most: a small file can unfold to gigabytes. */
  private static final int LARGEST_SIDE = 4096;

  private ImageFiles() {}

  /** Bytes of a request at most. */
  static int largestFile(Architecture.Input input) {
    return Math.max(1 << 20, input.height() * input.width() * input.channels());
  }

  /**
   * Decodes an image as it is; what the network needs of size and channels is the predictor's
   * matter.
   *
   * @throws IllegalArgumentException if it is no image, or too large a one
   */
  static Pixels decode(InputStream file) throws IOException {
    BufferedImage image = read(file);
    int height = image.getHeight();
    int width = image.getWidth();
    if (image.getType() == BufferedImage.TYPE_BYTE_GRAY) {
      int[] levels = image.getRaster().getSamples(0, 0, width, height, 0, (int[]) null);
      byte[] gray = new byte[levels.length];
      for (int i = 0; i < gray.length; i++) {
        gray[i] = (byte) levels[i];
      }
      return new Pixels(height, width, 1, gray);
    }
    int[] colors = image.getRGB(0, 0, width, height, null, 0, width);
    byte[] rgb = new byte[3 * colors.length];
    for (int i = 0; i < colors.length; i++) {
      rgb[3 * i] = (byte) (colors[i] >> 16);
      rgb[3 * i + 1] = (byte) (colors[i] >> 8);
      rgb[3 * i + 2] = (byte) colors[i];
    }
    return new Pixels(height, width, 3, rgb);
  }

  private static BufferedImage read(InputStream file) throws IOException {
    try (ImageInputStream stream = ImageIO.createImageInputStream(file)) {
      Iterator<ImageReader> readers = ImageIO.getImageReaders(stream);
      if (!readers.hasNext()) {
        throw new IllegalArgumentException("not an image");
      }
      ImageReader reader = readers.next();
      try {
        reader.setInput(stream);
        if (Math.max(reader.getWidth(0), reader.getHeight(0)) > LARGEST_SIDE) {
          throw new IllegalArgumentException("a side of more than " + LARGEST_SIDE + " pixels");
        }
        return reader.read(0);
      } catch (IOException | IndexOutOfBoundsException e) {
        throw new IllegalArgumentException("a damaged image: " + e.getMessage(), e);
      } finally {
        reader.dispose();
      }
    }
  }
}
