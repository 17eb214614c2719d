package dev.sextant.nas.data;

import dev.sextant.nas.data.pack.ArrayPixels;
import dev.sextant.nas.data.pack.FittedPixels;
import dev.sextant.nas.data.pack.PixelStore;
import dev.sextant.nas.data.scene.Scene;
import dev.sextant.tensor.SextantException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * One part of a data set, training or test: labelled images of one size as unsigned bytes {@code
 * [N, H, W, C]}.
 *
 * <p>Pixels lie in arrays, in a pack that is mapped, or in files that are decoded whenever they are
 * asked for; the same image has the same bytes everywhere. Immutable once a reader has handed it
 * out, and then safe for any number of threads.
 */
public final class Images {
  private final int height;
  private final int width;
  private final int channels;
  private final int imageBytes;
  private final PixelStore pixels;
  private final int[] labels;

  /** What stands in each image; empty where a label is all that is known. */
  private final List<Scene> scenes;

  private Images(
      int height, int width, int channels, PixelStore pixels, int[] labels, List<Scene> scenes) {
    this.height = height;
    this.width = width;
    this.channels = channels;
    this.imageBytes = height * width * channels;
    this.pixels = pixels;
    this.labels = labels;
    this.scenes = scenes;
  }

  /** Images that lie elsewhere; {@code what} begins every message. */
  static Images of(
      String what, int height, int width, int channels, PixelStore pixels, int[] labels) {
    checkSize(what, labels.length, height, width, channels);
    return new Images(height, width, channels, pixels, labels, List.of());
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
    long bytes = checkSize(what, count, height, width, channels);
    if (bytes > Runtime.getRuntime().maxMemory()) {
      throw tooLarge(what, bytes, null);
    }
    try {
      return new Images(
          height,
          width,
          channels,
          new ArrayPixels((int) count, height * width * channels),
          new int[(int) count],
          List.of());
    } catch (OutOfMemoryError e) {
      throw tooLarge(what, bytes, e);
    }
  }

  /** Bytes of all pixels. */
  private static long checkSize(String what, long count, int height, int width, int channels) {
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
    imageBytes = imageBytes > ArrayPixels.CHUNK_BYTES ? imageBytes : imageBytes * channels;
    if (imageBytes > ArrayPixels.CHUNK_BYTES) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: one image of %d x %d x %d exceeds %d MiB",
              what,
              height,
              width,
              channels,
              ArrayPixels.CHUNK_BYTES >> 20));
    }
    if (count > Integer.MAX_VALUE - 8) {
      throw new SextantException(
          String.format(Locale.ROOT, "%s: %d images are more than 2^31", what, count));
    }
    return count * imageBytes;
  }

  /**
   * Whether so many bytes of pixels are worth to be held: a part of the heap, which has to hold
   * networks, batches and what a reader makes beside them.
   */
  static boolean fitInMemory(long bytes) {
    return bytes <= Runtime.getRuntime().maxMemory() / 2;
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

  /** {@return whether what stands in the images is known, beside or instead of one label} */
  public boolean hasScenes() {
    return !scenes.isEmpty();
  }

  /**
   * {@return what stands in an image; its boxes are in pixels of the image as it once was, which
   * may have been of another size}
   *
   * @param index of an image, from 0 to below N
   * @throws IllegalStateException if that is not known
   */
  public Scene scene(int index) {
    if (scenes.isEmpty()) {
      throw new IllegalStateException("these images have labels alone");
    }
    return scenes.get(index);
  }

  /**
   * {@return the same images, of which is known what stands in them}
   *
   * @param known for each image
   * @throws SextantException if there is not one for each
   */
  public Images withScenes(List<Scene> known) {
    if (known.size() != count()) {
      throw new SextantException(
          String.format(Locale.ROOT, "images: %d scenes for %d images", known.size(), count()));
    }
    return new Images(height, width, channels, pixels, labels, List.copyOf(known));
  }

  /**
   * Copies one image {@code [H, W, C]} to {@code destination}, beginning at {@code offset}.
   *
   * @param index of an image, from 0 to below N
   * @param destination where the pixels go, unsigned
   * @param offset where in the destination the first byte goes
   */
  public void copyPixels(int index, byte[] destination, int offset) {
    pixels.read(index, destination, offset);
  }

  /**
   * Copies images {@code [count, H, W, C]} to the start of {@code destination}, by several threads
   * where they have to be decoded.
   *
   * @param indices of images
   * @param first which of the indices is the first
   * @param count how many of them
   * @param destination where the pixels go, unsigned
   */
  void copyPixels(int[] indices, int first, int count, byte[] destination) {
    if (pixels.isDecoding()) {
      IntStream.range(0, count)
          .parallel()
          .forEach(i -> pixels.read(indices[first + i], destination, i * imageBytes));
    } else {
      for (int i = 0; i < count; i++) {
        pixels.read(indices[first + i], destination, i * imageBytes);
      }
    }
  }

  /** Some images, in this order; copies, if these lie in arrays. */
  Images select(int[] indices) {
    if (!isInArrays()) {
      int[] picked = Arrays.stream(indices).map(i -> labels[i]).toArray();
      return new Images(height, width, channels, pixels.picked(indices), picked, picked(indices));
    }
    Images selected = allocate("images", indices.length, height, width, channels);
    for (int i = 0; i < indices.length; i++) {
      selected.setLabel(i, label(indices[i]));
      copyPixels(indices[i], selected.chunk(i), selected.offset(i));
    }
    return selected.withKnown(picked(indices));
  }

  private List<Scene> picked(int[] indices) {
    return scenes.isEmpty()
        ? scenes
        : Arrays.stream(indices).mapToObj(scenes::get).collect(Collectors.toUnmodifiableList());
  }

  private Images withKnown(List<Scene> known) {
    return known.isEmpty() ? this : withScenes(known);
  }

  /**
   * The same at that size, or their own if it is 0, and with 1 or 3 channels: copies, or made
   * whenever they are asked for, if these lie elsewhere and copies would fill the memory.
   */
  Images fitted(int size, int wanted) {
    if (hasScenes() && height != width) {
      // A centre cut out would leave boxes behind; sources of scenes stretch images themselves.
      throw new SextantException("images: scenes that are not square cannot be resized");
    }
    int rows = size == 0 ? height : size;
    int columns = size == 0 ? width : size;
    PixelStore made = new FittedPixels(pixels, height, width, channels, size, wanted);
    if (!isInArrays() && !fitInMemory((long) count() * rows * columns * wanted)) {
      return of("images", rows, columns, wanted, made, labels).withKnown(scenes);
    }
    Images fitted = allocate("images", count(), rows, columns, wanted);
    IntStream.range(0, count())
        .parallel()
        .forEach(
            i -> {
              made.read(i, fitted.chunk(i), fitted.offset(i));
              fitted.setLabel(i, label(i));
            });
    return fitted.withKnown(scenes);
  }

  /** The same pixels with the labels that stand at the place of their own, objects' too. */
  Images relabelled(int[] byLabel) {
    int[] changed = Arrays.stream(labels).map(label -> byLabel[label]).toArray();
    List<Scene> renamed = scenes.stream().map(scene -> scene.relabelled(byLabel)).toList();
    return new Images(height, width, channels, pixels, changed, renamed);
  }

  /** The largest label and one more. */
  int labelBound() {
    return Arrays.stream(labels).max().orElse(-1) + 1;
  }

  /** Whether {@link #chunk}, {@link #offset} and {@link #chunks} may be called. */
  boolean isInArrays() {
    return pixels instanceof ArrayPixels;
  }

  byte[] chunk(int index) {
    return ((ArrayPixels) pixels).chunk(index);
  }

  int offset(int index) {
    return ((ArrayPixels) pixels).offset(index);
  }

  byte[][] chunks() {
    return ((ArrayPixels) pixels).chunks();
  }

  PixelStore pixels() {
    return pixels;
  }

  int[] labels() {
    return labels;
  }

  void setLabel(int index, int label) {
    labels[index] = label;
  }
}
