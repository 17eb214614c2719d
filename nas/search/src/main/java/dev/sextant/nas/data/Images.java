package dev.sextant.nas.data;

import dev.sextant.runtime.image.Pixels;
import dev.sextant.runtime.image.Resampler;
import dev.sextant.tensor.SextantException;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * One part of a data set, training or test: labelled images of one size as unsigned bytes {@code
 * [N, H, W, C]}.
 *
 * <p>Pixels lie in chunks of whole images, so that a part may exceed 2<sup>31</sup> bytes.
 * Immutable once a reader has handed it out, and then safe for any number of threads.
 */
public final class Images {
  /** Chunks end at this many bytes: large enough to be few, small enough for any collector. */
  private static final int CHUNK_BYTES = 1 << 28;

  private final int height;
  private final int width;
  private final int channels;
  private final int imageBytes;
  private final int imagesPerChunk;
  private final byte[][] chunks;
  private final int[] labels;

  private Images(
      int height, int width, int channels, int imagesPerChunk, byte[][] chunks, int[] labels) {
    this.height = height;
    this.width = width;
    this.channels = channels;
    this.imageBytes = height * width * channels;
    this.imagesPerChunk = imagesPerChunk;
    this.chunks = chunks;
    this.labels = labels;
  }

  /**
   * Images from an application's own arrays, which are copied.
   *
   * @param height H, at least 1
   * @param width W, at least 1
   * @param channels C: 1 is gray, 3 is red, green, blue
   * @param pixels {@code [N, H, W, C]}, unsigned, N = {@code labels.length}
   * @param labels the class of each image, counted from 0
   * @return the images
   * @throws SextantException if a size is not positive, the lengths disagree or a label is negative
   */
  public static Images of(int height, int width, int channels, byte[] pixels, int[] labels) {
    Images images = allocate("images", labels.length, height, width, channels);
    if (pixels.length != (long) labels.length * images.imageBytes) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "images: %d labels of images [%d,%d,%d] need %d bytes of pixels, not %d",
              labels.length,
              height,
              width,
              channels,
              (long) labels.length * images.imageBytes,
              pixels.length));
    }
    for (int i = 0; i < labels.length; i++) {
      if (labels[i] < 0) {
        throw new SextantException(
            String.format(Locale.ROOT, "images: label %d of image %d is negative", labels[i], i));
      }
      images.setLabel(i, labels[i]);
      System.arraycopy(
          pixels, i * images.imageBytes, images.chunk(i), images.offset(i), images.imageBytes);
    }
    return images;
  }

  /** Room for images that a reader then fills; {@code what} begins every message. */
  static Images allocate(String what, long count, int height, int width, int channels) {
    if (count < 1) {
      throw new SextantException(what + ": holds no images");
    }
    if (height < 1 || width < 1 || channels < 1) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: images of height %d, width %d and %d channels are not possible",
              what,
              height,
              width,
              channels));
    }
    long imageBytes = (long) height * width;
    imageBytes = imageBytes > CHUNK_BYTES ? imageBytes : imageBytes * channels;
    if (imageBytes > CHUNK_BYTES) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: one image of %d x %d x %d exceeds %d MiB",
              what,
              height,
              width,
              channels,
              CHUNK_BYTES >> 20));
    }
    if (count > Integer.MAX_VALUE - 8) {
      throw new SextantException(
          String.format(Locale.ROOT, "%s: %d images are more than 2^31", what, count));
    }
    long bytes = count * imageBytes;
    if (bytes > Runtime.getRuntime().maxMemory()) {
      throw tooLarge(what, bytes, null);
    }
    int perChunk = (int) (CHUNK_BYTES / imageBytes);
    int chunkCount = (int) ((count + perChunk - 1) / perChunk);
    try {
      byte[][] chunks = new byte[chunkCount][];
      for (int i = 0; i < chunkCount; i++) {
        long inChunk = Math.min(perChunk, count - (long) i * perChunk);
        chunks[i] = new byte[(int) (inChunk * imageBytes)];
      }
      return new Images(height, width, channels, perChunk, chunks, new int[(int) count]);
    } catch (OutOfMemoryError e) {
      throw tooLarge(what, bytes, e);
    }
  }

  private static SextantException tooLarge(String what, long bytes, @Nullable Throwable cause) {
    return new SextantException(
        String.format(
            Locale.ROOT,
            "%s: the images need %d MiB, the Java heap may grow to %d MiB (raise it with -Xmx)",
            what,
            bytes >> 20,
            Runtime.getRuntime().maxMemory() >> 20),
        cause);
  }

  /** {@return the number of images N, at least 1} */
  public int count() {
    return labels.length;
  }

  /** {@return rows H of every image} */
  public int height() {
    return height;
  }

  /** {@return columns W of every image} */
  public int width() {
    return width;
  }

  /** {@return channels C of every image: 1 is gray, 3 is red, green, blue} */
  public int channels() {
    return channels;
  }

  /** {@return bytes of one image, H·W·C} */
  public int imageBytes() {
    return imageBytes;
  }

  /**
   * {@return the class of an image, at least 0}
   *
   * @param index of an image, from 0 to below N
   */
  public int label(int index) {
    return labels[index];
  }

  /**
   * Copies one image {@code [H, W, C]} to {@code destination}, beginning at {@code offset}.
   *
   * @param index of an image, from 0 to below N
   * @param destination where the pixels go, unsigned
   * @param offset where in the destination the first byte goes
   */
  public void copyPixels(int index, byte[] destination, int offset) {
    System.arraycopy(chunk(index), offset(index), destination, offset, imageBytes);
  }

  /** Copies of some images, in this order. */
  Images select(int[] indices) {
    Images selected = allocate("images", indices.length, height, width, channels);
    for (int i = 0; i < indices.length; i++) {
      selected.setLabel(i, label(indices[i]));
      copyPixels(indices[i], selected.chunk(i), selected.offset(i));
    }
    return selected;
  }

  /** Copies at that size, or their own if it is 0, and with 1 or 3 channels. */
  Images fitted(int size, int wanted) {
    int rows = size == 0 ? height : size;
    int columns = size == 0 ? width : size;
    Images fitted = allocate("images", count(), rows, columns, wanted);
    IntStream.range(0, count())
        .parallel()
        .forEach(
            i -> {
              byte[] own = new byte[imageBytes];
              copyPixels(i, own, 0);
              Pixels pixels = new Pixels(height, width, channels, own).withChannels(wanted);
              if (size == 0) {
                System.arraycopy(
                    pixels.values(), 0, fitted.chunk(i), fitted.offset(i), fitted.imageBytes);
              } else {
                Resampler.resizeAndCrop(pixels, size, fitted.chunk(i), fitted.offset(i));
              }
              fitted.setLabel(i, label(i));
            });
    return fitted;
  }

  /** The same pixels with the labels that stand at the place of their own. */
  Images relabelled(int[] byLabel) {
    int[] changed = Arrays.stream(labels).map(label -> byLabel[label]).toArray();
    return new Images(height, width, channels, imagesPerChunk, chunks, changed);
  }

  /** The largest label and one more. */
  int labelBound() {
    return Arrays.stream(labels).max().orElse(-1) + 1;
  }

  byte[] chunk(int index) {
    return chunks[index / imagesPerChunk];
  }

  int offset(int index) {
    return index % imagesPerChunk * imageBytes;
  }

  byte[][] chunks() {
    return chunks;
  }

  int[] labels() {
    return labels;
  }

  void setLabel(int index, int label) {
    labels[index] = label;
  }
}
