package dev.sextant.nas.data;

import dev.sextant.tensor.SextantException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Objects;

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

  /** Opens with {@link DataOptions#DEFAULT}. */
  public static ImageDataset open(String source) {
    return open(source, DataOptions.DEFAULT);
  }

  /** Opens a folder with {@link DataOptions#DEFAULT}. */
  public static ImageDataset open(Path folder) {
    return open(folder, DataOptions.DEFAULT);
  }

  /**
   * Opens {@code builtin}, {@code builtin:N} (N generated training images and N/4 test images, 28 x
   * 28, gray, 10 classes; always the same) or a folder.
   *
   * @throws SextantException if it cannot be read or is not what its format says; the message names
   *     the file
   */
  public static ImageDataset open(String source, DataOptions options) {
    if (isBuiltin(source) && (options.format() == null || options.format() == DataFormat.BUILTIN)) {
      refuseSize(source, options);
      return SyntheticImages.dataset(builtinCount(source));
    }
    try {
      return open(Path.of(source), options);
    } catch (InvalidPathException e) {
      throw new SextantException("data '%s' is not a path".formatted(source), e);
    }
  }

  /** The same source wherever the working directory is: for a run that is continued later. */
  public static String absolute(String source) {
    return isBuiltin(source) ? source : Path.of(source).toAbsolutePath().normalize().toString();
  }

  private static boolean isBuiltin(String source) {
    return source.equals(BUILTIN) || source.startsWith(BUILTIN + ":");
  }

  /** Opens a folder. */
  public static ImageDataset open(Path folder, DataOptions options) {
    if (!Files.exists(folder)) {
      throw new SextantException(folder + ": there is no such folder of images");
    }
    if (!Files.isDirectory(folder)) {
      throw new SextantException(folder + ": is a file, the folder that holds it is needed");
    }
    DataFormat format = Objects.requireNonNullElseGet(options.format(), () -> recognise(folder));
    if (format != DataFormat.FOLDER) {
      refuseSize(folder.toString(), options);
    }
    return switch (format) {
      case IDX -> IdxFiles.open(folder);
      case CIFAR10, CIFAR100 -> CifarFiles.open(folder, format);
      case FOLDER -> ImageFolder.open(folder, options);
      case BUILTIN ->
          throw new SextantException(folder + ": is a folder, builtin images are generated");
    };
  }

  private static DataFormat recognise(Path folder) {
    if (IdxFiles.recognise(folder)) {
      return DataFormat.IDX;
    }
    if (CifarFiles.recognise(folder)) {
      return CifarFiles.variant(folder);
    }
    if (ImageFolder.recognise(folder)) {
      return DataFormat.FOLDER;
    }
    throw new SextantException(
        folder
            + ": holds no images (expected IDX files, CIFAR .bin files or a folder of PNG or JPEG"
            + " files for each class)");
  }

  private static void refuseSize(String source, DataOptions options) {
    if (options.imageSize() != 0 || options.color() != DataOptions.Color.AUTO) {
      throw new SextantException(
          source + ": only image folders can be read at another size or with other channels");
    }
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
