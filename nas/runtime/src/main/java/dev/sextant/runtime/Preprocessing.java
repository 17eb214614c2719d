package dev.sextant.runtime;

import dev.sextant.runtime.CompiledModel.Order;
import dev.sextant.runtime.image.Pixels;
import dev.sextant.runtime.image.Resampler;
import dev.sextant.tensor.SextantException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What happens to an image before the network, as it happened in training: its channels, its size,
 * and the scale of its pixels. The weights' metadata keeps it.
 *
 * <ul>
 *   <li>Channels: a network of one channel takes the luma of a colour image (ITU-R 601), one of
 *       three takes a gray image three times.
 *   <li>Size: bilinear with a filter that widens with the reduction ({@link Resampler}), until one
 *       side fits and the other is as long or longer; then the centre. There is no other filter: a
 *       file that names another is refused.
 *   <li>Scale: (pixel / 255 - mean) / deviation of each channel, by one table per channel. Where
 *       the metadata lacks the mean or the deviation pixels are refused: other programs drop
 *       metadata when they write a file again, and any scale would be a guess that costs accuracy
 *       without a word.
 * </ul>
 *
 * <p>Immutable.
 */
public final class Preprocessing {
  /** Metadata: the images that the network was trained on, such as {@code 28x28x1}. */
  public static final String IMAGE = "image";

  /** Metadata: how images of another size are brought to that. */
  public static final String FILTER = "filter";

  /** The only filter: PIL's bilinear one, shorter side, then the centre. */
  public static final String TRIANGLE = "triangle";

  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
  private static final int LEVELS = 256;

  private final String network;
  private final Architecture.Input image;
  private final float @Nullable [][] tables;

  private Preprocessing(String network, Architecture.Input image, float @Nullable [][] tables) {
    this.network = network;
    this.image = image;
    this.tables = tables;
  }

  /**
   * {@return the preprocessing that metadata tells; without a filter, as in files of earlier
   * versions, it is the same one}
   *
   * @param architecture the network
   * @param metadata of its weights
   * @throws SextantException if mean or deviation is not one number per channel, or a deviation is
   *     not positive; if it is for images of another size than the network's, or by another filter
   */
  public static Preprocessing of(Architecture architecture, Map<String, String> metadata) {
    Architecture.Input input = architecture.input();
    require(metadata, IMAGE, size(input));
    require(metadata, FILTER, TRIANGLE);
    int channels = input.channels();
    double[] mean = numbers(metadata, CompiledModel.MEAN, channels);
    double[] deviation = numbers(metadata, CompiledModel.DEVIATION, channels);
    for (int c = 0; deviation != null && c < channels; c++) {
      if (!(deviation[c] > 0)) {
        throw new SextantException(
            String.format(
                Locale.ROOT, "weights: metadata deviation %s is not positive", deviation[c]));
      }
    }
    if (mean == null || deviation == null) {
      return new Preprocessing(architecture.name(), input, null);
    }
    float[][] tables = new float[channels][LEVELS];
    for (int c = 0; c < channels; c++) {
      for (int level = 0; level < LEVELS; level++) {
        tables[c][level] = (float) ((level / 255.0 - mean[c]) / deviation[c]);
      }
    }
    return new Preprocessing(architecture.name(), input, tables);
  }

  private static void require(Map<String, String> metadata, String key, String expected) {
    String actual = metadata.getOrDefault(key, expected);
    if (!actual.equals(expected)) {
      throw new SextantException(
          String.format(
              Locale.ROOT, "weights: metadata %s is '%s', needs %s", key, actual, expected));
    }
  }

  private static String size(Architecture.Input image) {
    return String.format(Locale.ROOT, "%dx%dx%d", image.height(), image.width(), image.channels());
  }

  /**
   * Puts the metadata that {@link #of} reads.
   *
   * @param image what the network was trained on
   * @param mean per channel, of pixels scaled to [0, 1]
   * @param deviation per channel, of pixels scaled to [0, 1]
   * @param metadata where the texts go
   */
  public static void record(
      Architecture.Input image, float[] mean, float[] deviation, Map<String, String> metadata) {
    metadata.put(CompiledModel.MEAN, joined(mean));
    metadata.put(CompiledModel.DEVIATION, joined(deviation));
    metadata.put(IMAGE, size(image));
    metadata.put(FILTER, TRIANGLE);
  }

  private static String joined(float[] values) {
    StringBuilder text = new StringBuilder();
    for (float value : values) {
      text.append(text.isEmpty() ? "" : ",").append(value);
    }
    return text.toString();
  }

  /** {@return the images that the network takes} */
  public Architecture.Input image() {
    return image;
  }

  /**
   * {@return an image as the network takes it, {@code [height, width, channels]}, unsigned bytes}
   *
   * @param any an image of any size, gray or in colour
   * @throws SextantException if the image has another number of channels and one of the two is
   *     neither gray nor in colour
   */
  public byte[] fit(Pixels any) {
    int channels = image.channels();
    if (any.channels() != channels
        && (Math.min(any.channels(), channels) != 1 || Math.max(any.channels(), channels) != 3)) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: takes images of %d channels, and the image has %d",
              network,
              channels,
              any.channels()));
    }
    Pixels colored = any.withChannels(channels);
    if (any.height() == image.height() && any.width() == image.width()) {
      return colored.values();
    }
    byte[] fitted = new byte[image.height() * image.width() * channels];
    Resampler.resizeAndCrop(colored, image.height(), image.width(), fitted, 0);
    return fitted;
  }

  private int elements() {
    return image.height() * image.width() * image.channels();
  }

  /**
   * How many images a segment holds.
   *
   * @throws SextantException if they are none, more than the batch, or not whole, or cannot be read
   */
  int count(String what, MemorySegment images, int elementBytes, int batch) {
    requireOpen(what, images);
    long bytes = (long) elements() * elementBytes;
    long count = images.byteSize() / bytes;
    if (count < 1 || count > batch || images.byteSize() % bytes != 0) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "model: %s has %d bytes, needs %d for an image, of which there may be 1 to %d",
              what,
              images.byteSize(),
              bytes,
              batch));
    }
    return (int) count;
  }

  /** Callers are not all checked for nullness, and a null is said by its name. */
  static <T> T given(String what, @Nullable T value) {
    if (value == null) {
      throw new SextantException("model: " + what + " is null");
    }
    return value;
  }

  /** Checks that this thread can reach a segment. */
  static void requireOpen(String what, MemorySegment segment) {
    if (!segment.scope().isAlive()) {
      throw new SextantException("model: the memory of " + what + " is closed");
    }
    if (!segment.isAccessibleBy(Thread.currentThread())) {
      throw new SextantException("model: the memory of " + what + " belongs to another thread");
    }
  }

  /** Puts normalised images of either order where the kernels read them, channels last. */
  void copy(MemorySegment images, int count, Order order, float[] to, int at) {
    if (order == Order.CHANNELS_LAST) {
      MemorySegment.copy(images, FLOAT, 0, to, at, count * elements());
      return;
    }
    int channels = image.channels();
    int pixels = image.height() * image.width();
    long from = 0;
    for (int n = 0; n < count; n++) {
      for (int c = 0; c < channels; c++) {
        int target = at + n * pixels * channels + c;
        for (int pixel = 0; pixel < pixels; pixel++) {
          to[target + pixel * channels] = images.get(FLOAT, (from + pixel) * Float.BYTES);
        }
        from += pixels;
      }
    }
  }

  private static double @Nullable [] numbers(
      Map<String, String> metadata, String key, int channels) {
    String text = metadata.get(key);
    if (text == null) {
      return null;
    }
    double[] numbers = new double[channels];
    String[] parts = text.split(",", -1);
    if (parts.length != channels) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "weights: metadata %s '%s' is not one number for each of %d channels",
              key,
              text,
              channels));
    }
    for (int c = 0; c < channels; c++) {
      try {
        numbers[c] = Double.parseDouble(parts[c].strip());
      } catch (NumberFormatException e) {
        throw new SextantException(
            String.format(
                Locale.ROOT, "weights: metadata %s '%s' is not a list of numbers", key, text),
            e);
      }
      if (!Double.isFinite(numbers[c])) {
        throw new SextantException(
            String.format(Locale.ROOT, "weights: metadata %s '%s' is not finite", key, text));
      }
    }
    return numbers;
  }

  private float[][] tables() {
    if (tables == null) {
      throw new SextantException(
          network
              + ": the weights do not say mean and deviation of the training pixels (their"
              + " metadata was lost?); set them by Weights.withMetadata, or run images that are"
              + " normalised");
    }
    return tables;
  }

  /** Scales pixels {@code [.., channels]} into floats of the same order. */
  void scale(byte[] pixels, float[] out, int at) {
    float[][] tables = tables();
    for (int c = 0; c < tables.length; c++) {
      float[] table = tables[c];
      for (int i = c; i < pixels.length; i += tables.length) {
        out[at + i] = table[Byte.toUnsignedInt(pixels[i])];
      }
    }
  }

  /** Scales the pixels of some images into floats {@code [images, .., channels]}. */
  void scale(MemorySegment pixels, int images, Order order, float[] out, int at) {
    boolean planar = order == Order.PLANAR;
    float[][] tables = tables();
    int channels = tables.length;
    int count = (int) (pixels.byteSize() / images / channels);
    int step = planar ? 1 : channels;
    for (int image = 0; image < images; image++) {
      for (int c = 0; c < channels; c++) {
        float[] table = tables[c];
        int first = image * count * channels;
        int from = first + c * (planar ? count : 1);
        int to = at + first + c;
        for (int i = 0; i < count; i++) {
          byte pixel = pixels.get(ValueLayout.JAVA_BYTE, from + (long) i * step);
          out[to + i * channels] = table[Byte.toUnsignedInt(pixel)];
        }
      }
    }
  }
}
