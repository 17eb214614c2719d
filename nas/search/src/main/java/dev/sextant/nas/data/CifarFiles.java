package dev.sextant.nas.data;

import dev.sextant.nas.data.file.DataFile;
import dev.sextant.nas.data.file.DataTree;
import dev.sextant.tensor.SextantException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * CIFAR-10 and CIFAR-100 binary files (Krizhevsky 2009), each plain or {@code .gz}: {@code
 * data_batch_1.bin} to {@code data_batch_5.bin} and {@code test_batch.bin}, or any {@code
 * train*.bin} with any {@code test*.bin}. A record is the label (CIFAR-100: coarse, then fine,
 * which is used) and 32 x 32 pixels as three planes.
 */
final class CifarFiles {
  private static final int SIZE = 32;
  private static final int PLANE = SIZE * SIZE;
  private static final List<String> CIFAR10_NAMES =
      List.of(
          "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck");

  /** What a browser or a desktop calls a second copy: it would be read as a further batch. */
  private static final Pattern COPY =
      Pattern.compile(".*( ?\\(\\d+\\)|[ _-]+[Cc]opy( \\d+)?)\\.bin(\\.gz)?");

  private static final List<String> BATCHES =
      List.of(
          "data_batch_1.bin",
          "data_batch_2.bin",
          "data_batch_3.bin",
          "data_batch_4.bin",
          "data_batch_5.bin");

  private CifarFiles() {}

  /** Whether a folder holds training files of this kind. */
  static boolean recognise(DataTree tree) {
    return !matching(tree, "data_batch_").isEmpty() || !matching(tree, "train").isEmpty();
  }

  /**
   * Whether a folder holds CIFAR as Python pickles: {@code data_batch_1} with {@code batches.meta},
   * or {@code train} and {@code test} with {@code meta}.
   */
  static boolean isPickled(DataTree tree) {
    Set<String> names =
        tree.list().stream()
            .filter(DataTree.Entry::isFile)
            .map(DataTree.Entry::name)
            .collect(Collectors.toSet());
    return names.contains("data_batch_1")
        || names.contains("batches.meta")
        || names.containsAll(List.of("train", "test", "meta"));
  }

  /** CIFAR-100 if the records of the first training file are 3,074 bytes and not 3,073. */
  static DataFormat variant(DataTree tree) {
    Path first = trainFiles(tree).getFirst();
    try (DataFile file = new DataFile(first)) {
      long bytes = file.promisedByFile();
      if (bytes % recordBytes(DataFormat.CIFAR10) == 0) {
        return DataFormat.CIFAR10;
      }
      if (bytes % recordBytes(DataFormat.CIFAR100) == 0) {
        return DataFormat.CIFAR100;
      }
      throw file.wrong(
          String.format(
              Locale.ROOT,
              "is truncated or not CIFAR: %d bytes are a multiple of neither 3073 nor 3074",
              bytes));
    }
  }

  /** Reads a folder as {@link DataFormat#CIFAR10} or {@link DataFormat#CIFAR100}. */
  static ImageDataset open(DataTree tree, DataFormat variant) {
    boolean fine = variant == DataFormat.CIFAR100;
    int classes = fine ? 100 : 10;
    List<Path> testFiles = matching(tree, "test");
    if (testFiles.isEmpty()) {
      throw new SextantException(tree.root() + ": test_batch.bin or test*.bin[.gz] is missing");
    }
    Images train = read(tree.root(), trainFiles(tree), variant, classes);
    Images test = read(tree.root(), testFiles, variant, classes);
    List<String> names;
    if (fine) {
      names = ClassNames.read(tree, "fine_label_names.txt", classes);
    } else if (tree.list().stream().anyMatch(entry -> entry.name().equals("batches.meta.txt"))) {
      names = ClassNames.read(tree, "batches.meta.txt", classes);
    } else {
      names = CIFAR10_NAMES;
    }
    return ImageDataset.of(tree.root().toString(), names, train, test);
  }

  private static List<Path> trainFiles(DataTree tree) {
    List<Path> batches = matching(tree, "data_batch_");
    if (batches.isEmpty()) {
      List<Path> train = matching(tree, "train");
      if (train.isEmpty()) {
        throw new SextantException(
            tree.root() + ": data_batch_1.bin to data_batch_5.bin or train*.bin[.gz] is missing");
      }
      return train;
    }
    for (String name : BATCHES) {
      if (batches.stream().noneMatch(path -> stem(path).equals(name))) {
        throw new SextantException(
            String.format(Locale.ROOT, "%s: %s is missing", tree.root(), name));
      }
    }
    for (Path path : batches) {
      if (!BATCHES.contains(stem(path))) {
        throw new SextantException(
            path + ": is none of CIFAR's five training files (move it elsewhere)");
      }
    }
    return batches;
  }

  /** Files called {@code prefix*.bin} or {@code prefix*.bin.gz}, by name; a plain twin wins. */
  private static List<Path> matching(DataTree tree, String prefix) {
    List<Path> found = new ArrayList<>();
    String previous = "";
    for (DataTree.Entry entry : tree.list()) {
      String stem = stem(entry.path());
      // A twin comes right after the plain file, whose name its own begins with.
      if (entry.name().startsWith(prefix)
          && stem.endsWith(".bin")
          && !COPY.matcher(entry.name()).matches()
          && !entry.isFolder()
          && !stem.equals(previous)) {
        entry.requireReadable();
        found.add(entry.path());
        previous = stem;
      }
    }
    return found;
  }

  private static String stem(Path path) {
    String name = path.getFileName().toString();
    return name.endsWith(".gz") ? name.substring(0, name.length() - 3) : name;
  }

  private static int recordBytes(DataFormat variant) {
    return (variant == DataFormat.CIFAR100 ? 2 : 1) + 3 * PLANE;
  }

  private static Images read(Path folder, List<Path> files, DataFormat variant, int classes) {
    int recordBytes = recordBytes(variant);
    long count = 0;
    for (Path path : files) {
      try (DataFile file = new DataFile(path)) {
        long bytes = file.promisedByFile();
        file.promise(bytes, 4 * (bytes / recordBytes));
        if (bytes == 0) {
          throw file.wrong("holds no images");
        }
        if (bytes % recordBytes != 0) {
          throw file.wrong(
              String.format(
                  Locale.ROOT,
                  "is truncated or not %s: %d bytes are not a multiple of %d",
                  variant.id(),
                  bytes,
                  recordBytes));
        }
        count += bytes / recordBytes;
      }
    }
    Images images = Images.allocate(folder.toString(), count, SIZE, SIZE, 3);
    byte[] record = new byte[recordBytes];
    int index = 0;
    for (Path path : files) {
      try (DataFile file = new DataFile(path)) {
        long records = file.promisedByFile() / recordBytes;
        for (long i = 0; i < records; i++, index++) {
          file.read(record, 0, recordBytes);
          int label = record[recordBytes - 3 * PLANE - 1] & 0xFF;
          if (label >= classes) {
            throw file.wrong(
                String.format(
                    Locale.ROOT,
                    "label %d of image %d is out of range (there are %d classes)",
                    label,
                    i,
                    classes));
          }
          images.setLabel(index, label);
          interleave(record, recordBytes - 3 * PLANE, images.chunk(index), images.offset(index));
        }
        file.end();
      }
    }
    return images;
  }

  private static void interleave(byte[] planes, int from, byte[] pixels, int to) {
    for (int p = 0; p < PLANE; p++) {
      pixels[to + 3 * p] = planes[from + p];
      pixels[to + 3 * p + 1] = planes[from + PLANE + p];
      pixels[to + 3 * p + 2] = planes[from + 2 * PLANE + p];
    }
  }
}
