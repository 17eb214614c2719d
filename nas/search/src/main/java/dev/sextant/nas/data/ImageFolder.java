package dev.sextant.nas.data;

import dev.sextant.nas.data.FolderReader.LabelledFile;
import dev.sextant.nas.data.file.DataTree;
import dev.sextant.tensor.SextantException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * A folder of PNG and JPEG files for each class: {@code train/CLASS/*} and {@code test/CLASS/*}, or
 * {@code val} if test has no classes, or {@code CLASS/*}, of which a seeded, stratified tenth
 * becomes the test part. Classes and files are taken in the order of their names. The images of a
 * test part may also lie side by side, with a list that says their classes ({@link ClassList}).
 */
final class ImageFolder {
  private static final double TEST_FRACTION = 0.1;
  private static final Set<String> TRAIN_NAMES = Set.of("train", "training");
  private static final List<String> TEST_NAMES =
      List.of("test", "testing", "val", "valid", "validation");

  private final DataTree tree;
  private final DataOptions options;
  private final boolean encoded;

  private ImageFolder(DataTree tree, DataOptions options, boolean encoded) {
    this.tree = tree;
    this.options = options;
    this.encoded = encoded;
  }

  /** Whether there is a folder in it that may be a class. */
  static boolean recognise(DataTree tree) {
    return tree.list().stream().anyMatch(DataTree.Entry::isFolder);
  }

  /** Opens a folder; {@code encoded} as for a {@link FolderReader}. */
  static ImageDataset open(DataTree tree, DataOptions options, boolean encoded) {
    ImageFolder folder = new ImageFolder(tree, options, encoded);
    return folder.train().map(folder::openSplit).orElseGet(folder::openUnsplit);
  }

  /** The names of its classes. */
  static List<String> classNames(DataTree tree, DataOptions options) {
    Path train =
        new ImageFolder(tree, options, false).train().map(DataTree.Entry::path).orElse(tree.root());
    return ClassFolders.of(tree, train, options.nestedFolders()).names();
  }

  /** The part to train on. A class may be called train: then it holds images and no folders. */
  private Optional<DataTree.Entry> train() {
    return tree.list().stream()
        .filter(entry -> isNamed(entry, TRAIN_NAMES) && hasFolders(entry))
        .findFirst();
  }

  private static boolean isNamed(DataTree.Entry entry, Set<String> names) {
    return entry.isFolder() && names.contains(entry.name().toLowerCase(Locale.ROOT));
  }

  private boolean hasFolders(DataTree.Entry folder) {
    return tree.list(folder.path()).stream().anyMatch(DataTree.Entry::isFolder);
  }

  private ImageDataset openSplit(DataTree.Entry train) {
    ClassFolders classes = ClassFolders.of(tree, train.path(), options.nestedFolders());
    List<LabelledFile> trainFiles = classes.files(train.path());
    List<LabelledFile> testFiles = testFiles(train, classes);
    FolderReader reader = new FolderReader(tree.root(), classes.names(), options, encoded);
    reader.readHeaders(List.of(trainFiles, testFiles));
    return reader.dataset(reader.good(trainFiles), reader.good(testFiles));
  }

  /** The first of the test parts whose classes are known; several are there as a rule. */
  private List<LabelledFile> testFiles(DataTree.Entry train, ClassFolders classes) {
    List<DataTree.Entry> parts = new ArrayList<>();
    for (String name : TEST_NAMES) {
      for (DataTree.Entry entry : tree.list()) {
        if (isNamed(entry, Set.of(name))) {
          parts.add(entry);
        }
      }
    }
    if (parts.isEmpty()) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: has %s but no test or val folder (give %s to have a tenth of it held out)",
              tree.root(),
              train.name(),
              train.path()));
    }
    for (DataTree.Entry part : parts) {
      if (classes.isIn(part.path())) {
        return classes.files(part.path());
      }
    }
    DataTree.Entry first = parts.getFirst();
    boolean flatFound = false;
    for (DataTree.Entry part : parts) {
      List<DataTree.Entry> flat = flatImages(part);
      if (!flat.isEmpty()) {
        ClassList list = new ClassList(tree, part, classes.names());
        if (list.isFound()) {
          return list.label(flat);
        }
        flatFound = true;
      }
    }
    if (!flatFound) {
      // No images side by side: what is wrong with the first part's folders is said there.
      return classes.files(first.path());
    }
    throw new SextantException(
        String.format(
            Locale.ROOT,
            "%s: its images are in no class folders, and no list such as %s.txt (file name and"
                + " class a line) says their classes (give %s to have a tenth of it held out)",
            first.path(),
            first.path(),
            train.path()));
  }

  /** Images that lie in a part itself, or in its only folder, {@code images}. */
  private List<DataTree.Entry> flatImages(DataTree.Entry part) {
    List<DataTree.Entry> all = tree.list(part.path());
    List<DataTree.Entry> folders = all.stream().filter(DataTree.Entry::isFolder).toList();
    List<DataTree.Entry> images = all.stream().filter(ClassFolders::isImage).toList();
    if (images.isEmpty() && folders.size() == 1 && folders.getFirst().name().equals("images")) {
      return tree.list(folders.getFirst().path()).stream().filter(ClassFolders::isImage).toList();
    }
    return images;
  }

  private ImageDataset openUnsplit() {
    ClassFolders classes = ClassFolders.of(tree, tree.root(), options.nestedFolders());
    List<LabelledFile> files = classes.files(tree.root());
    FolderReader reader = new FolderReader(tree.root(), classes.names(), options, encoded);
    reader.readHeaders(List.of(files));
    List<LabelledFile> good = reader.good(files);
    int[] labels = good.stream().mapToInt(LabelledFile::label).toArray();
    Split split = Split.stratified(labels, TEST_FRACTION, options.splitSeed());
    return reader.dataset(pick(good, split.train()), pick(good, split.validation()));
  }

  private static List<LabelledFile> pick(List<LabelledFile> files, int[] indices) {
    return Arrays.stream(indices).mapToObj(files::get).toList();
  }
}
