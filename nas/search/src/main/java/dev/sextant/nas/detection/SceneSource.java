package dev.sextant.nas.detection;

import dev.sextant.nas.data.DataOptions;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.data.ImageSource;
import dev.sextant.nas.provider.Options;
import dev.sextant.tensor.SextantException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/**
 * Images with boxes: {@code scenes:N} (N generated training images and N/4 test images), or a
 * folder of COCO or Pascal VOC, also without {@code scenes:} before it.
 */
public final class SceneSource implements ImageSource {
  /** What is trained on where nothing is said. */
  public static final String DEFAULT = "scenes:1000";

  private static final int GENERATED_SIZE = 64;

  /** As in the papers. */
  private static final int FOLDER_SIZE = 320;

  private static final int MOST_DIGITS = 9;

  /** One for the list of sources. */
  public SceneSource() {}

  @Override
  public String id() {
    return "scenes";
  }

  @Override
  public String summary() {
    return "images with boxes: scenes:N generates N, or a folder of COCO or Pascal VOC";
  }

  @Override
  public boolean recognises(Path path) {
    return Files.isDirectory(path.resolve("JPEGImages"))
            && Files.isDirectory(path.resolve("Annotations"))
        || Files.isDirectory(path.resolve("annotations"));
  }

  @Override
  public ImageDataset open(String location, DataOptions options, Options own) {
    if (options.format() != null) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: images with boxes are no %s, leave --data-format out",
              location,
              options.format().id()));
    }
    if (options.color() == DataOptions.Color.GRAY) {
      throw new SextantException(location + ": images with boxes are read in colour");
    }
    if (options.nestedFolders() || options.skipDamaged()) {
      throw new SextantException(
          location + ": images with boxes are listed one by one: none is nested or skipped");
    }
    int size = options.imageSize();
    return isCount(location)
        ? GeneratedScenes.of(Integer.parseInt(location), size == 0 ? GENERATED_SIZE : size)
        : SceneFolder.open(
            Path.of(location),
            size == 0 ? FOLDER_SIZE : size,
            options.splitSeed(),
            options.followLinks());
  }

  @Override
  public String absolute(String location) {
    return isCount(location) ? location : ImageSource.super.absolute(location);
  }

  private static boolean isCount(String location) {
    return location.length() <= MOST_DIGITS
        && !location.isEmpty()
        && location.chars().allMatch(c -> c >= '0' && c <= '9');
  }
}
