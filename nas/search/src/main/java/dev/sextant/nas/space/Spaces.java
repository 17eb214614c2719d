package dev.sextant.nas.space;

import dev.sextant.runtime.json.Resources;
import dev.sextant.tensor.SextantException;
import java.util.List;

/** The spaces shipped as resources; {@link Space#named} says what they are. */
final class Spaces {
  static final List<String> NAMES =
      List.of(
          "proxyless-imagenet",
          "proxyless-cifar",
          "proxyless-small",
          "single-path-imagenet",
          "single-path-cifar",
          "tunas-proxyless",
          "tunas-proxyless-enlarged",
          "tunas-mobilenet-v3");

  private Spaces() {}

  static Space named(String name) {
    if (!NAMES.contains(name)) {
      throw new SextantException(
          "no space is named \"%s\" (there are %s)".formatted(name, String.join(", ", NAMES)));
    }
    String file = name + ".json";
    return Space.parse(Resources.text(Spaces.class.getResourceAsStream(file), file), file);
  }
}
