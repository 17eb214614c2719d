package dev.sextant.nas.data.image;

import dev.sextant.nas.data.file.DataFile;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What a PNG or JPEG file says of its pixels before any of them is decoded. The kind is taken from
 * its first bytes, whatever its name.
 *
 * @param kind of file
 * @param storedHeight rows as stored
 * @param storedWidth columns as stored
 * @param coding of a pixel
 * @param bits of a sample
 * @param gray whether every pixel has only one value, a palette of grays included
 * @param halvedRows a bit for each sample of a pixel that is stored for every second row alone
 *     (4:4:0)
 * @param orientation that turns what is stored into what is to be seen
 */
public record ImageHeader(
    Kind kind,
    int storedHeight,
    int storedWidth,
    Coding coding,
    int bits,
    boolean gray,
    int halvedRows,
    Orientation orientation) {
  /** About 8,000 x 6,000: beyond any camera image one would train on, 150 MB when decoded. */
  private static final long MOST_PIXELS = 50_000_000;

  /** An image of so many pixels may be as small a file as it likes. */
  private static final long FREE_PIXELS = 8_000_000;

  /**
   * Beyond that, pixels for each byte of the file: a photograph has below 50, one flat colour some
   * 170 as JPEG. What a small file can ask for is so bounded before it is allocated.
   */
  private static final long PIXELS_PER_BYTE = 200;

  private static final long MOST_BYTES = 1 << 28;

  /** The two kinds of files, by the name that Java's readers go by. */
  enum Kind {
    PNG,
    JPEG
  }

  /** {@return rows H as they are to be seen} */
  public int height() {
    return orientation.swaps() ? storedWidth : storedHeight;
  }

  /** {@return columns W as they are to be seen} */
  public int width() {
    return orientation.swaps() ? storedHeight : storedWidth;
  }

  /**
   * {@return whether samples are gray of 16 bits, whose bits in use {@link ImageFile#deepGrayBits}
   * finds}
   */
  public boolean isDeepGray() {
    return coding == Coding.GRAY && bits == 16;
  }

  /**
   * Reads the header of a file, past pixels where something after them matters.
   *
   * @param path of the file
   * @return the header
   * @throws ImageException if it is no image that can be read
   */
  public static ImageHeader read(Path path) {
    try (InputStream in = new BufferedInputStream(Files.newInputStream(path))) {
      return read(in, Files.size(path));
    } catch (ImageException e) {
      throw e.in(path);
    } catch (IOException e) {
      throw DataFile.unreadable(path, e);
    }
  }

  static ImageHeader read(InputStream in, long fileBytes) throws IOException {
    checkSize(fileBytes);
    byte[] magic = in.readNBytes(4);
    if (magic.length == 0) {
      throw new ImageException("is empty, not a PNG or JPEG image");
    }
    int head = 0;
    for (byte b : magic) {
      head = head << 8 | b & 0xFF;
    }
    ImageHeader header;
    try {
      if (magic.length == 4 && head == PngHeader.MAGIC) {
        header = PngHeader.read(new DataInputStream(in));
      } else if (magic.length == 4 && head >>> 8 == JpegHeader.MAGIC) {
        header = JpegHeader.read(new DataInputStream(in), head & 0xFF);
      } else if (DataFile.isPointer(magic, in)) {
        throw new ImageException(DataFile.POINTER);
      } else {
        throw new ImageException(
            "is not a PNG or JPEG image (it begins with 0x%08X)".formatted(head));
      }
    } catch (EOFException e) {
      throw ImageException.damaged("it is cut");
    }
    header.check(fileBytes);
    return header;
  }

  /** Refuses a file that is too large to be read at once. */
  static void checkSize(long fileBytes) {
    if (fileBytes > MOST_BYTES) {
      throw new ImageException(
          "has %d MiB, images may have %d".formatted(fileBytes >> 20, MOST_BYTES >> 20));
    }
  }

  private void check(long fileBytes) {
    if (storedHeight < 1 || storedWidth < 1) {
      throw ImageException.damaged("it has %d x %d pixels".formatted(storedWidth, storedHeight));
    }
    long pixels = (long) storedHeight * storedWidth;
    if (pixels > MOST_PIXELS) {
      throw new ImageException(
          "is %d x %d pixels, images may have %d million"
              .formatted(storedWidth, storedHeight, MOST_PIXELS / 1_000_000));
    }
    if (pixels > FREE_PIXELS + PIXELS_PER_BYTE * fileBytes) {
      throw new ImageException(
          "is %d x %d pixels in %d bytes, no picture is so small"
              .formatted(storedWidth, storedHeight, fileBytes));
    }
  }
}
