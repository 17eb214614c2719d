package dev.example.service;

import dev.sextant.runtime.Architecture;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.awt.image.WritableRaster;
import java.io.IOException;
import java.io.InputStream;
import java.util.Iterator;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;

/** Image files as the bytes that a network takes. */
final class Pixels {
  /** A side of an image file at most: a small file can unfold to gigabytes. */
  private static final int LARGEST_SIDE = 4096;

  private Pixels() {}

  /** Bytes of a request at most. */
  static int largestFile(Architecture.Input input) {
    return Math.max(1 << 20, input.height() * input.width() * input.channels());
  }

  /**
   * Decodes and scales an image: rows of unsigned bytes, channels last.
   *
   * @throws IllegalArgumentException if it is no image, or too large a one
   */
  static byte[] decode(InputStream file, Architecture.Input input) throws IOException {
    BufferedImage image = read(file);
    boolean gray = input.channels() == 1;
    BufferedImage scaled =
        new BufferedImage(
            input.width(),
            input.height(),
            gray ? BufferedImage.TYPE_BYTE_GRAY : BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = scaled.createGraphics();
    graphics.setRenderingHint(
        RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BILINEAR);
    graphics.drawImage(image, 0, 0, input.width(), input.height(), null);
    graphics.dispose();
    WritableRaster raster = scaled.getRaster();
    int[] samples = raster.getPixels(0, 0, input.width(), input.height(), (int[]) null);
    byte[] pixels = new byte[samples.length];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (byte) samples[i];
    }
    return pixels;
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
