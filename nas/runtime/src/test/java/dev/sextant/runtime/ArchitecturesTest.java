package dev.sextant.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sextant.runtime.detection.Anchors;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.MbConv;
import dev.sextant.tensor.SextantException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class ArchitecturesTest {
  /**
   * ProxylessNAS's figures are those of its released configurations (its paper rounds them to 4.36M
   * and 439.2M, 7.12M and 465.3M, 4.08M and 320.4M, 581M); MobileNetV2's and MnasNet-B1's are
   * torchvision's (3.50M and 4.38M), as are those of MobileNetV3, EfficientNet-B0 and ResNet;
   * Single-Path's is timm's spnasnet_100 (4.42M).
   */
  @ParameterizedTest
  @CsvSource({
    "proxyless-cpu, 4361648, 439243864, 0.001",
    "proxyless-gpu, 7119848, 465260160, 0.001",
    "proxyless-mobile, 4080512, 320427584, 0.001",
    "proxyless-mobile-14, 6857568, 580883408, 0.001",
    "single-path-pixel1, 4421616, 333467072, 0.001",
    "mobilenet-v2, 3504872, 300774272, 0.00001",
    "mobilenet-v3-large, 5483032, 216589760, 0.001",
    "mobilenet-v3-small, 2542856, 56510400, 0.001",
    "efficientnet-b0, 5288548, 385814752, 0.00001",
    "resnet-18, 11689512, 1814073344, 0.00001",
    "resnet-50, 25557032, 4089184256, 0.00001",
    "mnasnet-b1, 4383312, 314415872, 0.001"
  })
  void publishedCounts(String name, long parameters, long macs, double epsilon) {
    Architecture architecture = Architectures.named(name);
    assertEquals(name, architecture.name());
    assertEquals(parameters, architecture.parameters());
    assertEquals(macs, architecture.macs());
    assertEquals(epsilon, architecture.batchNormEpsilon());
    assertEquals(new Architecture.Input(224, 224, 3), architecture.input());
  }

  /**
   * With torchvision's ssdlite320_mobilenet_v3_large, whose documentation has 3440060 parameters
   * and 0.58 GFLOPs. MobileNetV2 with SSDLite has 4.3M and 0.8B in its paper (table 6, for the 80
   * classes of COCO).
   */
  @ParameterizedTest
  @CsvSource({
    "mobilenet-v3-ssdlite, 90, 3440060, 583171904, 3234",
    "mobilenet-v2-ssdlite, 80, 4337013, 788830144, 2034"
  })
  void publishedDetectors(String name, int classes, long parameters, long macs, int anchors) {
    Architecture architecture = Architectures.named(name);
    assertEquals(parameters, architecture.parameters());
    assertEquals(macs, architecture.macs());
    assertEquals(new Architecture.Input(320, 320, 3), architecture.input());
    assertEquals(anchors * (4 + 1 + classes), architecture.outputs());
    assertEquals(anchors, Anchors.of(architecture).count());
  }

  /**
   * Parameters as the training logs of the published code print them, in millions: 3.349342 for
   * DARTS_V2, and 3.6, 5.3 in PC-DARTS's tables. The published multiply-adds come from a counter
   * that is not documented; these are those of the convolutions and the classifier.
   */
  @ParameterizedTest
  @CsvSource({
    "darts-v1, 32, 3169414, 500987520",
    "darts-v2, 32, 3349342, 528359040",
    "pc-darts-cifar, 32, 3634678, 556670592",
    "pc-darts-imagenet, 224, 5342464, 581627328"
  })
  void publishedCells(String name, int size, long parameters, long macs) {
    Architecture architecture = Architectures.named(name);
    assertEquals(name, architecture.name());
    assertEquals(parameters, architecture.parameters());
    assertEquals(macs, architecture.macs());
    assertEquals(1e-5, architecture.batchNormEpsilon());
    assertEquals(new Architecture.Input(size, size, 3), architecture.input());
  }

  static List<String> names() {
    return Architectures.names();
  }

  @ParameterizedTest
  @MethodSource("names")
  void roundTripsAndFitsTheSchema(String name) {
    Architecture architecture = Architectures.named(name);
    String json = architecture.toJson();
    assertEquals(architecture, Architecture.parse(json, "again"));
    assertEquals(json, Architecture.parse(json, "again").toJson());
    assertEquals("", Schema.errors(json));
  }

  /** Residuals stand on every stride-1 block of equal widths, and nowhere else. */
  @Test
  void residualsOfProxylessMobile() {
    String residuals = "";
    for (Layer layer : Architectures.named("proxyless-mobile").layers()) {
      if (layer instanceof MbConv mbConv) {
        residuals += mbConv.residual() ? "1" : "0";
      }
    }
    assertEquals("00101110111011101110", residuals);
  }

  @Test
  void anUnknownNameListsTheKnown() {
    SextantException e = assertThrows(SextantException.class, () -> Architectures.named("vgg-16"));
    assertEquals(
        "no architecture is named \"vgg-16\" (there are proxyless-cpu, proxyless-gpu,"
            + " proxyless-mobile, proxyless-mobile-14, single-path-pixel1, mobilenet-v2,"
            + " mobilenet-v2-ssdlite, mobilenet-v3-ssdlite, mobilenet-v3-large, mobilenet-v3-small,"
            + " efficientnet-b0, resnet-18, resnet-50, mnasnet-b1, darts-v1, darts-v2,"
            + " pc-darts-cifar, pc-darts-imagenet)",
        e.getMessage());
  }
}
