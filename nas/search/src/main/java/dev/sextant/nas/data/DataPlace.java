package dev.sextant.nas.data;

import dev.sextant.nas.data.file.DataTree;
import dev.sextant.tensor.SextantException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** Says which folder to give, where the one that was given is a level too high or too low. */
final class DataPlace {
  private static final int DEEPEST = 3;

  /** Folders that are looked into: enough for an archive as it unpacks. */
  private static final int MOST_FOLDERS = 200;

  private static final int MOST_NAMED = 3;

  private static final List<String> ARCHIVES =
      List.of(".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz");

  private final DataTree tree;
  private final List<Path> found = new ArrayList<>();
  private int looked;

  private DataPlace(DataTree tree) {
    this.tree = tree;
  }

  /**
   * Refuses a folder that has no class folders with images in it.
   *
   * @param nested whether class folders may hold folders alone
   * @throws SextantException saying what it is instead, and what to give
   */
  static void check(DataTree tree, boolean nested) {
    if (CifarFiles.isPickled(tree)) {
      throw new SextantException(
          tree.root()
              + ": holds CIFAR as Python pickles, which can run any code and are not read (get its"
              + " binary version, cifar-10-binary.tar.gz or cifar-100-binary.tar.gz)");
    }
    DataPlace place = new DataPlace(tree);
    if (place.isClasses(tree.root())) {
      return;
    }
    place.search(tree.root(), 1);
    if (!place.found.isEmpty() && !nested) {
      String more = place.found.size() > MOST_NAMED ? " or others" : "";
      long folders = tree.list().stream().filter(DataTree.Entry::isFolder).count();
      String classes =
          folders > 1 ? " (or --nested-folders, if each of its folders is a class)" : "";
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: is one level too high, give %s",
              tree.root(),
              place.found.stream()
                      .limit(MOST_NAMED)
                      .map(Path::toString)
                      .collect(Collectors.joining(" or "))
                  + more
                  + classes));
    }
    List<DataTree.Entry> entries = tree.list();
    if (entries.stream().anyMatch(DataTree.Entry::isFolder)) {
      return; // What is wrong with the class folders is said where they are read.
    }
    if (place.hasImages(tree.root())) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: holds images but no folder for each class, give the folder that does, such as"
                  + " %s",
              tree.root(),
              tree.root().toAbsolutePath().normalize().getParent()));
    }
    for (DataTree.Entry entry : entries) {
      if (ARCHIVES.stream().anyMatch(entry.name().toLowerCase(Locale.ROOT)::endsWith)) {
        throw new SextantException(entry.path() + ": is an archive and has to be unpacked first");
      }
    }
    throw new SextantException(
        tree.root()
            + ": holds no images (expected IDX files, CIFAR .bin files or a folder of PNG or JPEG"
            + " files for each class)");
  }

  private void search(Path folder, int depth) {
    for (DataTree.Entry entry : tree.list(folder)) {
      if (entry.isFolder() && looked++ < MOST_FOLDERS) {
        DataTree inner = new DataTree(entry.path(), true);
        if (IdxFiles.recognise(inner)
            || CifarFiles.recognise(inner)
            || CifarFiles.isPickled(inner)
            || isClasses(entry.path())) {
          found.add(entry.path());
        } else if (depth < DEEPEST) {
          search(entry.path(), depth + 1);
        }
      }
    }
  }

  /** Whether it has a part of class folders, or two class folders with images in them. */
  private boolean isClasses(Path folder) {
    int classes = 0;
    for (DataTree.Entry entry : tree.list(folder)) {
      if (entry.isFolder()) {
        boolean part = entry.name().toLowerCase(Locale.ROOT).startsWith("train");
        if (hasImages(entry.path()) && ++classes == 2
            || part && tree.list(entry.path()).stream().anyMatch(DataTree.Entry::isFolder)) {
          return true;
        }
      }
    }
    return false;
  }

  private boolean hasImages(Path folder) {
    return tree.list(folder).stream()
        .map(entry -> entry.name().toLowerCase(Locale.ROOT))
        .anyMatch(name -> name.endsWith(".png") || name.endsWith(".jpg") || name.endsWith(".jpeg"));
  }
}
