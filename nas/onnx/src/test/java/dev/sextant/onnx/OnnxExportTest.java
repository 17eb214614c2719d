package dev.sextant.onnx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sextant.onnx.proto.ModelProto;
import dev.sextant.onnx.proto.NodeProto;
import dev.sextant.onnx.proto.ProtoReader;
import dev.sextant.onnx.proto.TensorProto;
import dev.sextant.onnx.proto.ValueInfo;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Architectures;
import dev.sextant.runtime.CompiledModel;
import dev.sextant.runtime.Weights;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.SextantException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What is written, read by ONNX Runtime: the logits of the compiled model. */
class OnnxExportTest {
  /** What the published networks do not have. */
  static final Architecture OTHERS =
      Architecture.parse(
          """
          {"format": "sextant-architecture/1", "name": "others", "classes": 7,
           "input": {"height": 24, "width": 20, "channels": 4},
           "layers": [
             {"op": "conv", "kernel": 3, "stride": 2, "out": 16, "norm": "batch", "act": "hswish"},
             {"op": "fork"},
             {"op": "mbconv", "kernel": 5, "expand": 3, "stride": 1, "out": 24, "squeeze-excite": 0.25},
             {"op": "next"}, {"op": "sum"},
             {"op": "shuffle", "kernel": 3, "stride": 1, "out": 24},
             {"op": "shuffle", "kernel": 3, "stride": 2, "out": 32},
             {"op": "conv", "kernel": 3, "groups": 4, "out": 24, "act": "relu"},
             {"op": "conv", "kernel": 3, "dilation": 2, "out": 24, "norm": "none", "act": "sigmoid"},
             {"op": "separable", "kernel": 3, "out": 16, "act": "none"},
             {"op": "depthwise", "kernel": 5, "norm": "none", "act": "relu6"},
             {"op": "skip"},
             {"op": "max-pool", "kernel": 3, "stride": 1},
             {"op": "avg-pool", "kernel": 3, "stride": 2},
             {"op": "global-avg-pool"}, {"op": "linear", "out": 9, "act": "hswish"},
             {"op": "linear", "out": 7}]}
          """,
          "others");

  @BeforeAll
  static void isThere() {
    assumeTrue(OnnxRuntime.missing().isEmpty(), () -> OnnxRuntime.missing().orElse(""));
  }

  static Stream<Architecture> networks() {
    return Stream.concat(
        Stream.of(OTHERS), Architectures.names().stream().map(OnnxExportTest::smaller));
  }

  /** The published network on images of half the side, which takes a quarter of the time. */
  static Architecture smaller(String name) {
    Architecture network = Architectures.named(name);
    int side = network.input().height() > 32 ? 96 : 32;
    return network.withInput(new Architecture.Input(side, side, 3), network.classes());
  }

  @ParameterizedTest
  @MethodSource("networks")
  @Tag("long")
  void logitsAgree(Architecture network) {
    Weights weights = Parity.weights(network, 3);
    for (int batch : network == OTHERS ? new int[] {1, 8} : new int[] {2}) {
      float[] images = Parity.images(network.input(), batch, 4);
      float[] ours = Parity.ours(network, weights, images, batch);
      ExportOptions options = ExportOptions.DEFAULT;
      byte[] folded = OnnxExport.bytes(network, weights, options);
      Parity.assertClose(
          Parity.theirs(folded, network.input(), images, batch), ours, 1e-4, network.name());
      byte[] kept = OnnxExport.bytes(network, weights, options.keepingBatchNorm().withBatch(batch));
      Parity.assertClose(
          Parity.theirs(kept, network.input(), images, batch), ours, 1e-4, network.name());
    }
  }

  @Test
  void pixelsAreScaledInside() {
    Weights weights =
        Parity.weights(OTHERS, 5)
            .withMetadata(CompiledModel.MEAN, "0.5,0.4,0.3,0.2")
            .withMetadata(CompiledModel.DEVIATION, "0.2,0.25,0.3,0.5");
    byte[] pixels = new byte[2 * 24 * 20 * 4];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (byte) (i * 31);
    }
    float[] ours = new float[14];
    try (CompiledModel model = CompiledModel.compile(OTHERS, weights, Device.CPU, 1, 2)) {
      model.runPixels(pixels, ours);
    }
    byte[] bytes = OnnxExport.bytes(OTHERS, weights, ExportOptions.DEFAULT.takingPixels());
    try (OnnxRuntime runtime = new OnnxRuntime(bytes)) {
      Parity.assertClose(runtime.run(pixels, 2, 24, 20, 4), ours, 1e-4, "pixels");
    }
    Weights without = new Weights(weights.entries(), java.util.Map.of());
    SextantException e =
        assertThrows(
            SextantException.class,
            () -> OnnxExport.bytes(OTHERS, without, ExportOptions.DEFAULT.takingPixels()));
    assertTrue(String.valueOf(e.getMessage()).contains("mean"), e.getMessage());
  }

  @Test
  void halvesAreHalfTheSize() {
    Weights weights = Parity.weights(OTHERS, 5);
    float[] images = Parity.images(OTHERS.input(), 1, 4);
    byte[] whole = OnnxExport.bytes(OTHERS, weights, ExportOptions.DEFAULT);
    byte[] halves = OnnxExport.bytes(OTHERS, weights, ExportOptions.DEFAULT.withHalves());
    assertTrue(halves.length < 0.8 * whole.length, halves.length + " of " + whole.length);
    Parity.assertClose(
        Parity.theirs(halves, OTHERS.input(), images, 1),
        Parity.ours(OTHERS, weights, images, 1),
        5e-3,
        "halves");
  }

  /** Which reader takes a file, and what a viewer shows of it. */
  @Test
  void everyValueHasShapeAndEveryNodeItsLayer() {
    Weights weights = Parity.weights(OTHERS, 5).withMetadata("classes", "[\"a\"]");
    List<Double> times = Collections.nCopies(OTHERS.layers().size(), 0.25);
    ExportOptions options = ExportOptions.DEFAULT.withMilliseconds(times);
    ModelProto model = OnnxExport.model(OTHERS, weights, options);
    Set<String> known = new HashSet<>();
    model.values().forEach(value -> assertTrue(known.add(value.name()), value.name()));
    model.outputs().forEach(value -> assertTrue(known.add(value.name()), value.name()));
    Set<String> constants = new HashSet<>();
    for (TensorProto constant : model.constants()) {
      assertTrue(constants.add(constant.name()), constant.name());
    }
    double sum = 0;
    List<String> operators = new ArrayList<>();
    for (NodeProto node : model.nodes()) {
      node.outputs().forEach(output -> assertTrue(known.contains(output), output));
      operators.add(node.operator());
      String time = node.metadata().get("sextant.milliseconds");
      sum += time == null ? 0 : Double.parseDouble(time);
    }
    // All but the fork, the next and the skip, of which there is no node.
    assertEquals(0.25 * (OTHERS.layers().size() - 3), sum, 1e-9);
    assertTrue(operators.contains("Clip") && operators.contains("HardSwish"), operators.toString());
    assertEquals("[\"a\"]", model.metadata().get("classes"));
    assertEquals(8, model.version());
    assertEquals(17, model.operatorSet());
    assertEquals(new ValueInfo.Extent.Symbol("N"), model.inputs().getFirst().extents().getFirst());
    byte[] bytes = OnnxExport.bytes(OTHERS, weights, options);
    assertArrayEquals(bytes, OnnxExport.bytes(OTHERS, weights, options));
    ModelProto read = ProtoReader.read(bytes, "model.onnx");
    assertEquals(model.inputs(), read.inputs());
    assertEquals(model.outputs(), read.outputs());
    assertEquals(model.nodes(), read.nodes());
    assertEquals(model.metadata(), read.metadata());
    assertArrayEquals(
        model.constants().getFirst().toFloats(), read.constants().getFirst().toFloats());
  }

  @Test
  void whatDoesNotFitIsRefused() {
    Weights others = Parity.weights(Architectures.named("mobilenet-v2"), 1);
    assertThrows(
        SextantException.class, () -> OnnxExport.bytes(OTHERS, others, ExportOptions.DEFAULT));
    Weights weights = Parity.weights(OTHERS, 5);
    SextantException e =
        assertThrows(
            SextantException.class,
            () ->
                OnnxExport.bytes(
                    OTHERS, weights, ExportOptions.DEFAULT.withMilliseconds(List.of(1.0))));
    assertEquals("others: times of 1 layers, it has 17", e.getMessage());
    assertThrows(SextantException.class, () -> ExportOptions.DEFAULT.withBatch(-1));
  }
}
