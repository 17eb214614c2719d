package dev.sextant.nas.data;

import dev.sextant.nas.data.file.DataTree;
import dev.sextant.nas.data.file.FileNames;
import dev.sextant.tensor.SextantException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Opens data sets.
 *
 * <pre>{@code
 * ImageDataset shapes = Datasets.open("builtin");        // 8,000 + 2,000 generated images
 * ImageDataset fashion = Datasets.open("data/fashion");  // the format is recognised
 * }</pre>
 */
public final class Datasets {
  private static final String BUILTIN = DataFormat.BUILTIN.id();

  private Datasets() {}

  /**
   * Opens with {@link DataOptions#DEFAULT}.
   *
   * @param source {@code builtin}, {@code builtin:N}, a folder, or {@code NAME:LOCATION}
   * @return training and test images
   */
  public static ImageDataset open(String source) {
    return open(source, DataOptions.DEFAULT);
  }

  /**
   * Opens a folder with {@link DataOptions#DEFAULT}.
   *
   * @param folder of images
   * @return training and test images
   */
  public static ImageDataset open(Path folder) {
    return open(folder, DataOptions.DEFAULT);
  }

  /**
   * Opens {@code builtin}, {@code builtin:N} (N generated training images and N/4 test images, 28 x
   * 28, gray, 10 classes; always the same) or a folder.
   *
   * @param source {@code builtin}, {@code builtin:N}, a folder, or {@code NAME:LOCATION}
   * @param options how to read them
   * @return training and test images
   * @throws SextantException if it cannot be read or is not what its format says; the message names
   *     the file
   */
  public static ImageDataset open(String source, DataOptions options) {
    if (isBuiltin(source) && (options.format() == null || options.format() == DataFormat.BUILTIN)) {
      return SyntheticImages.dataset(builtinCount(source)).fitted(options);
    }
    Optional<ImageSources.Located> named = ImageSources.named(source);
    if (named.isPresent()) {
      return named.get().open(options);
    }
    return open(path(source), options);
  }

  /**
   * {@return the same source wherever the working directory is: for a run that is continued later}
   *
   * @param source {@code builtin}, {@code builtin:N}, a folder, or {@code NAME:LOCATION}
   */
  public static String absolute(String source) {
    return isBuiltin(source)
        ? source
        : ImageSources.named(source)
            .map(ImageSources.Located::absolute)
            .orElseGet(() -> path(source).toAbsolutePath().normalize().toString());
  }

  private static boolean isBuiltin(String source) {
    return source.equals(BUILTIN) || source.startsWith(BUILTIN + ":");
  }

  /**
   * Opens a folder.
   *
   * @param folder of images
   * @param options how to read them
   * @return training and test images
   */
  public static ImageDataset open(Path folder, DataOptions options) {
    Optional<ImageSources.Located> outside =
        options.format() == null ? ImageSources.recognising(folder) : Optional.empty();
    if (outside.isPresent()) {
      return outside.get().open(options);
    }
    requireFolder(folder);
    DataTree tree = new DataTree(folder, options.followLinks());
    DataFormat format =
        Objects.requireNonNullElseGet(options.format(), () -> recognise(tree, options));
    return switch (format) {
      case IDX -> IdxFiles.open(tree).fitted(options);
      case CIFAR10, CIFAR100 -> CifarFiles.open(tree, format).fitted(options);
      case FOLDER -> ImageFolder.open(tree, options);
      case BUILTIN ->
          throw new SextantException(folder + ": is a folder, builtin images are generated");
    };
  }

  /**
   * Refuses a source that is neither built in nor a folder; does not look into it.
   *
   * @param source {@code builtin}, {@code builtin:N}, a folder, or {@code NAME:LOCATION}
   * @throws SextantException saying what it is instead
   */
  public static void requireThere(String source) {
    if (!isBuiltin(source)
        && ImageSources.named(source).isEmpty()
        && ImageSources.recognising(path(source)).isEmpty()) {
      requireFolder(path(source));
    }
  }

  /**
   * {@return the names of the classes of a folder of images, or nothing if there is none any more
   * or its format has no names; reads no image}
   *
   * @param start of paths that are not absolute
   * @param source {@code builtin}, {@code builtin:N}, a folder, or {@code NAME:LOCATION}
   * @param options how to read them
   */
  public static Optional<List<String>> classNames(Path start, String source, DataOptions options) {
    if (isBuiltin(source)) {
      return Optional.empty();
    }
    try {
      Path folder = start.resolve(path(source));
      requireFolder(folder);
      DataTree tree = new DataTree(folder, options.followLinks());
      return recognise(tree, options) == DataFormat.FOLDER
          ? Optional.of(ImageFolder.classNames(tree, options))
          : Optional.empty();
    } catch (SextantException e) {
      return Optional.empty();
    }
  }

  private static Path path(String source) {
    try {
      return Path.of(source);
    } catch (InvalidPathException e) {
      throw new SextantException("data '%s' is not a path".formatted(source), e);
    }
  }

  private static void requireFolder(Path folder) {
    if (!Files.exists(folder)) {
      if (FileNames.isGarbled(folder.toString()) || folder.toString().contains("?")) {
        throw new SextantException(
            ("%s: there is no such folder of images, in a locale that has not all letters of its"
                    + " name (set LC_ALL=C.UTF-8)")
                .formatted(folder));
      }
      throw new SextantException(folder + ": there is no such folder of images");
    }
    if (!Files.isDirectory(folder)) {
      throw new SextantException(folder + ": is a file, the folder that holds it is needed");
    }
  }

  private static DataFormat recognise(DataTree tree, DataOptions options) {
    if (IdxFiles.recognise(tree)) {
      return DataFormat.IDX;
    }
    if (CifarFiles.recognise(tree)) {
      return CifarFiles.variant(tree);
    }
    DataPlace.check(tree, options.nestedFolders());
    return DataFormat.FOLDER;
  }

  private static int builtinCount(String source) {
    if (source.equals(BUILTIN)) {
      return SyntheticImages.DEFAULT_COUNT;
    }
    String count = source.substring(BUILTIN.length() + 1);
    try {
      int n = Integer.parseInt(count);
      if (n >= SyntheticImages.SMALLEST_COUNT && n <= SyntheticImages.LARGEST_COUNT) {
        return n;
      }
    } catch (NumberFormatException e) {
      // Falls through to the one message about what a count may be.
    }
    throw new SextantException(
        "data '%s': the number of images must be from %d to %d"
            .formatted(source, SyntheticImages.SMALLEST_COUNT, SyntheticImages.LARGEST_COUNT));
  }
}
