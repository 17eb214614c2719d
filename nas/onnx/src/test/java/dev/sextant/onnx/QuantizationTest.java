package dev.sextant.onnx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Architectures;
import dev.sextant.runtime.CompiledModel;
import dev.sextant.runtime.Weights;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Eight bits: the simulation against ONNX Runtime, and both against the network itself. */
class QuantizationTest {
  private static final Architecture CELLS =
      Architecture.parse(
          """
          {"format": "sextant-architecture/1", "name": "cells", "classes": 5,
           "input": {"height": 16, "width": 16, "channels": 3},
           "layers": [
             {"op": "conv", "kernel": 3, "out": 12, "norm": "batch", "act": "none"},
             {"op": "cell", "width": 8, "inputs": 1, "nodes": [
               {"edges": [{"from": 0, "op": "separable", "kernel": 3},
                          {"from": 1, "op": "identity"}]}]},
             {"op": "cell", "width": 8, "stride": 2, "nodes": [
               {"edges": [{"from": 0, "op": "max-pool", "kernel": 3},
                          {"from": 1, "op": "dilated", "kernel": 3}]},
               {"edges": [{"from": 2, "op": "identity"}, {"from": 0, "op": "identity"}]}]},
             {"op": "global-avg-pool"}, {"op": "linear", "out": 5}]}
          """,
          "cells");

  private static byte[] pixels(Architecture network, int images, long seed) {
    Rng rng = new Rng(seed);
    byte[] pixels = new byte[network.input().shape(images).size()];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (byte) rng.nextInt(256);
    }
    return pixels;
  }

  @ParameterizedTest
  @EnumSource
  void simulationAndOnnxRuntimeAgree(Quantization.Rule rule) {
    assumeTrue(OnnxRuntime.missing().isEmpty(), () -> OnnxRuntime.missing().orElse(""));
    for (Architecture network : List.of(OnnxExportTest.OTHERS, CELLS)) {
      Weights weights = Parity.weights(network, 3);
      Quantization rounded = Quantization.of(network, weights, pixels(network, 4, 1), rule);
      byte[] file =
          OnnxExport.bytes(network, weights, ExportOptions.DEFAULT.takingPixels(), rounded);
      byte[] image = pixels(network, 1, 2);
      float[] exact = new float[network.classes()];
      float[] ours = new float[network.classes()];
      try (CompiledModel model = CompiledModel.compile(network, weights);
          CompiledModel simulated = CompiledModel.compile(rounded.simulated(), rounded.weights())) {
        model.runPixels(image, exact);
        simulated.runPixels(image, ours);
      }
      try (OnnxRuntime runtime = new OnnxRuntime(file)) {
        float[] theirs =
            runtime.run(
                image,
                1,
                network.input().height(),
                network.input().width(),
                network.input().channels());
        // A value between two steps falls to either: a step or two of the logits.
        float step = rounded.scales().values().stream().reduce((_, last) -> last).orElseThrow();
        assertArrayEquals(theirs, ours, 2.5f * step, network.name() + " " + Arrays.toString(exact));
      }
      Parity.assertClose(exact, ours, 0.2, network.name());
    }
  }

  @Test
  void weightsTakeAQuarter() {
    Architecture network = Architectures.named("mobilenet-v2");
    Architecture small = network.withInput(new Architecture.Input(32, 32, 3), network.classes());
    Weights weights = Parity.weights(small, 3);
    Quantization rounded =
        Quantization.of(small, weights, pixels(small, 1, 1), Quantization.Rule.MINMAX);
    byte[] file = OnnxExport.bytes(small, weights, ExportOptions.DEFAULT, rounded);
    byte[] whole = OnnxExport.bytes(small, weights, ExportOptions.DEFAULT);
    assertTrue(file.length < 0.32 * whole.length, file.length + " of " + whole.length);
    assertArrayEquals(file, OnnxExport.bytes(small, weights, ExportOptions.DEFAULT, rounded));
    // By their real values it is a network again.
    OnnxImport back = OnnxImport.of(file, "model.onnx", null);
    assertTrue(back.architecture().macs() > 0.9 * small.macs());
  }

  @Test
  void whatDoesNotGoTogetherIsRefused() {
    Architecture network = OnnxExportTest.OTHERS;
    Weights weights = Parity.weights(network, 3);
    assertThrows(
        SextantException.class,
        () -> Quantization.of(network, weights, new byte[7], Quantization.Rule.MINMAX));
    Quantization rounded =
        Quantization.of(network, weights, pixels(network, 1, 1), Quantization.Rule.MINMAX);
    assertThrows(
        SextantException.class,
        () ->
            OnnxExport.bytes(network, weights, ExportOptions.DEFAULT.keepingBatchNorm(), rounded));
  }
}
