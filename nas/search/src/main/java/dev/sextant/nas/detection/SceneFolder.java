package dev.sextant.nas.detection;

import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.data.Images;
import dev.sextant.nas.data.file.DataTree;
import dev.sextant.nas.data.image.ImageFile;
import dev.sextant.nas.data.scene.Scene;
import dev.sextant.nas.detection.LabelledImage.NamedBox;
import dev.sextant.runtime.image.Pixels;
import dev.sextant.runtime.image.Resampler;
import dev.sextant.runtime.json.JsonText;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.IntStream;

/**
 * Folders of labelled scenes as people have them:
 *
 * <ul>
 *   <li>COCO: {@code annotations/instances_train*.json} and {@code instances_val*.json} (or {@code
 *       test}), images in a folder of the same name ({@code train2017}), or in {@code images} or
 *       there in one of that name
 *   <li>Pascal VOC: {@code Annotations/*.xml}, {@code JPEGImages}, and {@code
 *       ImageSets/Main/trainval.txt} or {@code train.txt}, {@code test.txt} or {@code val.txt};
 *       without these a tenth of the images, drawn by a seed, is for the test
 * </ul>
 *
 * <p>Images are stretched to one size, boxes cut off at their images' edges; a box without an area
 * is left out.
 */
public final class SceneFolder {
  private static final double TEST_FRACTION = 0.1;

  private final DataTree tree;
  private final int size;

  /** A part before its images are read, and where they are. */
  private record Labels(List<LabelledImage> images, List<Path> folders) {}

  private SceneFolder(Path root, int size, boolean followLinks) {
    this.tree = new DataTree(root, followLinks);
    this.size = size;
  }

  /**
   * {@return the scenes of a folder}
   *
   * @param root the folder
   * @param size of both sides that images are stretched to, at least 1
   * @param seed of the split where the folder has none
   * @param followLinks whether symbolic links out of the folder are followed
   * @throws SextantException naming the file and what is wrong with it
   */
  public static ImageDataset open(Path root, int size, long seed, boolean followLinks) {
    if (size < 1) {
      throw new SextantException(String.format(Locale.ROOT, "scenes: images of %d pixels", size));
    }
    SceneFolder folder = new SceneFolder(root, size, followLinks);
    if (folder.has("annotations")) {
      return folder.coco();
    }
    if (folder.has("Annotations")) {
      return folder.voc(seed);
    }
    throw new SextantException(
        root + ": has neither annotations (COCO) nor Annotations (Pascal VOC)");
  }

  private boolean has(String name) {
    return tree.list().stream().anyMatch(entry -> entry.isFolder() && entry.name().equals(name));
  }

  private ImageDataset coco() {
    Path train = instances(List.of("train"));
    Path test = instances(List.of("val", "test"));
    CocoFile.Labels trainLabels = CocoFile.read(train);
    CocoFile.Labels testLabels = CocoFile.read(test);
    if (!trainLabels.classes().equals(testLabels.classes())) {
      throw new SextantException(test + ": its categories are not those of " + train);
    }
    return scenes(
        trainLabels.classes(),
        new Labels(trainLabels.images(), cocoFolders(train)),
        new Labels(testLabels.images(), cocoFolders(test)));
  }

  private Path instances(List<String> parts) {
    Path folder = tree.root().resolve("annotations");
    for (String part : parts) {
      for (DataTree.Entry entry : tree.list(folder)) {
        if (entry.isFile() && entry.name().matches("instances_" + part + ".*\\.json")) {
          return entry.path();
        }
      }
    }
    throw new SextantException(
        folder + ": has no instances_" + parts.getFirst() + "*.json, the labels of COCO");
  }

  private List<Path> cocoFolders(Path labels) {
    String part =
        String.valueOf(labels.getFileName()).replaceAll("^instances_", "").replaceAll(".json$", "");
    Path root = tree.root();
    return List.of(
        root.resolve(part), root.resolve("images").resolve(part), root.resolve("images"));
  }

  private ImageDataset voc(long seed) {
    Map<String, LabelledImage> byName = new HashMap<>();
    List<String> names = new ArrayList<>();
    for (DataTree.Entry entry : tree.list(tree.root().resolve("Annotations"))) {
      if (entry.isFile() && entry.name().endsWith(".xml")) {
        String name = entry.name().substring(0, entry.name().length() - ".xml".length());
        names.add(name);
        byName.put(name, VocFile.read(entry.path()));
      }
    }
    List<String> train = list(List.of("trainval", "train"));
    List<String> test = list(List.of("test", "val"));
    if (train.isEmpty() || test.isEmpty()) {
      int[] order = IntStream.range(0, names.size()).toArray();
      new Rng(seed).shuffle(order);
      List<String> shuffled = Arrays.stream(order).mapToObj(names::get).toList();
      int held = (int) Math.ceil(TEST_FRACTION * names.size());
      test = shuffled.subList(0, held);
      train = shuffled.subList(held, names.size());
    }
    TreeSet<String> classes = new TreeSet<>();
    byName.values().forEach(image -> image.objects().forEach(box -> classes.add(box.name())));
    List<Path> folders = List.of(tree.root().resolve("JPEGImages"));
    return scenes(
        List.copyOf(classes),
        new Labels(pick(byName, train), folders),
        new Labels(pick(byName, test), folders));
  }

  /** The names in the first of these lists that is there. */
  private List<String> list(List<String> parts) {
    Path folder = tree.root().resolve("ImageSets").resolve("Main");
    for (String part : parts) {
      Path file = folder.resolve(part + ".txt");
      if (Files.exists(file)) {
        return JsonText.readFile(file)
            .lines()
            .map(String::strip)
            .filter(line -> !line.isEmpty())
            .toList();
      }
    }
    return List.of();
  }

  private List<LabelledImage> pick(Map<String, LabelledImage> byName, List<String> names) {
    List<LabelledImage> picked = new ArrayList<>();
    for (String name : names) {
      LabelledImage image = byName.get(name);
      if (image == null) {
        throw new SextantException(
            tree.root().resolve("Annotations") + ": has no " + name + ".xml, which a list names");
      }
      picked.add(image);
    }
    return picked;
  }

  private ImageDataset scenes(List<String> classes, Labels train, Labels test) {
    return ImageDataset.of(
        tree.root().toString(), classes, part(classes, train), part(classes, test));
  }

  private Images part(List<String> classes, Labels labels) {
    int count = labels.images.size();
    int bytes = size * size * 3;
    if (count == 0) {
      throw new SextantException(tree.root() + ": a part has no images");
    }
    if ((long) count * bytes > Integer.MAX_VALUE - 8) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: %d images of %d x %d pixels are more than 2 GiB",
              tree.root(),
              count,
              size,
              size));
    }
    byte[] pixels = new byte[count * bytes];
    Scene[] scenes = new Scene[count];
    IntStream.range(0, count)
        .parallel()
        .forEach(
            i -> {
              LabelledImage image = labels.images.get(i);
              Pixels read = ImageFile.decode(find(image.file(), labels.folders), false, 8);
              if (read.width() != image.width() || read.height() != image.height()) {
                throw new SextantException(
                    String.format(
                        Locale.ROOT,
                        "%s: is %d x %d pixels, its labels say %d x %d",
                        find(image.file(), labels.folders),
                        read.width(),
                        read.height(),
                        image.width(),
                        image.height()));
              }
              Resampler.stretch(read, size, size, pixels, i * bytes);
              scenes[i] = scene(classes, image);
            });
    return Images.of(size, size, 3, pixels, new int[count]).withScenes(List.of(scenes));
  }

  private Path find(String file, List<Path> folders) {
    for (Path folder : folders) {
      if (Files.exists(folder.resolve(file))) {
        return folder.resolve(file);
      }
    }
    throw new SextantException(folders.getFirst().resolve(file) + ": is not there");
  }

  private static Scene scene(List<String> classes, LabelledImage image) {
    List<Scene.Item> items = new ArrayList<>();
    for (NamedBox box : image.objects()) {
      float left = (float) Math.clamp(box.left(), 0, image.width());
      float top = (float) Math.clamp(box.top(), 0, image.height());
      float right = (float) Math.clamp(box.right(), 0, image.width());
      float bottom = (float) Math.clamp(box.bottom(), 0, image.height());
      if (left < right && top < bottom) {
        int label = classes.indexOf(box.name());
        items.add(new Scene.Item(label, left, top, right, bottom, box.area(), box.kind()));
      }
    }
    return new Scene(image.width(), image.height(), items);
  }
}
