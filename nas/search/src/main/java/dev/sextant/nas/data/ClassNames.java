package dev.sextant.nas.data;

import com.google.gson.Gson;
import dev.sextant.nas.data.file.DataFile;
import dev.sextant.nas.data.file.DataTree;
import dev.sextant.nas.data.file.FileNames;
import dev.sextant.runtime.Weights;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/** Names of classes: beside the images, and of two data sets. */
public final class ClassNames {
  private static final long LARGEST_FILE = 1 << 20;

  private ClassNames() {}

  /** The names in that file of a folder, one a line, or the numbers of the classes without it. */
  static List<String> read(DataTree folder, String file, int classes) {
    return file(folder, file).map(path -> read(path, classes)).orElseGet(() -> numbers(classes));
  }

  private static List<String> read(Path path, int classes) {
    List<String> names = lines(path);
    if (names.size() < classes) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: names %d classes, the labels have %d",
              path,
              names.size(),
              classes));
    }
    return names.subList(0, classes);
  }

  /**
   * The names by EMNIST's mapping file, whose lines are a label and the ASCII codes of its
   * characters, or the numbers of the classes without it.
   */
  static List<String> readMapping(DataTree folder, String file, int classes) {
    List<String> names = numbers(classes);
    file(folder, file)
        .ifPresent(
            path -> {
              for (String line : lines(path)) {
                String[] numbers = line.split("\\s+");
                try {
                  int label = Integer.parseInt(numbers[0]);
                  if (label >= 0 && label < classes && numbers.length > 1) {
                    names.set(label, Character.toString(Integer.parseInt(numbers[1])));
                  }
                } catch (IllegalArgumentException e) {
                  throw new SextantException(
                      String.format(
                          Locale.ROOT,
                          "%s: '%s' is not a label and codes of characters",
                          path,
                          line),
                      e);
                }
              }
            });
    return names;
  }

  private static Optional<Path> file(DataTree folder, String name) {
    return folder.list().stream()
        .filter(entry -> entry.name().equals(name) && !entry.isFolder())
        .peek(DataTree.Entry::requireReadable)
        .map(DataTree.Entry::path)
        .findFirst();
  }

  /** Lines of a small text file that are not blank, without blanks around. */
  static List<String> lines(Path path) {
    try {
      if (Files.size(path) > LARGEST_FILE) {
        throw new SextantException(path + ": is too long for a list of class names");
      }
      new DataFile(path).close();
      return Files.readString(path)
          .replace("\uFEFF", "")
          .lines()
          .map(String::strip)
          .filter(line -> !line.isEmpty())
          .toList();
    } catch (IOException e) {
      throw DataFile.unreadable(path, e);
    }
  }

  private static List<String> numbers(int classes) {
    return new ArrayList<>(IntStream.range(0, classes).mapToObj(Integer::toString).toList());
  }

  /**
   * Puts the names of a model's classes, in the order of its logits, into its metadata.
   *
   * @param names of the classes, in the order of the logits
   * @param metadata of the model's file
   */
  public static void put(List<String> names, Map<String, String> metadata) {
    metadata.put(Weights.CLASSES, new Gson().toJson(names));
  }

  /**
   * {@return the names of a model's classes, or nothing if its weights do not tell them}
   *
   * @param weights of the model
   * @param classes how many the model has
   * @throws SextantException if they are damaged or not as many as the model has
   */
  public static Optional<List<String>> of(Weights weights, int classes) {
    List<String> names = weights.classNames();
    if (!names.isEmpty() && names.size() != classes) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "weights: metadata %s does not name the %d classes",
              Weights.CLASSES,
              classes));
    }
    return names.isEmpty() ? Optional.empty() : Optional.of(names);
  }

  /**
   * The labels of a data set as those of a model, by the names of the classes. Names that differ in
   * Unicode's normal form alone are the same.
   *
   * @param model the model's classes, in the order of its logits
   * @param data the data's classes, in the order of their labels
   * @param source what errors call the data
   * @return by label of the data, the model's
   * @throws SextantException if a class of the data is none of the model's
   */
  public static int[] match(List<String> model, List<String> data, String source) {
    Map<String, Integer> labels = new HashMap<>();
    for (int k = 0; k < model.size(); k++) {
      if (labels.put(FileNames.composed(model.get(k)), k) != null) {
        throw new SextantException(
            String.format(Locale.ROOT, "the model has two classes '%s'", model.get(k)));
      }
    }
    int[] match = new int[data.size()];
    for (int k = 0; k < match.length; k++) {
      Integer label = labels.get(FileNames.composed(data.get(k)));
      if (label == null) {
        String other = data.get(k);
        String near =
            model.stream()
                .filter(name -> name.equalsIgnoreCase(other))
                .map(name -> ", which has '" + name + "'")
                .findFirst()
                .orElse("");
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "%s: class '%s' is none of the model's (%s)%s",
                source,
                other,
                some(model),
                near));
      }
      match[k] = label;
    }
    return match;
  }

  /**
   * {@return the first names of many, for people}
   *
   * @param names of the classes, in the order of the logits
   */
  public static String some(List<String> names) {
    String first = String.join(", ", names.subList(0, Math.min(10, names.size())));
    return names.size() > 10
        ? first + String.format(Locale.ROOT, ", and %d more", names.size() - 10)
        : first;
  }
}
