package dev.sextant.nas.data;

import dev.sextant.tensor.SextantException;
import org.jspecify.annotations.Nullable;

/**
 * How a data set is to be read.
 *
 * @param format the format, or null to recognise it from the files
 * @param imageSize height and width that the images of a folder are resized to (shorter side, then
 *     centre crop), or 0 to require that they share one size; other formats have one size already
 *     and refuse any other
 * @param color channels of the images of a folder
 * @param splitSeed decides which images of a folder without a test part become the test part
 */
public record DataOptions(@Nullable DataFormat format, int imageSize, Color color, long splitSeed) {

  /** Channels of folder images. */
  public enum Color {
    /** Gray if every file is gray, otherwise RGB. */
    AUTO,
    /** One channel; colours become luma (ITU-R 601). */
    GRAY,
    /** Three channels; gray is repeated. */
    RGB
  }

  /** Recognise the format, keep the size, test split by seed 0. */
  public static final DataOptions DEFAULT = new DataOptions(null, 0, Color.AUTO, 0);

  private static final int LARGEST_SIZE = 4096;

  /** Checks the image size. */
  public DataOptions {
    if (imageSize < 0 || imageSize > LARGEST_SIZE) {
      throw new SextantException(
          "image size %d is not between 1 and %d".formatted(imageSize, LARGEST_SIZE));
    }
  }

  /** These options with that format. */
  public DataOptions withFormat(DataFormat chosen) {
    return new DataOptions(chosen, imageSize, color, splitSeed);
  }

  /** These options with that image size in pixels. */
  public DataOptions withImageSize(int pixels) {
    return new DataOptions(format, pixels, color, splitSeed);
  }

  /** These options with those channels. */
  public DataOptions withColor(Color chosen) {
    return new DataOptions(format, imageSize, chosen, splitSeed);
  }

  /** These options with that seed of the test split. */
  public DataOptions withSplitSeed(long seed) {
    return new DataOptions(format, imageSize, color, seed);
  }
}
