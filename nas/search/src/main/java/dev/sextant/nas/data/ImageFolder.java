package dev.sextant.nas.data;

import dev.sextant.nas.data.DataOptions.Color;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/**
 * A folder of PNG and JPEG files for each class: {@code train/CLASS/*} and {@code test/CLASS/*} (or
 * {@code val}), or {@code CLASS/*}, of which a seeded, stratified tenth becomes the test part.
 * Classes and files are taken in the order of their names.
 */
final class ImageFolder {
  private static final double TEST_FRACTION = 0.1;
  private static final List<String> TEST_NAMES = List.of("test", "val", "validation");
  private static final Set<String> TEXT =
      Set.of("txt", "md", "rst", "csv", "json", "html", "xml", "yaml", "yml", "db", "ini");

  /** One image file and its class. */
  private record Entry(Path path, int label) {}

  private ImageFolder() {}

  /** Whether there is a folder in it that may be a class. */
  static boolean recognise(Path folder) {
    return !list(folder, true).isEmpty();
  }

  static ImageDataset open(Path folder, DataOptions options) {
    Path train = folder.resolve("train");
    if (!Files.isDirectory(train)) {
      return openUnsplit(folder, options);
    }
    Path test =
        TEST_NAMES.stream()
            .map(folder::resolve)
            .filter(Files::isDirectory)
            .findFirst()
            .orElseThrow(
                () -> new SextantException(folder + ": has train but no test or val folder"));
    List<String> classes = classes(train);
    List<Entry> trainEntries = entries(train, classes);
    List<Entry> testEntries = entries(test, classes);
    List<Entry> all = new ArrayList<>(trainEntries);
    all.addAll(testEntries);
    Layout layout = layout(all, options);
    return ImageDataset.of(
        folder.toString(),
        classes,
        decode(train, trainEntries, layout),
        decode(test, testEntries, layout));
  }

  private static ImageDataset openUnsplit(Path folder, DataOptions options) {
    List<String> classes = classes(folder);
    List<Entry> entries = entries(folder, classes);
    Layout layout = layout(entries, options);
    int[] labels = entries.stream().mapToInt(Entry::label).toArray();
    Split split = Split.stratified(labels, TEST_FRACTION, options.splitSeed());
    return ImageDataset.of(
        folder.toString(),
        classes,
        decode(folder, pick(entries, split.train()), layout),
        decode(folder, pick(entries, split.validation()), layout));
  }

  private static List<Entry> pick(List<Entry> entries, int[] indices) {
    return Arrays.stream(indices).mapToObj(entries::get).toList();
  }

  private static List<String> classes(Path folder) {
    List<String> names =
        list(folder, true).stream().map(path -> path.getFileName().toString()).toList();
    if (names.isEmpty()) {
      throw new SextantException(folder + ": has no class folders");
    }
    return names;
  }

  private static List<Entry> entries(Path folder, List<String> classes) {
    for (Path path : list(folder, false)) {
      if (!isText(path)) {
        throw new SextantException(path + ": lies outside the class folders");
      }
    }
    Map<String, Integer> labels = new HashMap<>();
    for (int k = 0; k < classes.size(); k++) {
      labels.put(classes.get(k), k);
    }
    List<Entry> entries = new ArrayList<>();
    for (Path directory : list(folder, true)) {
      Integer label = labels.get(directory.getFileName().toString());
      if (label == null) {
        throw new SextantException(directory + ": is a class without training images");
      }
      for (Path nested : list(directory, true)) {
        throw new SextantException(nested + ": is a folder within a class folder");
      }
      int before = entries.size();
      for (Path path : list(directory, false)) {
        if (!isText(path)) {
          entries.add(new Entry(path, label));
        }
      }
      if (entries.size() == before) {
        throw new SextantException(directory + ": is a class folder without images");
      }
    }
    if (entries.isEmpty()) {
      throw new SextantException(folder + ": has no class folders");
    }
    return entries;
  }

  /** Folders or files that are not hidden, by name. */
  private static List<Path> list(Path folder, boolean directories) {
    List<Path> found = new ArrayList<>();
    try (var paths = Files.newDirectoryStream(folder)) {
      for (Path path : paths) {
        boolean hidden = path.getFileName().toString().startsWith(".");
        if (!hidden && Files.isDirectory(path) == directories) {
          found.add(path);
        }
      }
    } catch (IOException e) {
      throw DataFile.unreadable(folder, e);
    }
    found.sort((a, b) -> a.getFileName().toString().compareTo(b.getFileName().toString()));
    return found;
  }

  /** Notes that lie beside images: README, LICENSE, lists and what desktops leave behind. */
  private static boolean isText(Path path) {
    String name = path.getFileName().toString().toLowerCase(Locale.ROOT);
    int dot = name.lastIndexOf('.');
    return dot < 0
        ? name.startsWith("readme") || name.startsWith("license")
        : TEXT.contains(name.substring(dot + 1));
  }

  /** The size that all images get. */
  private record Layout(int height, int width, int channels, boolean resize) {}

  /** Reads the headers alone, so that nothing is decoded that would be refused. */
  private static Layout layout(List<Entry> entries, DataOptions options) {
    ImageFile.Header[] headers = new ImageFile.Header[entries.size()];
    forEach(headers.length, i -> headers[i] = ImageFile.header(entries.get(i).path()));
    boolean gray =
        switch (options.color()) {
          case GRAY -> true;
          case RGB -> false;
          case AUTO -> Arrays.stream(headers).allMatch(ImageFile.Header::gray);
        };
    int channels = gray ? 1 : 3;
    if (options.imageSize() > 0) {
      return new Layout(options.imageSize(), options.imageSize(), channels, true);
    }
    Map<Long, Integer> votes = new HashMap<>();
    long common = 0;
    for (ImageFile.Header header : headers) {
      long size = (long) header.height() << 32 | header.width();
      if (votes.merge(size, 1, Integer::sum) > votes.getOrDefault(common, 0)) {
        common = size;
      }
    }
    int height = (int) (common >> 32);
    int width = (int) common;
    for (int i = 0; i < headers.length; i++) {
      if (headers[i].height() != height || headers[i].width() != width) {
        throw new SextantException(
            "%s: is %d x %d pixels, most images are %d x %d (choose an image size to resize them)"
                .formatted(
                    entries.get(i).path(), headers[i].width(), headers[i].height(), width, height));
      }
    }
    return new Layout(height, width, channels, false);
  }

  private static Images decode(Path part, List<Entry> entries, Layout layout) {
    Images images =
        Images.allocate(
            part.toString(), entries.size(), layout.height(), layout.width(), layout.channels());
    forEach(
        entries.size(),
        i -> {
          Entry entry = entries.get(i);
          ImageFile.Decoded decoded =
              ImageFile.decode(entry.path(), layout.channels() == 1 ? Color.GRAY : Color.RGB);
          images.setLabel(i, entry.label());
          if (layout.resize()) {
            Resampler.resizeAndCrop(decoded, layout.height(), images.chunk(i), images.offset(i));
          } else if (decoded.height() == layout.height() && decoded.width() == layout.width()) {
            System.arraycopy(
                decoded.pixels(), 0, images.chunk(i), images.offset(i), decoded.pixels().length);
          } else {
            throw new SextantException(entry.path() + ": changed while it was read");
          }
        });
    return images;
  }

  /** In parallel; of several errors the one of the first file, so that it is always the same. */
  private static void forEach(int count, IntConsumer body) {
    SextantException[] errors = new SextantException[count];
    IntStream.range(0, count)
        .parallel()
        .forEach(
            i -> {
              try {
                body.accept(i);
              } catch (SextantException e) {
                errors[i] = e;
              }
            });
    for (SextantException error : errors) {
      if (error != null) {
        throw error;
      }
    }
  }
}
