package dev.sextant.runtime;

import dev.sextant.runtime.json.Resources;
import dev.sextant.tensor.SextantException;
import java.util.List;
import java.util.Locale;

/**
 * The published networks, for 224x224x3 images and the 1000 classes of ImageNet (darts-v1, darts-v2
 * and pc-darts-cifar for 32x32x3 images and the 10 classes of CIFAR-10; detectors as below), as the
 * authors' code builds them: their parameter and MAC counts are the published ones. Skipped blocks
 * are left out.
 *
 * <ul>
 *   <li>{@code proxyless-cpu}, {@code proxyless-gpu}, {@code proxyless-mobile}, {@code
 *       proxyless-mobile-14}: ProxylessNAS (Cai et al., 2019) and its released configurations
 *   <li>{@code single-path-pixel1}: the network found by Single-Path NAS (Stamoulis et al., 2019)
 *   <li>{@code mobilenet-v2}: MobileNetV2 1.0 (Sandler et al., 2018)
 *   <li>{@code mobilenet-v2-ssdlite}: the same as a detector for the 80 classes of COCO and
 *       320x320x3 images (section 6.2), its first feature map the expansion of the block that goes
 *       to stride 32
 *   <li>{@code mobilenet-v3-ssdlite}: MobileNetV3-Large with halved last blocks and SSDLite (Howard
 *       et al., 2019, section 6.3) as torchvision builds it, with 90 classes; gates are sigmoids
 *   <li>{@code mobilenet-v3-large}, {@code mobilenet-v3-small}: MobileNetV3 1.0 (Howard et al.,
 *       2019), as torchvision and timm build it
 *   <li>{@code efficientnet-b0}: EfficientNet-B0 (Tan and Le, 2019), as they build it
 *   <li>{@code resnet-18}, {@code resnet-50}: ResNet (He et al., 2016), the stride of a bottleneck
 *       in its 3x3 convolution, as they build it
 *   <li>{@code mnasnet-b1}: MnasNet-B1 (Tan et al., 2019)
 *   <li>{@code darts-v1}, {@code darts-v2}: the cells found by DARTS (Liu et al., 2019), first and
 *       second order, 20 of width 36
 *   <li>{@code pc-darts-cifar}, {@code pc-darts-imagenet}: those found by PC-DARTS (Xu et al.,
 *       2020) on CIFAR-10, 20 of width 36, and on ImageNet, 14 of width 48
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
          "mobilenet-v2-ssdlite",
          "mobilenet-v3-ssdlite",
          "mobilenet-v3-large",
          "mobilenet-v3-small",
          "efficientnet-b0",
          "resnet-18",
          "resnet-50",
          "mnasnet-b1",
          "darts-v1",
          "darts-v2",
          "pc-darts-cifar",
          "pc-darts-imagenet");

  private Architectures() {}

  /** {@return the names that {@link #named} takes} */
  public static List<String> names() {
    return NAMES;
  }

  /**
   * {@return the published network of that name}
   *
   * @param name one of {@link #names}
   * @throws SextantException if there is none
   */
  public static Architecture named(String name) {
    if (!NAMES.contains(name)) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "no architecture is named \"%s\" (there are %s)",
              name,
              String.join(", ", NAMES)));
    }
    String file = "architectures/" + name + ".json";
    return Architecture.parse(
        Resources.text(Architectures.class.getResourceAsStream(file), file), file);
  }
}
