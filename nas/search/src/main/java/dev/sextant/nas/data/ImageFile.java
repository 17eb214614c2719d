package dev.sextant.nas.data;

import dev.sextant.nas.data.DataOptions.Color;
import dev.sextant.tensor.SextantException;
import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.DataBuffer;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.ImageTypeSpecifier;
import javax.imageio.event.IIOReadWarningListener;
import javax.imageio.stream.FileImageInputStream;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;
import org.jspecify.annotations.Nullable;

/**
 * One PNG or JPEG file. The kind is taken from its first bytes, whatever its name; the size from
 * its header, before anything of that size is allocated. Transparency is dropped.
 */
final class ImageFile {
  /** About 8,000 x 6,000: beyond any camera image one would train on, 200 MB when decoded. */
  private static final long MOST_PIXELS = 50_000_000;

  private static final long MOST_BYTES = 1 << 28;

  /** What the header says; gray if every pixel has only one value. */
  record Header(int height, int width, boolean gray) {}

  /** Pixels {@code [H, W, C]}. */
  record Decoded(int height, int width, int channels, byte[] pixels) {}

  private interface Use<T> {
    T apply(ImageReader reader) throws IOException;
  }

  private ImageFile() {}

  static Header header(Path path) {
    try (ImageInputStream stream = new FileImageInputStream(path.toFile())) {
      return with(path, stream, reader -> header(path, reader));
    } catch (IOException e) {
      throw DataFile.unreadable(path, e);
    }
  }

  static Decoded decode(Path path, Color color) {
    try {
      if (Files.size(path) > MOST_BYTES) {
        throw new SextantException(
            "%s: has %d MiB, images may have %d"
                .formatted(path, Files.size(path) >> 20, MOST_BYTES >> 20));
      }
      byte[] bytes = Files.readAllBytes(path);
      try (ImageInputStream stream =
          new MemoryCacheImageInputStream(new ByteArrayInputStream(bytes))) {
        return with(
            path,
            stream,
            reader -> {
              header(path, reader);
              if (reader.getFormatName().equalsIgnoreCase("png")) {
                PngChunks.check(path, bytes);
              }
              return pixels(read(path, reader), color == Color.GRAY);
            });
      }
    } catch (IOException e) {
      throw DataFile.unreadable(path, e);
    }
  }

  private static <T> T with(Path path, ImageInputStream stream, Use<T> use) throws IOException {
    ImageReader reader = ImageIO.getImageReadersByFormatName(kind(path, stream)).next();
    try {
      // Metadata is ignored: compressed text in it is another way to hide a bomb.
      reader.setInput(stream, true, true);
      return use.apply(reader);
    } catch (SextantException e) {
      throw e;
    } catch (IOException | RuntimeException e) {
      // The readers throw unchecked exceptions too on hostile files.
      throw new SextantException(
          "%s: is a damaged image (%s)".formatted(path, String.valueOf(e.getMessage())), e);
    } catch (OutOfMemoryError e) {
      throw new SextantException(
          path + ": is too large for the Java heap when decoded (raise it with -Xmx)", e);
    } finally {
      reader.dispose();
    }
  }

  private static String kind(Path path, ImageInputStream stream) throws IOException {
    byte[] magic = new byte[4];
    int got = Math.max(0, stream.read(magic));
    stream.seek(0);
    int head =
        (magic[0] & 0xFF) << 24
            | (magic[1] & 0xFF) << 16
            | (magic[2] & 0xFF) << 8
            | magic[3] & 0xFF;
    if (got == 4 && head == 0x89504E47) {
      return "png";
    }
    if (got == 4 && head >>> 8 == 0xFFD8FF) {
      return "jpeg";
    }
    throw new SextantException(
        got == 0
            ? path + ": is empty, not a PNG or JPEG image"
            : "%s: is not a PNG or JPEG image (it begins with 0x%08X)".formatted(path, head));
  }

  private static Header header(Path path, ImageReader reader) throws IOException {
    int width = reader.getWidth(0);
    int height = reader.getHeight(0);
    if ((long) width * height > MOST_PIXELS) {
      throw new SextantException(
          "%s: is %d x %d pixels, images may have %d million"
              .formatted(path, width, height, MOST_PIXELS / 1_000_000));
    }
    ImageTypeSpecifier type = reader.getRawImageType(0);
    if (type == null) {
      Iterator<ImageTypeSpecifier> types = reader.getImageTypes(0);
      type = types.hasNext() ? types.next() : null;
    }
    return new Header(height, width, type != null && isGray(type.getColorModel()));
  }

  private static boolean isGray(ColorModel model) {
    if (model instanceof IndexColorModel indexed) {
      for (int i = 0; i < indexed.getMapSize(); i++) {
        if (indexed.getRed(i) != indexed.getGreen(i) || indexed.getRed(i) != indexed.getBlue(i)) {
          return false;
        }
      }
      return true;
    }
    return model.getColorSpace().getType() == ColorSpace.TYPE_GRAY;
  }

  private static BufferedImage read(Path path, ImageReader reader) throws IOException {
    @Nullable String[] damage = new @Nullable String[1];
    // The JPEG reader fills what is missing with gray and only warns.
    IIOReadWarningListener listener =
        (source, warning) -> {
          boolean harmless = warning.contains("extraneous bytes");
          if (!harmless
              && (warning.startsWith("Corrupt")
                  || warning.startsWith("Premature")
                  || warning.startsWith("Truncated"))) {
            damage[0] = warning;
          }
        };
    reader.addIIOReadWarningListener(listener);
    BufferedImage image = reader.read(0);
    if (damage[0] != null) {
      throw new SextantException("%s: is a damaged image (%s)".formatted(path, damage[0]));
    }
    return image;
  }

  private static Decoded pixels(BufferedImage image, boolean gray) {
    int height = image.getHeight();
    int width = image.getWidth();
    ColorModel model = image.getColorModel();
    int channels = gray ? 1 : 3;
    byte[] pixels = new byte[height * width * channels];
    if (model instanceof IndexColorModel
        || model.getColorSpace().getType() != ColorSpace.TYPE_GRAY) {
      fromColor(image, gray, pixels);
    } else {
      fromGray(image.getRaster(), channels, pixels);
    }
    return new Decoded(height, width, channels, pixels);
  }

  private static void fromColor(BufferedImage image, boolean gray, byte[] pixels) {
    int width = image.getWidth();
    int[] row = new int[width];
    int to = 0;
    for (int y = 0; y < image.getHeight(); y++) {
      image.getRGB(0, y, width, 1, row, 0, width);
      for (int rgb : row) {
        int r = rgb >> 16 & 0xFF;
        int g = rgb >> 8 & 0xFF;
        int b = rgb & 0xFF;
        if (gray) {
          // ITU-R 601 in 16-bit fixed point, as PIL rounds it.
          pixels[to++] = (byte) (19595 * r + 38470 * g + 7471 * b + 0x8000 >> 16);
        } else {
          pixels[to++] = (byte) r;
          pixels[to++] = (byte) g;
          pixels[to++] = (byte) b;
        }
      }
    }
  }

  /** Samples as they are: getRGB would bend them, Java takes gray to be linear light. */
  private static void fromGray(Raster raster, int channels, byte[] pixels) {
    int shift = raster.getTransferType() == DataBuffer.TYPE_USHORT ? 8 : 0;
    int width = raster.getWidth();
    int[] row = new int[width];
    int to = 0;
    for (int y = 0; y < raster.getHeight(); y++) {
      raster.getSamples(0, y, width, 1, 0, row);
      for (int sample : row) {
        for (int c = 0; c < channels; c++) {
          pixels[to++] = (byte) (sample >> shift);
        }
      }
    }
  }
}
