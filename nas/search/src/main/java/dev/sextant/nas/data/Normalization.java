package dev.sextant.nas.data;

import dev.sextant.runtime.CompiledModel;
import dev.sextant.tensor.SextantException;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Maps a byte b of channel c to {@code (b / 255 - mean[c]) / deviation[c]}.
 *
 * @param mean per channel, of pixels scaled to [0, 1]
 * @param deviation per channel, of pixels scaled to [0, 1], positive
 */
public record Normalization(float[] mean, float[] deviation) {
  /** A channel that never changes has deviation 0; one grey level stands in, so it maps to 0. */
  private static final float SMALLEST_DEVIATION = 1 / 255f;

  /** Copies and checks. */
  public Normalization {
    mean = mean.clone();
    deviation = deviation.clone();
    if (mean.length != deviation.length || mean.length == 0) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "normalization: %d means for %d deviations",
              mean.length,
              deviation.length));
    }
    for (int c = 0; c < mean.length; c++) {
      if (!Float.isFinite(mean[c]) || !Float.isFinite(deviation[c]) || deviation[c] <= 0) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "normalization: channel %d has mean %s and deviation %s",
                c,
                mean[c],
                deviation[c]));
      }
    }
  }

  /**
   * {@return mean and population deviation of every channel, exact: the sums are of integers}
   *
   * @param images training images
   */
  public static Normalization of(Images images) {
    int channels = images.channels();
    Histogram histogram = new Histogram(channels);
    if (images.isInArrays()) {
      for (byte[] chunk : images.chunks()) {
        histogram.add(chunk);
      }
    } else {
      IntStream.range(0, images.count())
          .parallel()
          .forEach(
              i -> {
                byte[] pixels = new byte[images.imageBytes()];
                images.copyPixels(i, pixels, 0);
                histogram.addShared(pixels);
              });
    }
    return histogram.normalization();
  }

  /** How often each byte comes, by channel. */
  static final class Histogram {
    private final long[][] counts;

    Histogram(int channels) {
      counts = new long[channels][256];
    }

    void add(byte[] pixels) {
      int channels = counts.length;
      for (int i = 0; i < pixels.length; i += channels) {
        for (int c = 0; c < channels; c++) {
          counts[c][pixels[i + c] & 0xFF]++;
        }
      }
    }

    /** The same from any thread. */
    void addShared(byte[] pixels) {
      Histogram own = new Histogram(counts.length);
      own.add(pixels);
      synchronized (this) {
        for (int c = 0; c < counts.length; c++) {
          for (int v = 0; v < 256; v++) {
            counts[c][v] += own.counts[c][v];
          }
        }
      }
    }

    Normalization normalization() {
      return of(counts, Arrays.stream(counts[0]).sum());
    }
  }

  private static Normalization of(long[][] histogram, double pixels) {
    int channels = histogram.length;
    float[] mean = new float[channels];
    float[] deviation = new float[channels];
    for (int c = 0; c < channels; c++) {
      long sum = 0;
      for (int v = 0; v < 256; v++) {
        sum += v * histogram[c][v];
      }
      double average = sum / pixels;
      double squares = 0;
      for (int v = 0; v < 256; v++) {
        squares += histogram[c][v] * (v - average) * (v - average);
      }
      mean[c] = (float) (average / 255);
      deviation[c] = Math.max(SMALLEST_DEVIATION, (float) (Math.sqrt(squares / pixels) / 255));
    }
    return new Normalization(mean, deviation);
  }

  /**
   * {@return what the metadata of a model says of the images it was trained on, if anything}
   *
   * @param metadata of the model's file
   * @param channels of the images
   * @throws SextantException if it is damaged, or of images of other channels
   */
  public static Optional<Normalization> of(Map<String, String> metadata, int channels) {
    String mean = metadata.get(CompiledModel.MEAN);
    String deviation = metadata.get(CompiledModel.DEVIATION);
    return mean == null || deviation == null
        ? Optional.empty()
        : Optional.of(new Normalization(floats(mean, channels), floats(deviation, channels)));
  }

  private static float[] floats(String text, int channels) {
    String[] parts = text.split(",", -1);
    float[] values = new float[parts.length];
    try {
      for (int i = 0; i < values.length; i++) {
        values[i] = Float.parseFloat(parts[i].strip());
      }
    } catch (NumberFormatException e) {
      throw new SextantException(
          String.format(Locale.ROOT, "weights: '%s' is no mean or deviation of pixels", text), e);
    }
    if (values.length != channels) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "weights: '%s' is not one number for each of %d channels",
              text,
              channels));
    }
    return values;
  }

  /** {@return channels C} */
  public int channels() {
    return mean.length;
  }

  /** The normalised value of byte b in channel c, at index {@code c * 256 + b}. */
  float[] table() {
    float[] table = new float[256 * mean.length];
    for (int c = 0; c < mean.length; c++) {
      for (int b = 0; b < 256; b++) {
        table[c * 256 + b] = (b / 255f - mean[c]) / deviation[c];
      }
    }
    return table;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Normalization that
        && Arrays.equals(mean, that.mean)
        && Arrays.equals(deviation, that.deviation);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(mean) + Arrays.hashCode(deviation);
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT, "mean %s, deviation %s", Arrays.toString(mean), Arrays.toString(deviation));
  }
}
