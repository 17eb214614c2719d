package dev.sextant.nas.space;

import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.json.JsonFields;
import dev.sextant.runtime.json.JsonText;
import dev.sextant.runtime.json.Resources;
import dev.sextant.tensor.SextantException;
import java.math.BigInteger;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * What a run searches: networks, each of them named by its decisions. A chain of layers and choices
 * ({@link Space}), or cells whose edges are choices ({@link CellNetworkSpace}). Immutable.
 */
public sealed interface SearchSpace permits Space, CellNetworkSpace {
  /** {@return what reports call it} */
  String name();

  /** {@return the image its networks take} */
  Architecture.Input input();

  /** {@return width of the logits} */
  int classes();

  /** {@return whether its networks look for objects, all of them around the same anchors} */
  boolean detects();

  /** {@return what its networks are judged by, as reports call it} */
  default String measure() {
    return detects() ? "mAP" : "accuracy";
  }

  /** {@return how many options each decision has} */
  int[] options();

  /** {@return how many probabilities stand in each row of those that a search reports} */
  int[] probabilityRows();

  /** {@return how many layers each network has} */
  int layers();

  /** {@return how many networks there are} */
  BigInteger size();

  /**
   * {@return the network of these decisions}
   *
   * @param decisions an option of each decision, in the order of the space
   * @throws SextantException if they are none of the space
   */
  Architecture derive(int[] decisions);

  /**
   * {@return the same space for other images and another number of classes}
   *
   * @param input size of the images
   * @param classes width of the logits
   * @throws SextantException if its networks do not fit
   */
  SearchSpace withInput(Architecture.Input input, int classes);

  /**
   * {@return the {@code sextant-space/1} text that {@link #parse} reads back to an equal record}
   */
  String toJson();

  /**
   * {@return the names that {@link #named} takes: {@link Space#names}, then the spaces of cells}
   */
  static List<String> names() {
    return Stream.concat(Space.names().stream(), CellNetworkSpace.NAMES.stream()).toList();
  }

  /**
   * {@return the built-in space of that name}
   *
   * <ul>
   *   <li>those of {@link Space#named}
   *   <li>{@code darts-cifar}, {@code pc-darts-cifar}: the cells of DARTS (Liu et al., 2019) and
   *       PC-DARTS (Xu et al., 2020): 4 nodes, 8 ops, a supernet of 8 cells of width 16, networks
   *       of 20 cells of width 36; 32x32x3, 10 classes
   *   <li>{@code darts-small}, {@code pc-darts-small}: the same ops in cells of fewer nodes, for
   *       minutes on a laptop
   * </ul>
   *
   * @param name one of {@link #names}
   * @throws SextantException if there is none of that name
   */
  static SearchSpace named(String name) {
    if (!CellNetworkSpace.NAMES.contains(name)) {
      return Space.named(name);
    }
    String file = name + ".json";
    return parse(Resources.text(SearchSpace.class.getResourceAsStream(file), file), file);
  }

  /**
   * {@return the space of a {@code sextant-space/1} text: of cells where it has a {@code "cell"}}
   *
   * @param json the text
   * @param source what errors call the text: a file name
   * @throws SextantException naming the source and the path of what is wrong
   */
  static SearchSpace parse(String json, String source) {
    return JsonFields.parse(json, source).has("cell")
        ? CellSpaceJson.read(json, source)
        : Space.parse(json, source);
  }

  /**
   * {@return the space in a {@code sextant-space/1} file}
   *
   * @param file a JSON file
   * @throws SextantException naming the file and what is wrong
   */
  static SearchSpace read(Path file) {
    return parse(JsonText.readFile(file), file.toString());
  }
}
