package dev.sextant.nas.space;

import dev.sextant.runtime.json.Resources;
import dev.sextant.tensor.SextantException;
import java.util.List;
import java.util.Locale;

/**
 * The spaces shipped, as resources but for those of trees; {@link Space#named} says what they are.
 */
final class Spaces {
  static final List<String> NAMES =
      List.of(
          "proxyless-imagenet",
          "proxyless-cifar",
          "proxyless-small",
          "proxyless-cifar-tree",
          "proxyless-tree-small",
          "single-path-imagenet",
          "single-path-cifar",
          "tunas-proxyless",
          "tunas-proxyless-enlarged",
          "tunas-mobilenet-v3",
          "tunas-mobilenet-v3-ssdlite",
          "detection-small");

  private Spaces() {}

  static Space named(String name) {
    if (!NAMES.contains(name)) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "no space is named \"%s\" (there are %s)",
              name,
              String.join(", ", NAMES)));
    }
    return switch (name) {
      case "proxyless-cifar-tree" -> TreeSpaces.cifar();
      case "proxyless-tree-small" -> TreeSpaces.small();
      default -> {
        String file = name + ".json";
        yield Space.parse(Resources.text(Spaces.class.getResourceAsStream(file), file), file);
      }
    };
  }
}
