package dev.sextant.nas.data;

import dev.sextant.nas.data.FolderReader.LabelledFile;
import dev.sextant.nas.data.file.DataFile;
import dev.sextant.nas.data.file.DataTree;
import dev.sextant.nas.data.file.FileNames;
import dev.sextant.tensor.SextantException;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A text file that says the classes of images which lie side by side: a file name, with or without
 * its ending, and a class a line, apart by a tab, a comma, a semicolon or a blank; what follows
 * does not matter. So are written Tiny ImageNet's {@code val_annotations.txt}, Kaggle's {@code
 * LOC_val_solution.csv} and Caffe's {@code val.txt}, whose classes are numbers in the order of
 * their names from 0.
 *
 * <p>It lies among the images' part, or beside the part with the part's name in its own.
 */
final class ClassList {
  private static final long LARGEST_FILE = 1 << 26;

  private final List<String> classes;
  private @Nullable Path file;

  /** Looks for the list of a part. */
  ClassList(DataTree tree, DataTree.Entry part, List<String> classes) {
    this.classes = classes;
    List<DataTree.Entry> lists = new ArrayList<>(tree.list(part.path()));
    String name = part.name().toLowerCase(Locale.ROOT);
    for (DataTree.Entry entry : tree.list()) {
      if (entry.name().toLowerCase(Locale.ROOT).contains(name)) {
        lists.add(entry);
      }
    }
    for (DataTree.Entry entry : lists) {
      String lower = entry.name().toLowerCase(Locale.ROOT);
      if (file == null
          && entry.isFile()
          && (lower.endsWith(".txt") || lower.endsWith(".csv") || lower.endsWith(".tsv"))
          && isPairs(entry.path())) {
        file = entry.path();
      }
    }
  }

  /** Whether there is one. */
  boolean isFound() {
    return file != null;
  }

  /** ImageNet's ground truth is numbers alone, by a table of its own, and of no use here. */
  private static boolean isPairs(Path path) {
    try (BufferedReader lines = Files.newBufferedReader(path)) {
      String first = lines.readLine();
      return first != null && split(first).length > 1;
    } catch (IOException e) {
      throw DataFile.unreadable(path, e);
    }
  }

  private static String[] split(String line) {
    String separator =
        line.contains("\t") ? "\t" : line.contains(",") ? "," : line.contains(";") ? ";" : "\\s+";
    String[] parts = line.strip().split(separator, 3);
    for (int i = 0; i < parts.length; i++) {
      parts[i] = parts[i].strip().replaceAll("^\"|\"$", "");
    }
    return parts;
  }

  /**
   * The images with their classes.
   *
   * @throws SextantException if one has none, or one that is unknown
   */
  List<LabelledFile> label(List<DataTree.Entry> images) {
    Path path = Objects.requireNonNull(file);
    Map<String, Integer> byName = read(path);
    List<LabelledFile> labelled = new ArrayList<>();
    for (DataTree.Entry image : images) {
      image.requireReadable();
      String name = FileNames.composed(image.name());
      Integer label = byName.get(name);
      if (label == null) {
        label = byName.get(stem(name));
      }
      if (label == null) {
        throw new SextantException("%s: %s does not say its class".formatted(image.path(), path));
      }
      labelled.add(new LabelledFile(image.path(), label));
    }
    return labelled;
  }

  private Map<String, Integer> read(Path path) {
    Map<String, Integer> byName = new HashMap<>();
    Map<String, Integer> labels = new HashMap<>();
    for (int k = 0; k < classes.size(); k++) {
      labels.put(classes.get(k), k);
      labels.putIfAbsent(Integer.toString(k), k);
    }
    try {
      if (Files.size(path) > LARGEST_FILE) {
        throw new SextantException(path + ": is too long for a list of images");
      }
      int number = 0;
      for (String line : Files.readString(path).replace("\uFEFF", "").lines().toList()) {
        number++;
        String[] parts = split(line);
        if (line.isBlank()) {
          continue;
        }
        // Kaggle's lists give boxes after the class.
        String name = parts.length < 2 ? "" : FileNames.composed(parts[1].split("\\s+", 2)[0]);
        Integer label = labels.get(name);
        if (label == null) {
          label = parts.length < 2 ? null : labels.get(FileNames.composed(parts[1]));
        }
        if (label == null && number == 1) {
          continue; // the header
        }
        if (label == null) {
          throw new SextantException(
              "%s: line %d: '%s' is no class of the training images".formatted(path, number, name));
        }
        String image = FileNames.composed(parts[0]);
        byName.put(image.substring(image.lastIndexOf('/') + 1), label);
      }
    } catch (IOException e) {
      throw DataFile.unreadable(path, e);
    }
    return byName;
  }

  private static String stem(String name) {
    int dot = name.lastIndexOf('.');
    return dot < 0 ? name : name.substring(0, dot);
  }
}
