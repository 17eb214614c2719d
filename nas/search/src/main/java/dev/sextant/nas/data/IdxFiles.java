package dev.sextant.nas.data;

import dev.sextant.nas.data.file.DataFile;
import dev.sextant.nas.data.file.DataTree;
import dev.sextant.tensor.SextantException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * MNIST and its relatives: {@code train-images-idx3-ubyte}, {@code train-labels-idx1-ubyte} and the
 * same with {@code t10k} or {@code test}, optionally {@code .gz}, optionally {@code .idx3-ubyte};
 * class names in {@code classes.txt} if it exists. Names may begin with that of a set, as those of
 * EMNIST ({@code emnist-letters-train-images-idx3-ubyte}, class names in {@code
 * emnist-letters-mapping.txt}; its images lie on their side, as published) and of QMNIST, whose
 * labels are the first of the eight numbers a row of {@code qmnist-train-labels-idx2-int}. Format:
 * LeCun, "The MNIST database", IDX.
 */
final class IdxFiles {
  private static final int UNSIGNED_BYTE = 0x08;

  /** The magic number of rows of 32-bit integers. */
  private static final int INT_ROWS = 0x0C02;

  /** QMNIST has 8: the class, then where a digit came from. */
  private static final int MOST_COLUMNS = 64;

  private static final int MOST_CLASSES = 1 << 16;

  private static final Pattern NAME =
      Pattern.compile(
          "(?:(?<set>.+)-)?(?<part>train|t10k|test)-(?<what>images-idx3|images\\.idx3"
              + "|labels-idx[12]|labels\\.idx[12])-(?:ubyte|int)(?<zip>\\.gz)?");

  private final DataTree tree;
  private final String set;
  // By "train images" and the like; the plain file wins over its gzip, a dash over a dot.
  private final Map<String, Path> files = new TreeMap<>();

  private IdxFiles(DataTree tree, String set) {
    this.tree = tree;
    this.set = set;
  }

  /** Whether a folder looks like these files, even if some of them are missing. */
  static boolean recognise(DataTree tree) {
    return tree.list().stream().anyMatch(entry -> file(tree, entry).isPresent());
  }

  /**
   * Such a file: Kaggle's archive of MNIST unpacks each into a folder of its own name, beside good
   * ones with a dot.
   */
  private static Optional<DataTree.Entry> file(DataTree tree, DataTree.Entry entry) {
    if (!NAME.matcher(entry.name()).matches()) {
      return Optional.empty();
    }
    return entry.isFolder()
        ? tree.list(entry.path()).stream()
            .filter(inner -> inner.name().equals(entry.name()) && !inner.isFolder())
            .findFirst()
        : Optional.of(entry);
  }

  static ImageDataset open(DataTree tree) {
    Map<String, IdxFiles> sets = new TreeMap<>();
    // In order of names: "-" comes before ".", and a name before the same with ".gz".
    for (DataTree.Entry entry : tree.list()) {
      Optional<DataTree.Entry> file = file(tree, entry);
      Matcher name = NAME.matcher(entry.name());
      if (file.isEmpty() || !name.matches()) {
        continue;
      }
      String set = Optional.ofNullable(name.group("set")).orElse("");
      IdxFiles found = sets.computeIfAbsent(set, _ -> new IdxFiles(tree, set));
      String what = name.group("what").substring(0, 6);
      String part = name.group("part").equals("train") ? "train" : "test";
      String key = part + " " + what;
      boolean plain = name.group("zip") == null;
      if (!found.files.containsKey(key) || plain && found.isZip(key)) {
        file.get().requireReadable();
        found.files.put(key, file.get().path());
      }
    }
    if (sets.size() > 1) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: holds several data sets (%s); put the files of one into a folder of their own",
              tree.root(),
              sets.keySet().stream()
                  .map(name -> name.isEmpty() ? "train, t10k" : name)
                  .collect(Collectors.joining("; "))));
    }
    return (sets.isEmpty() ? new IdxFiles(tree, "") : sets.values().iterator().next()).dataset();
  }

  private boolean isZip(String key) {
    return String.valueOf(files.get(key)).endsWith(".gz");
  }

  private ImageDataset dataset() {
    Images train = part("train");
    Images test = part("test");
    int classes = train.labelBound();
    checkClasses(train, classes);
    List<String> names =
        set.toLowerCase(Locale.ROOT).startsWith("emnist")
            ? ClassNames.readMapping(tree, set + "-mapping.txt", classes)
            : ClassNames.read(tree, "classes.txt", classes);
    return ImageDataset.of(tree.root().toString(), names, train, test);
  }

  private Path require(String part, String what, String kind) {
    Path path = files.get(part + " " + what);
    if (path == null) {
      String prefix = set.isEmpty() ? "" : set + "-";
      String name = part.equals("test") && set.isEmpty() ? "t10k" : part;
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: %s%s-%s-%s-ubyte[.gz] is missing",
              tree.root(),
              prefix,
              name,
              what,
              kind));
    }
    return path;
  }

  private Images part(String part) {
    Path pixels = require(part, "images", "idx3");
    Path labels = require(part, "labels", "idx1");
    Images images;
    try (DataFile file = new DataFile(pixels)) {
      int magic = magic(file);
      require(file, magic, 3, "images (count, height, width)");
      images = readPixels(pixels, file, sizes(file, 3, 1));
    }
    try (DataFile file = new DataFile(labels)) {
      readLabels(file, images, pixels);
    }
    return images;
  }

  private static void readLabels(DataFile file, Images images, Path pixels) {
    int magic = magic(file);
    boolean rows = magic == INT_ROWS;
    if (!rows) {
      require(file, magic, 1, "labels (count)");
    }
    int[] sizes = sizes(file, rows ? 2 : 1, rows ? 4 : 1);
    if (sizes[0] != images.count()) {
      throw file.wrong(
          String.format(
              Locale.ROOT,
              "has %d labels for the %d images of %s",
              sizes[0],
              images.count(),
              pixels));
    }
    if (rows && sizes[1] > MOST_COLUMNS) {
      throw file.wrong(String.format(Locale.ROOT, "has %d numbers a label", sizes[1]));
    }
    byte[] rest = new byte[rows ? 4 * (sizes[1] - 1) : 0];
    byte[] label = new byte[1];
    for (int i = 0; i < sizes[0]; i++) {
      if (rows) {
        images.setLabel(i, file.readInt());
        file.read(rest, 0, rest.length);
        if (images.label(i) < 0 || images.label(i) >= MOST_CLASSES) {
          throw file.wrong(
              String.format(Locale.ROOT, "label %d of image %d is no class", images.label(i), i));
        }
      } else {
        file.read(label, 0, 1);
        images.setLabel(i, label[0] & 0xFF);
      }
    }
    file.end();
  }

  private static int magic(DataFile file) {
    int magic = file.readInt();
    if (magic >>> 16 != 0) {
      throw file.wrong(
          String.format(Locale.ROOT, "is not an IDX file (it begins with 0x%08X)", magic));
    }
    return magic;
  }

  private static void require(DataFile file, int magic, int rank, String meaning) {
    if (magic >> 8 != UNSIGNED_BYTE) {
      throw file.wrong(
          String.format(
              Locale.ROOT,
              "holds elements of IDX type 0x%02X, images need unsigned bytes (0x08)",
              magic >> 8));
    }
    if ((magic & 0xFF) != rank) {
      throw file.wrong(
          String.format(Locale.ROOT, "has %d dimensions, %s have %d", magic & 0xFF, meaning, rank));
    }
  }

  private static int[] sizes(DataFile file, int rank, int elementBytes) {
    int[] sizes = new int[rank];
    long bytes = elementBytes;
    for (int i = 0; i < rank; i++) {
      sizes[i] = file.readInt();
      if (sizes[i] < 0) {
        throw file.wrong(
            String.format(Locale.ROOT, "has a negative size %d in its header", sizes[i]));
      }
      if (sizes[i] == 0) {
        throw file.wrong(String.format(Locale.ROOT, "is empty: size %d in its header is 0", i));
      }
      if (bytes > Long.MAX_VALUE / sizes[i] - 1024) {
        throw file.wrong("promises more than 2^63 bytes");
      }
      bytes *= sizes[i];
    }
    // An image has its label as an int.
    file.promise(bytes + 4 + 4L * rank, rank == 3 ? 4L * sizes[0] : 0);
    return sizes;
  }

  private static Images readPixels(Path path, DataFile file, int[] sizes) {
    Images images = Images.allocate(path.toString(), sizes[0], sizes[1], sizes[2], 1);
    for (byte[] chunk : images.chunks()) {
      file.read(chunk, 0, chunk.length);
    }
    file.end();
    return images;
  }

  /**
   * Labels are bytes and the files do not say how many classes there are: it is the largest label
   * and one more, and a class without an image means that a label is damaged. Class 0 alone may be
   * empty (EMNIST letters count from 1).
   */
  private void checkClasses(Images images, int classes) {
    boolean[] seen = new boolean[classes];
    for (int i = 0; i < images.count(); i++) {
      seen[images.label(i)] = true;
    }
    for (int k = 1; k < classes; k++) {
      if (!seen[k]) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "%s: label %d is out of range (no training image has label %d)",
                require("train", "labels", "idx1"),
                classes - 1,
                k));
      }
    }
  }
}
