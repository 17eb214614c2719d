package dev.sextant.runtime;

import dev.sextant.runtime.json.Resources;
import dev.sextant.tensor.SextantException;
import java.util.List;

/**
 * The published networks, for 224x224x3 images and the 1000 classes of ImageNet, as the authors'
 * code builds them: their parameter and MAC counts are the published ones. Skipped blocks are left
 * out.
 *
 * <ul>
 *   <li>{@code proxyless-cpu}, {@code proxyless-gpu}, {@code proxyless-mobile}, {@code
 *       proxyless-mobile-14}: ProxylessNAS (Cai et al., 2019) and its released configurations
 *   <li>{@code single-path-pixel1}: the network found by Single-Path NAS (Stamoulis et al., 2019)
 *   <li>{@code mobilenet-v2}: MobileNetV2 1.0 (Sandler et al., 2018)
 *   <li>{@code mnasnet-b1}: MnasNet-B1 (Tan et al., 2019)
 * </ul>
 */
public final class Architectures {
  private static final List<String> NAMES =
      List.of(
          "proxyless-cpu",
          "proxyless-gpu",
          "proxyless-mobile",
          "proxyless-mobile-14",
          "single-path-pixel1",
          "mobilenet-v2",
          "mnasnet-b1");

  private Architectures() {}

  /** The names that {@link #named} takes. */
  public static List<String> names() {
    return NAMES;
  }

  /**
   * The published network of that name.
   *
   * @throws SextantException if there is none
   */
  public static Architecture named(String name) {
    if (!NAMES.contains(name)) {
      throw new SextantException(
          "no architecture is named \"%s\" (there are %s)"
              .formatted(name, String.join(", ", NAMES)));
    }
    String file = "architectures/" + name + ".json";
    return Architecture.parse(
        Resources.text(Architectures.class.getResourceAsStream(file), file), file);
  }
}
