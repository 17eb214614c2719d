package dev.sextant.nas.data.image;

import dev.sextant.nas.data.file.DataFile;
import dev.sextant.runtime.image.Pixels;
import java.awt.image.BufferedImage;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.event.IIOReadWarningListener;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;
import org.jspecify.annotations.Nullable;

/**
 * The pixels of one PNG or JPEG file, as Pillow ({@code Image.open}, {@code exif_transpose}, {@code
 * convert}) and libjpeg give them: within 1 of 255, within 3 where chroma is stored at half size.
 *
 * <table>
 * <caption>What is done with what a file may hold</caption>
 * <tr><th>in the file<th>what becomes of it
 * <tr><td>JPEG, YCbCr<td>RGB by JFIF's equations, in libjpeg's fixed point
 * <tr><td>JPEG, RGB (Adobe transform 0, or components named R, G, B)<td>as it is
 * <tr><td>JPEG, CMYK or YCCK, with and without Adobe's marker<td>inks are stored inverted; each
 *     colour is (255 - ink) (255 - black) / 255
 * <tr><td>JPEG or PNG, gray<td>the gray level
 * <tr><td>PNG, 1, 2 or 4 bits<td>spread over 0 to 255
 * <tr><td>PNG, palette<td>the colours of the palette
 * <tr><td>PNG, colours of 16 bits<td>the upper 8
 * <tr><td>PNG, gray of 16 bits<td>the upper 8 of the bits in use ({@link #deepGrayBits}): values of
 *     12 bits keep their levels
 * <tr><td>transparency (alpha, tRNS)<td>dropped
 * <tr><td>ICC profiles, gAMA, cHRM, sRGB<td>ignored in both, as Pillow does: samples are taken to
 *     be sRGB
 * <tr><td>orientation (EXIF in JPEG, eXIf in PNG)<td>applied
 * <tr><td>gray asked for, colours stored<td>luma, ITU-R 601 in 16-bit fixed point
 * </table>
 *
 * <p>Decoding takes memory for at most 16 bytes a pixel and 8 bytes for each of the file; {@link
 * ImageHeader} bounds the pixels.
 */
public final class ImageFile {
  private interface Use<T> {
    T apply(ImageHeader header, Raster raster, @Nullable BufferedImage image);
  }

  private ImageFile() {}

  /**
   * Decodes a file.
   *
   * @param path of the file
   * @param gray one channel instead of three
   * @param grayBits bits in use of gray samples of 16 bits, 8 to 16
   * @return the pixels, turned as the file says they are to be seen
   * @throws ImageException if it is damaged or of another kind
   */
  public static Pixels decode(Path path, boolean gray, int grayBits) {
    try {
      return decode(bytes(path), gray, grayBits);
    } catch (ImageException e) {
      throw e.in(path);
    } catch (IOException e) {
      throw DataFile.unreadable(path, e);
    }
  }

  /**
   * Decodes a file that was read.
   *
   * @param file its bytes
   * @param gray one channel instead of three
   * @param grayBits bits in use of gray samples of 16 bits, 8 to 16
   * @return the pixels, turned as the file says they are to be seen
   * @throws ImageException without a name, if it is damaged or of another kind
   */
  public static Pixels decode(byte[] file, boolean gray, int grayBits) {
    return with(
        file,
        (header, raster, image) ->
            header.orientation().apply(ColorConversion.of(header, raster, image, gray, grayBits)));
  }

  /**
   * {@return the bytes of a file, if it may be an image by its size}
   *
   * @param path of the file
   * @throws ImageException without a name, if it is too large
   * @throws IOException if it cannot be read
   */
  public static byte[] bytes(Path path) throws IOException {
    ImageHeader.checkSize(Files.size(path));
    return Files.readAllBytes(path);
  }

  /**
   * {@return how many bits of a file's 16-bit gray samples are in use: 12, 14 or 16, whichever
   * holds its largest} Cameras of 12 and 14 bits write their values unscaled into the lower bits.
   *
   * @param path of the file
   * @throws ImageException as {@link #decode}
   */
  public static int deepGrayBits(Path path) {
    return with(
        path,
        (header, raster, image) -> {
          int all = 0;
          int[] row = new int[raster.getWidth()];
          for (int y = 0; y < raster.getHeight(); y++) {
            for (int sample : raster.getSamples(0, y, row.length, 1, 0, row)) {
              all |= sample;
            }
          }
          return all < 1 << 12 ? 12 : all < 1 << 14 ? 14 : 16;
        });
  }

  private static <T> T with(Path path, Use<T> use) {
    try {
      return with(bytes(path), use);
    } catch (ImageException e) {
      throw e.in(path);
    } catch (IOException e) {
      throw DataFile.unreadable(path, e);
    }
  }

  private static <T> T with(byte[] bytes, Use<T> use) {
    try {
      ImageHeader header = ImageHeader.read(new ByteArrayInputStream(bytes), bytes.length);
      switch (header.kind()) {
        case PNG -> PngChunks.check(bytes);
        case JPEG -> JpegHeader.check(bytes);
      }
      return with(header, bytes, use);
    } catch (IOException e) {
      throw ImageException.damaged(String.valueOf(e.getMessage()));
    }
  }

  private static <T> T with(ImageHeader header, byte[] bytes, Use<T> use) {
    ImageReader reader = ImageIO.getImageReadersByFormatName(header.kind().name()).next();
    try (ImageInputStream stream =
        new MemoryCacheImageInputStream(new ByteArrayInputStream(bytes))) {
      // Metadata is ignored: compressed text in it is another way to hide a bomb.
      reader.setInput(stream, true, true);
      if (reader.getHeight(0) != header.storedHeight()
          || reader.getWidth(0) != header.storedWidth()) {
        throw ImageException.damaged("it has two headers");
      }
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
      BufferedImage image = reader.canReadRaster() ? null : reader.read(0);
      Raster raster = image == null ? reader.readRaster(0, null) : image.getRaster();
      if (damage[0] != null) {
        throw ImageException.damaged(damage[0]);
      }
      return use.apply(header, raster, image);
    } catch (ImageException e) {
      throw e;
    } catch (IOException | RuntimeException e) {
      // The readers throw unchecked exceptions too on hostile files.
      throw ImageException.damaged(String.valueOf(e.getMessage()));
    } catch (OutOfMemoryError e) {
      throw new ImageException("is too large for the Java heap when decoded (raise it with -Xmx)");
    } finally {
      reader.dispose();
    }
  }
}
