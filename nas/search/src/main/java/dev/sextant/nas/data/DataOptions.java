package dev.sextant.nas.data;

import dev.sextant.tensor.SextantException;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * How a data set is to be read.
 *
 * @param format the format, or null to recognise it from the files
 * @param imageSize height and width that images are resized to (shorter side, then centre crop), or
 *     0 to leave them as they are; those of a folder must share one size then
 * @param color channels of the images
 * @param splitSeed decides which images of a folder without a test part become the test part
 * @param nestedFolders whether images in folders within a class folder belong to that class
 * @param skipDamaged whether image files that cannot be read are left out
 * @param followLinks whether symbolic links out of the folder are followed
 * @param own values of the own options of an {@link ImageSource}, by {@code NAME.OPTION}
 */
public record DataOptions(
    @Nullable DataFormat format,
    int imageSize,
    Color color,
    long splitSeed,
    boolean nestedFolders,
    boolean skipDamaged,
    boolean followLinks,
    SequencedMap<String, String> own) {

  /** Channels of images. */
  public enum Color {
    /** As they are; of a folder gray if every file is gray, otherwise RGB. */
    AUTO,
    /** One channel; colours become luma (ITU-R 601). */
    GRAY,
    /** Three channels; gray is repeated. */
    RGB
  }

  /** Recognise the format, keep the size, test split by seed 0. */
  public static final DataOptions DEFAULT =
      new DataOptions(null, 0, Color.AUTO, 0, false, false, false, new LinkedHashMap<>());

  private static final int LARGEST_SIZE = 4096;

  /** Checks the image size. */
  public DataOptions {
    if (imageSize < 0 || imageSize > LARGEST_SIZE) {
      throw new SextantException(
          "image size %d is not between 1 and %d".formatted(imageSize, LARGEST_SIZE));
    }
    own =
        own == null
            ? new LinkedHashMap<>()
            : Collections.unmodifiableSequencedMap(new LinkedHashMap<>(own));
  }

  /**
   * {@return these options with that format}
   *
   * @param chosen in place of the present one
   */
  public DataOptions withFormat(DataFormat chosen) {
    return new DataOptions(
        chosen, imageSize, color, splitSeed, nestedFolders, skipDamaged, followLinks, own);
  }

  /**
   * {@return these options with that image size in pixels}
   *
   * @param pixels height and width of every image; 0 keeps their own
   */
  public DataOptions withImageSize(int pixels) {
    return new DataOptions(
        format, pixels, color, splitSeed, nestedFolders, skipDamaged, followLinks, own);
  }

  /**
   * {@return these options with those channels}
   *
   * @param chosen in place of the present one
   */
  public DataOptions withColor(Color chosen) {
    return new DataOptions(
        format, imageSize, chosen, splitSeed, nestedFolders, skipDamaged, followLinks, own);
  }

  /**
   * {@return these options with that seed of the test split}
   *
   * @param seed of the split into training and test images
   */
  public DataOptions withSplitSeed(long seed) {
    return new DataOptions(
        format, imageSize, color, seed, nestedFolders, skipDamaged, followLinks, own);
  }

  /**
   * {@return these options with images of folders within class folders, or without}
   *
   * @param taken whether such images are taken
   */
  public DataOptions withNestedFolders(boolean taken) {
    return new DataOptions(
        format, imageSize, color, splitSeed, taken, skipDamaged, followLinks, own);
  }

  /**
   * {@return these options with damaged images left out, or refused}
   *
   * @param skipped whether damaged images are left out
   */
  public DataOptions withSkipDamaged(boolean skipped) {
    return new DataOptions(
        format, imageSize, color, splitSeed, nestedFolders, skipped, followLinks, own);
  }

  /**
   * {@return these options with links out of the folder followed, or refused}
   *
   * @param followed whether such links are followed
   */
  public DataOptions withFollowLinks(boolean followed) {
    return new DataOptions(
        format, imageSize, color, splitSeed, nestedFolders, skipDamaged, followed, own);
  }

  /**
   * {@return these options with values of the own options of an image source}
   *
   * @param values by name
   */
  public DataOptions withOwn(Map<String, String> values) {
    return new DataOptions(
        format,
        imageSize,
        color,
        splitSeed,
        nestedFolders,
        skipDamaged,
        followLinks,
        new LinkedHashMap<>(values));
  }
}
