package dev.sextant.nas.data;

import dev.sextant.tensor.SextantException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * MNIST and its relatives: {@code train-images-idx3-ubyte}, {@code train-labels-idx1-ubyte} and the
 * same with {@code t10k}, optionally {@code .gz}, optionally {@code .idx3-ubyte}; class names in
 * {@code classes.txt} if it exists. Format: LeCun, "The MNIST database", IDX.
 */
final class IdxFiles {
  private static final int UNSIGNED_BYTE = 0x08;

  private IdxFiles() {}

  /** Whether a folder looks like these files, even if some of them are missing. */
  static boolean recognise(Path folder) {
    for (String part : List.of("train", "t10k")) {
      if (find(folder, part + "-images", "idx3") != null
          || find(folder, part + "-labels", "idx1") != null) {
        return true;
      }
    }
    return false;
  }

  static ImageDataset open(Path folder) {
    Images train = part(folder, "train");
    Images test = part(folder, "t10k");
    int classes = train.labelBound();
    checkClasses(folder, train, classes);
    return ImageDataset.of(
        folder.toString(), ClassNames.read(folder, "classes.txt", classes), train, test);
  }

  private static @Nullable Path find(Path folder, String stem, String kind) {
    for (String separator : List.of("-", ".")) {
      for (String suffix : List.of("", ".gz")) {
        Path path = folder.resolve(stem + separator + kind + "-ubyte" + suffix);
        if (Files.exists(path)) {
          return path;
        }
      }
    }
    return null;
  }

  private static Path require(Path folder, String stem, String kind) {
    Path path = find(folder, stem, kind);
    if (path == null) {
      throw new SextantException("%s: %s-%s-ubyte[.gz] is missing".formatted(folder, stem, kind));
    }
    return path;
  }

  private static Images part(Path folder, String part) {
    Path pixels = require(folder, part + "-images", "idx3");
    Path labels = require(folder, part + "-labels", "idx1");
    Images images;
    try (DataFile file = new DataFile(pixels)) {
      int[] sizes = header(file, 3, "images (count, height, width)");
      images = readPixels(pixels, file, sizes);
    }
    try (DataFile file = new DataFile(labels)) {
      int count = header(file, 1, "labels (count)")[0];
      if (count != images.count()) {
        throw file.wrong(
            "has %d labels for the %d images of %s".formatted(count, images.count(), pixels));
      }
      byte[] values = new byte[count];
      file.read(values, 0, count);
      file.end();
      for (int i = 0; i < count; i++) {
        images.setLabel(i, values[i] & 0xFF);
      }
    }
    return images;
  }

  private static int[] header(DataFile file, int rank, String meaning) {
    int magic = file.readInt();
    if (magic >>> 16 != 0) {
      throw file.wrong("is not an IDX file (it begins with 0x%08X)".formatted(magic));
    }
    if (magic >> 8 != UNSIGNED_BYTE) {
      throw file.wrong(
          "holds elements of IDX type 0x%02X, images need unsigned bytes (0x08)"
              .formatted(magic >> 8));
    }
    if ((magic & 0xFF) != rank) {
      throw file.wrong("has %d dimensions, %s have %d".formatted(magic & 0xFF, meaning, rank));
    }
    int[] sizes = new int[rank];
    long bytes = 1;
    for (int i = 0; i < rank; i++) {
      sizes[i] = file.readInt();
      if (sizes[i] < 0) {
        throw file.wrong("has a negative size %d in its header".formatted(sizes[i]));
      }
      if (sizes[i] == 0) {
        throw file.wrong("is empty: size %d in its header is 0".formatted(i));
      }
      if (bytes > Long.MAX_VALUE / sizes[i]) {
        throw file.wrong("promises more than 2^63 bytes");
      }
      bytes *= sizes[i];
    }
    file.promise(bytes + 4 + 4L * rank);
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
  private static void checkClasses(Path folder, Images images, int classes) {
    boolean[] seen = new boolean[classes];
    for (int i = 0; i < images.count(); i++) {
      seen[images.label(i)] = true;
    }
    for (int k = 1; k < classes; k++) {
      if (!seen[k]) {
        throw new SextantException(
            "%s: label %d is out of range (no training image has label %d)"
                .formatted(require(folder, "train-labels", "idx1"), classes - 1, k));
      }
    }
  }
}
