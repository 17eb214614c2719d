package dev.sextant.runtime.image;

/**
 * Bilinear resizing whose filter widens with the reduction, so that small images do not alias (as
 * PIL does it), with a centre crop.
 */
public final class Resampler {
  /** For each output pixel the first input pixel and the weights from there on. */
  private record Filter(int[] first, float[][] weights) {}

  private Resampler() {}

  /**
   * Resizes the shorter side to {@code size}, keeps the centre, writes {@code [size, size, C]}.
   *
   * @param image of any size
   * @param size of both sides, in pixels
   * @param target where the pixels go
   * @param at where the first byte goes
   */
  public static void resizeAndCrop(Pixels image, int size, byte[] target, int at) {
    resizeAndCrop(image, size, size, target, at);
  }

  /**
   * Resizes until one side fits and the other is as long or longer, keeps the centre, writes {@code
   * [height, width, C]}.
   *
   * @param image of any size
   * @param height in pixels
   * @param width in pixels
   * @param target where the pixels go
   * @param at where the first byte goes
   */
  public static void resizeAndCrop(Pixels image, int height, int width, byte[] target, int at) {
    double scale = Math.min((double) image.height() / height, (double) image.width() / width);
    resample(
        image,
        filter(image.height(), height, scale),
        filter(image.width(), width, scale),
        target,
        at);
  }

  /**
   * Resizes both sides, whatever becomes of their ratio, and writes {@code [height, width, C]}.
   *
   * @param image of any size
   * @param height rows to write
   * @param width columns to write
   * @param target where the pixels go
   * @param at where the first byte goes
   */
  public static void stretch(Pixels image, int height, int width, byte[] target, int at) {
    resample(
        image,
        filter(image.height(), height, (double) image.height() / height),
        filter(image.width(), width, (double) image.width() / width),
        target,
        at);
  }

  private static void resample(
      Pixels image, Filter vertical, Filter horizontal, byte[] target, int at) {
    int channels = image.channels();
    int height = vertical.first.length;
    int width = horizontal.first.length;
    int firstRow = vertical.first[0];
    int lastRow = vertical.first[height - 1] + vertical.weights[height - 1].length;
    float[] rows = new float[(lastRow - firstRow) * width * channels];
    for (int y = firstRow; y < lastRow; y++) {
      for (int x = 0; x < width; x++) {
        float[] weights = horizontal.weights[x];
        for (int c = 0; c < channels; c++) {
          float sum = 0;
          int from = (y * image.width() + horizontal.first[x]) * channels + c;
          for (int k = 0; k < weights.length; k++) {
            sum += weights[k] * (image.values()[from + k * channels] & 0xFF);
          }
          rows[((y - firstRow) * width + x) * channels + c] = sum;
        }
      }
    }
    int rowLength = width * channels;
    for (int y = 0; y < height; y++) {
      float[] weights = vertical.weights[y];
      int from = (vertical.first[y] - firstRow) * rowLength;
      for (int i = 0; i < rowLength; i++) {
        float sum = 0.5f;
        for (int k = 0; k < weights.length; k++) {
          sum += weights[k] * rows[from + k * rowLength + i];
        }
        target[at + y * rowLength + i] = (byte) (int) Math.min(255, sum);
      }
    }
  }

  /** The middle {@code size} output pixels of an axis of that length, reduced by {@code scale}. */
  private static Filter filter(int length, int size, double scale) {
    double start = (length - size * scale) / 2;
    double reach = Math.max(1, scale);
    int[] first = new int[size];
    float[][] weights = new float[size][];
    for (int i = 0; i < size; i++) {
      double center = start + (i + 0.5) * scale;
      int from = (int) Math.max(0, Math.floor(center - reach + 0.5));
      int to = (int) Math.min(length, Math.floor(center + reach + 0.5));
      float[] line = new float[to - from];
      double sum = 0;
      for (int k = 0; k < line.length; k++) {
        double weight = Math.max(0, 1 - Math.abs(from + k + 0.5 - center) / reach);
        line[k] = (float) weight;
        sum += weight;
      }
      for (int k = 0; k < line.length; k++) {
        line[k] /= (float) sum;
      }
      first[i] = from;
      weights[i] = line;
    }
    return new Filter(first, weights);
  }
}
