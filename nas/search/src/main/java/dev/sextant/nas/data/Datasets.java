package dev.sextant.nas.data;

import dev.sextant.nas.data.file.DataTree;
import dev.sextant.nas.data.file.FileNames;
import dev.sextant.nas.data.pack.ImageLayout;
import dev.sextant.nas.data.pack.Pack;
import dev.sextant.nas.data.pack.PackHeader;
import dev.sextant.nas.data.pack.PackWriter;
import dev.sextant.nas.data.pack.PixelStore;
import dev.sextant.tensor.SextantException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.IntStream;

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
   * @param source {@code builtin}, {@code builtin:N}, a folder, a pack, or {@code NAME:LOCATION}
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
   * @param source {@code builtin}, {@code builtin:N}, a folder, a pack, or {@code NAME:LOCATION}
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
   * @param source {@code builtin}, {@code builtin:N}, a folder, a pack, or {@code NAME:LOCATION}
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
   * Opens a folder or a pack.
   *
   * @param folder of images
   * @param options how to read them
   * @return training and test images
   */
  public static ImageDataset open(Path folder, DataOptions options) {
    return open(folder, options, false);
  }

  private static ImageDataset open(Path folder, DataOptions options, boolean encoded) {
    Optional<ImageSources.Located> outside =
        options.format() == null ? ImageSources.recognising(folder) : Optional.empty();
    if (outside.isPresent()) {
      return outside.get().open(options);
    }
    if (Pack.isPack(folder)) {
      return openPack(folder).fitted(options);
    }
    requireFolder(folder);
    DataTree tree = new DataTree(folder, options.followLinks());
    DataFormat format =
        Objects.requireNonNullElseGet(options.format(), () -> recognise(tree, options));
    return switch (format) {
      case IDX -> IdxFiles.open(tree).fitted(options);
      case CIFAR10, CIFAR100 -> CifarFiles.open(tree, format).fitted(options);
      case FOLDER -> ImageFolder.open(tree, options, encoded);
      case PACK -> throw new SextantException(folder + ": is a folder, a pack is a file");
      case BUILTIN ->
          throw new SextantException(folder + ": is a folder, builtin images are generated");
    };
  }

  private static ImageDataset openPack(Path file) {
    Pack pack = Pack.open(file);
    PackHeader header = pack.header();
    return new ImageDataset(
        file.toString(),
        header.classes(),
        packed(file, header.layout(), pack.train(), pack.trainLabels()),
        packed(file, header.layout(), pack.test(), pack.testLabels()),
        new Normalization(header.mean(), header.deviation()),
        header.leftOut());
  }

  private static Images packed(Path file, ImageLayout layout, PixelStore pixels, int[] labels) {
    return Images.of(
        file.toString(), layout.height(), layout.width(), layout.channels(), pixels, labels);
  }

  /**
   * Writes images into one file, to be opened in their place: the same images in the same order
   * with the same bits, without the memory and the time that decoding them takes.
   *
   * @param source as {@link #open(String, DataOptions)} takes it
   * @param options how to read it
   * @param file of the pack, replaced if there is one
   * @param compressed whether image files stay as they are, to be decoded whenever they are asked
   *     for: a tenth of the size, as a rule, and more work in every epoch
   * @return what was written, opened
   * @throws SextantException if images cannot be read, the file cannot be written, or images that
   *     are no files are to stay such
   */
  public static ImageDataset pack(
      String source, DataOptions options, Path file, boolean compressed) {
    boolean folder =
        (options.format() == null || options.format() == DataFormat.FOLDER)
            && !isBuiltin(source)
            && ImageSources.named(source).isEmpty();
    ImageDataset data = folder ? open(path(source), options, true) : open(source, options);
    if (data.train().hasScenes()) {
      throw new SextantException(source + ": a pack has labels, no boxes");
    }
    PixelStore train = data.train().pixels();
    PixelStore test = data.test().pixels();
    ImageLayout layout =
        new ImageLayout(data.height(), data.width(), data.channels(), false, Byte.SIZE);
    if (compressed) {
      if (!(train instanceof PixelStore.Encoded files)) {
        throw new SextantException(
            source + ": has no PNG or JPEG files that a compressed pack could keep");
      }
      layout = files.layout();
    }
    PackHeader header =
        new PackHeader(
            data.classNames(),
            data.train().count(),
            data.test().count(),
            data.normalization().mean(),
            data.normalization().deviation(),
            layout,
            compressed,
            data.leftOut());
    int[] labels =
        IntStream.concat(Arrays.stream(data.train().labels()), Arrays.stream(data.test().labels()))
            .toArray();
    PackWriter.write(file, header, labels, train, test);
    return openPack(file);
  }

  /**
   * Refuses a source that is neither built in nor a folder nor a pack; does not look into it.
   *
   * @param source {@code builtin}, {@code builtin:N}, a folder, a pack, or {@code NAME:LOCATION}
   * @throws SextantException saying what it is instead
   */
  public static void requireThere(String source) {
    if (!isBuiltin(source)
        && ImageSources.named(source).isEmpty()
        && ImageSources.recognising(path(source)).isEmpty()
        && !Pack.isPack(path(source))) {
      requireFolder(path(source));
    }
  }

  /**
   * {@return the names of the classes of a folder of images, or nothing if there is none any more
   * or its format has no names; reads no image}
   *
   * @param start of paths that are not absolute
   * @param source {@code builtin}, {@code builtin:N}, a folder, a pack, or {@code NAME:LOCATION}
   * @param options how to read them
   */
  public static Optional<List<String>> classNames(Path start, String source, DataOptions options) {
    if (isBuiltin(source)) {
      return Optional.empty();
    }
    try {
      Path folder = start.resolve(path(source));
      if (Pack.isPack(folder)) {
        return Optional.of(Pack.open(folder).header().classes());
      }
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
      throw new SextantException(String.format(Locale.ROOT, "data '%s' is not a path", source), e);
    }
  }

  private static void requireFolder(Path folder) {
    if (!Files.exists(folder)) {
      if (FileNames.isGarbled(folder.toString()) || folder.toString().contains("?")) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "%s: there is no such folder of images, in a locale that has not all letters of its"
                    + " name (set LC_ALL=C.UTF-8)",
                folder));
      }
      throw new SextantException(folder + ": there is no such folder of images");
    }
    if (!Files.isDirectory(folder)) {
      throw new SextantException(
          folder + ": is a file and no pack, the folder that holds it is needed");
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
        String.format(
            Locale.ROOT,
            "data '%s': the number of images must be from %d to %d",
            source,
            SyntheticImages.SMALLEST_COUNT,
            SyntheticImages.LARGEST_COUNT));
  }
}
