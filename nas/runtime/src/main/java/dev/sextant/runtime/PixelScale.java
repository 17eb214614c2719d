package dev.sextant.runtime;

import dev.sextant.tensor.SextantException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Turns unsigned bytes into what a network was trained on, by one table per channel. Where the
 * metadata lacks the mean or the deviation it refuses to: other programs drop metadata when they
 * write a file again, and any scale would be a guess that costs accuracy without a word. Immutable.
 */
final class PixelScale {
  private static final int LEVELS = 256;

  private final String network;
  private final float @Nullable [][] tables;

  private PixelScale(String network, float @Nullable [][] tables) {
    this.network = network;
    this.tables = tables;
  }

  /**
   * The scale that metadata tells.
   *
   * @throws SextantException if it is not one number per channel, or a deviation is not positive
   */
  static PixelScale of(Architecture architecture, Map<String, String> metadata) {
    int channels = architecture.input().channels();
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
      return new PixelScale(architecture.name(), null);
    }
    float[][] tables = new float[channels][LEVELS];
    for (int c = 0; c < channels; c++) {
      for (int level = 0; level < LEVELS; level++) {
        tables[c][level] = (float) ((level / 255.0 - mean[c]) / deviation[c]);
      }
    }
    return new PixelScale(architecture.name(), tables);
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
  void apply(byte[] pixels, float[] out, int at) {
    float[][] tables = tables();
    for (int c = 0; c < tables.length; c++) {
      float[] table = tables[c];
      for (int i = c; i < pixels.length; i += tables.length) {
        out[at + i] = table[Byte.toUnsignedInt(pixels[i])];
      }
    }
  }

  /**
   * Scales the pixels of some images into floats {@code [images, .., channels]}.
   *
   * @param planar whether an image is {@code [channels, ..]}, not {@code [.., channels]}
   */
  void apply(MemorySegment pixels, int images, boolean planar, float[] out, int at) {
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
