package dev.sextant.nas.data;

import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Names of classes beside the images: a text file with one name on each line. */
final class ClassNames {
  private static final long LARGEST_FILE = 1 << 20;

  private ClassNames() {}

  /** The names in that file of a folder, or the numbers of the classes if there is none. */
  static List<String> read(Path folder, String file, int classes) {
    Path path = folder.resolve(file);
    List<String> names = new ArrayList<>();
    if (!Files.exists(path)) {
      for (int k = 0; k < classes; k++) {
        names.add(Integer.toString(k));
      }
      return names;
    }
    try {
      if (Files.size(path) > LARGEST_FILE) {
        throw new SextantException(path + ": is too long for a list of class names");
      }
      for (String line : Files.readAllLines(path)) {
        if (!line.isBlank()) {
          names.add(line.strip());
        }
      }
    } catch (IOException e) {
      throw DataFile.unreadable(path, e);
    }
    if (names.size() < classes) {
      throw new SextantException(
          "%s: names %d classes, the labels have %d".formatted(path, names.size(), classes));
    }
    return names;
  }
}
