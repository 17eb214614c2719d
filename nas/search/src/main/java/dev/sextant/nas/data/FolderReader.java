package dev.sextant.nas.data;

import dev.sextant.nas.data.image.ImageException;
import dev.sextant.nas.data.image.ImageFile;
import dev.sextant.nas.data.image.ImageHeader;
import dev.sextant.nas.data.pack.FilePixels;
import dev.sextant.nas.data.pack.ImageLayout;
import dev.sextant.tensor.SextantException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * Reads the image files of a folder: first all headers, which say size and channels, then pixels,
 * in parallel. Files that are no images are gathered, to be named at once or left out.
 */
final class FolderReader {
  private static final int MOST_NAMED = 10;

  private final Path folder;
  private final List<String> classes;
  private final DataOptions options;
  private final boolean encoded;
  private final Map<Path, ImageHeader> headers = new ConcurrentHashMap<>();
  private final Map<Path, ImageException> damaged = new ConcurrentHashMap<>();

  /** An image file and the class it belongs to. */
  record LabelledFile(Path path, int label) {}

  /**
   * A reader.
   *
   * @param encoded whether images stay files, which are decoded whenever they are asked for; those
   *     that would fill the memory always do
   */
  FolderReader(Path folder, List<String> classes, DataOptions options, boolean encoded) {
    this.encoded = encoded;
    this.folder = folder;
    this.classes = classes;
    this.options = options;
  }

  /** Reads the headers of the files of all parts. */
  void readHeaders(List<List<LabelledFile>> parts) {
    List<LabelledFile> files = parts.stream().flatMap(Collection::stream).toList();
    forEach(files, file -> headers.put(file.path(), ImageHeader.read(file.path())));
    if (headers.isEmpty()) {
      throw damage(files.size());
    }
  }

  /** The files that are not known to be damaged. */
  List<LabelledFile> good(List<LabelledFile> files) {
    return files.stream().filter(file -> !damaged.containsKey(file.path())).toList();
  }

  /**
   * Decodes the files whose headers were read.
   *
   * @throws SextantException if some are damaged and are not to be left out, or nothing of a part
   *     or of a class is left
   */
  ImageDataset dataset(List<LabelledFile> train, List<LabelledFile> test) {
    List<LabelledFile> all = new ArrayList<>(train);
    all.addAll(test);
    int files = all.size() + damaged.size();
    ImageLayout layout = layout(all);
    long bytes = (long) all.size() * layout.imageBytes();
    if (encoded || !Images.fitInMemory(bytes)) {
      return fromFiles(train, test, layout, files);
    }
    Images trainImages = decode(train, layout);
    Images testImages = decode(test, layout);
    if (!damaged.isEmpty() && !options.skipDamaged()) {
      throw damage(files);
    }
    return ImageDataset.of(
            folder.toString(), classes, left(train, trainImages), left(test, testImages))
        .withLeftOut(damaged.size());
  }

  /** Every file is decoded once, for what is damaged, and for the mean of those to train on. */
  private ImageDataset fromFiles(
      List<LabelledFile> train, List<LabelledFile> test, ImageLayout layout, int files) {
    Normalization.Histogram histogram = new Normalization.Histogram(layout.channels());
    forEach(train, file -> histogram.addShared(decoded(file, layout)));
    forEach(test, file -> decoded(file, layout));
    if (!damaged.isEmpty() && !options.skipDamaged()) {
      throw damage(files);
    }
    Images trainImages = files(good(train), layout);
    return new ImageDataset(
        folder.toString(),
        classes,
        trainImages,
        files(good(test), layout),
        histogram.normalization(),
        damaged.size());
  }

  private static byte[] decoded(LabelledFile file, ImageLayout layout) {
    byte[] pixels = new byte[layout.imageBytes()];
    decode(file, layout, pixels, 0);
    return pixels;
  }

  private Images files(List<LabelledFile> files, ImageLayout layout) {
    return Images.of(
        folder.toString(),
        layout.height(),
        layout.width(),
        layout.channels(),
        new FilePixels(files.stream().map(LabelledFile::path).toList(), layout),
        files.stream().mapToInt(LabelledFile::label).toArray());
  }

  private static void decode(LabelledFile file, ImageLayout layout, byte[] target, int at) {
    new FilePixels(List.of(file.path()), layout).read(0, target, at);
  }

  /** What is wrong, of the first files by name. */
  private SextantException damage(int files) {
    List<ImageException> errors =
        damaged.entrySet().stream()
            .sorted(Map.Entry.comparingByKey())
            .map(Map.Entry::getValue)
            .toList();
    String skip = options.skipDamaged() ? "" : " (--skip-damaged leaves such files out)";
    if (errors.size() == 1) {
      return new SextantException(errors.getFirst().getMessage() + skip, errors.getFirst());
    }
    String named =
        errors.stream()
            .limit(MOST_NAMED)
            .map(SextantException::getMessage)
            .collect(Collectors.joining("; "));
    String more =
        errors.size() > MOST_NAMED
            ? String.format(Locale.ROOT, "; and %d more", errors.size() - MOST_NAMED)
            : "";
    return new SextantException(
        String.format(
            Locale.ROOT,
            "%s: %d of %d images cannot be read%s: %s%s",
            folder,
            errors.size(),
            files,
            skip,
            named,
            more),
        errors.getFirst());
  }

  private ImageLayout layout(List<LabelledFile> files) {
    boolean gray =
        switch (options.color()) {
          case GRAY -> true;
          case RGB -> false;
          case AUTO -> files.stream().allMatch(file -> header(file).gray());
        };
    int channels = gray ? 1 : 3;
    int grayBits = grayBits(files);
    if (options.imageSize() > 0) {
      return new ImageLayout(options.imageSize(), options.imageSize(), channels, true, grayBits);
    }
    Map<Long, Integer> votes = new HashMap<>();
    long common = 0;
    for (LabelledFile file : files) {
      long size = (long) header(file).height() << 32 | header(file).width();
      if (votes.merge(size, 1, Integer::sum) > votes.getOrDefault(common, 0)) {
        common = size;
      }
    }
    int height = (int) (common >> 32);
    int width = (int) common;
    for (LabelledFile file : files) {
      ImageHeader header = header(file);
      if (header.height() != height || header.width() != width) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "%s: is %d x %d pixels, most images are %d x %d (give --image-size, such as %d, to"
                    + " resize them)",
                file.path(),
                header.width(),
                header.height(),
                width,
                height,
                Math.min(height, width)));
      }
    }
    return new ImageLayout(height, width, channels, false, grayBits);
  }

  private ImageHeader header(LabelledFile file) {
    return Objects.requireNonNull(headers.get(file.path()));
  }

  /** One range for all images: what is dark in one must be as dark in another. */
  private int grayBits(List<LabelledFile> files) {
    int[] bits = {8};
    Object lock = new Object();
    forEach(
        files.stream().filter(file -> header(file).isDeepGray()).toList(),
        file -> {
          int own = ImageFile.deepGrayBits(file.path());
          synchronized (lock) {
            bits[0] = Math.max(bits[0], own);
          }
        });
    return bits[0];
  }

  private Images decode(List<LabelledFile> files, ImageLayout layout) {
    Images images =
        Images.allocate(
            folder.toString(), files.size(), layout.height(), layout.width(), layout.channels());
    Map<Path, Integer> indices = new HashMap<>();
    for (int i = 0; i < files.size(); i++) {
      indices.put(files.get(i).path(), i);
      images.setLabel(i, files.get(i).label());
    }
    forEach(
        good(files),
        file -> {
          int i = Objects.requireNonNull(indices.get(file.path()));
          decode(file, layout, images.chunk(i), images.offset(i));
        });
    return images;
  }

  /** The images without those that turned out to be damaged. */
  private Images left(List<LabelledFile> files, Images images) {
    List<Integer> kept = new ArrayList<>();
    for (int i = 0; i < files.size(); i++) {
      if (!damaged.containsKey(files.get(i).path())) {
        kept.add(i);
      }
    }
    return kept.size() == files.size()
        ? images
        : images.select(kept.stream().mapToInt(Integer::intValue).toArray());
  }

  /**
   * In parallel; damaged images are noted, of several other errors the one of the first file is
   * thrown, so that it is always the same.
   */
  private void forEach(List<LabelledFile> files, Consumer<LabelledFile> body) {
    Map<Path, SextantException> errors = new ConcurrentHashMap<>();
    files.parallelStream()
        .forEach(
            file -> {
              try {
                body.accept(file);
              } catch (ImageException e) {
                damaged.put(file.path(), e);
              } catch (SextantException e) {
                errors.put(file.path(), e);
              }
            });
    for (LabelledFile file : files) {
      SextantException error = errors.get(file.path());
      if (error != null) {
        throw error;
      }
    }
  }
}
