package dev.sextant.nas.data;

import dev.sextant.nas.data.FolderReader.LabelledFile;
import dev.sextant.nas.data.file.DataFile;
import dev.sextant.nas.data.file.DataTree;
import dev.sextant.nas.data.file.FileNames;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * The classes of a folder that holds one for each, and the image files in such folders. Names in
 * Unicode's composed form: train and test may come from different systems.
 */
final class ClassFolders {
  private static final Set<String> TEXT =
      Set.of(
          "txt", "md", "rst", "csv", "tsv", "json", "html", "xml", "yaml", "yml", "db", "ini",
          "mat");

  private final DataTree tree;
  private final boolean nested;
  private final List<String> names = new ArrayList<>();
  private final Map<String, Integer> labels = new HashMap<>();

  private ClassFolders(DataTree tree, boolean nested) {
    this.tree = tree;
    this.nested = nested;
  }

  /**
   * The classes in a folder of a tree.
   *
   * @param nested whether images of folders within a class folder belong to the class
   */
  static ClassFolders of(DataTree tree, Path folder, boolean nested) {
    ClassFolders classes = new ClassFolders(tree, nested);
    for (DataTree.Entry entry : tree.list(folder)) {
      entry.requireReadable();
      if (entry.isFolder()) {
        String name = FileNames.composed(entry.name());
        if (classes.labels.putIfAbsent(name, classes.names.size()) != null) {
          throw new SextantException(
              "%s: is a second class folder '%s', whose letters are put in another form of Unicode"
                  .formatted(entry.path(), name));
        }
        classes.names.add(name);
      }
    }
    if (classes.names.isEmpty()) {
      throw new SextantException(folder + ": has no class folders");
    }
    return classes;
  }

  /** The classes, by label. */
  List<String> names() {
    return names;
  }

  /** Whether any of the classes has a folder there. */
  boolean isIn(Path part) {
    return tree.list(part).stream()
        .anyMatch(
            entry -> entry.isFolder() && labels.containsKey(FileNames.composed(entry.name())));
  }

  /** The image files of a part, class after class. */
  List<LabelledFile> files(Path part) {
    List<LabelledFile> files = new ArrayList<>();
    for (DataTree.Entry entry : tree.list(part)) {
      entry.requireReadable();
      if (!entry.isFolder()) {
        if (isImage(entry)) {
          throw new SextantException(entry.path() + ": lies outside the class folders");
        }
        continue;
      }
      Integer label = labels.get(FileNames.composed(entry.name()));
      if (label == null) {
        throw new SextantException(entry.path() + ": is a class without training images");
      }
      int before = files.size();
      collect(entry.path(), label, nested, new HashSet<>(), files);
      if (files.size() == before) {
        throw new SextantException(entry.path() + ": is a class folder without images");
      }
    }
    if (files.isEmpty()) {
      throw new SextantException(part + ": has no class folders");
    }
    return files;
  }

  private void collect(
      Path folder, int label, boolean deep, Set<Path> above, List<LabelledFile> files) {
    List<DataTree.Entry> entries = tree.list(folder);
    // Tiny ImageNet's classes hold their images in a folder of that name.
    boolean wrapped =
        entries.stream().noneMatch(ClassFolders::isImage)
            && entries.stream().filter(DataTree.Entry::isFolder).count() == 1
            && entries.stream().anyMatch(e -> e.isFolder() && e.name().equals("images"));
    for (DataTree.Entry entry : entries) {
      entry.requireReadable();
      if (isImage(entry)) {
        files.add(new LabelledFile(entry.path(), label));
      } else if (entry.isFolder() && (deep || wrapped)) {
        Path real = real(entry.path());
        if (!above.add(real)) {
          throw new SextantException(entry.path() + ": is a link to a folder it lies in");
        }
        collect(entry.path(), label, deep, above, files);
        above.remove(real);
      } else if (entry.isFolder()) {
        throw new SextantException(
            entry.path()
                + ": is a folder within a class folder (--nested-folders takes its images for the"
                + " class)");
      }
    }
  }

  private static Path real(Path folder) {
    try {
      return folder.toRealPath();
    } catch (IOException e) {
      throw DataFile.unreadable(folder, e);
    }
  }

  /** Whether it is a file and none of the notes that lie beside images. */
  static boolean isImage(DataTree.Entry entry) {
    if (entry.isFolder()) {
      return false;
    }
    String name = entry.name().toLowerCase(Locale.ROOT);
    int dot = name.lastIndexOf('.');
    boolean note =
        dot < 0
            ? name.startsWith("readme") || name.startsWith("license")
            : TEXT.contains(name.substring(dot + 1));
    return !note;
  }
}
