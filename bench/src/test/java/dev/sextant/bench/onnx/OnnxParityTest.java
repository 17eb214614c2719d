package dev.sextant.bench.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Architectures;
import dev.sextant.runtime.CompiledModel;
import dev.sextant.runtime.Weights;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.Rng;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The compiled model against ONNX Runtime: the networks of the benchmarks, and every operation. */
@Tag("long")
class OnnxParityTest {
  /** What the published networks do not have. */
  private static final Architecture OTHERS =
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
             {"op": "avg-pool", "kernel": 3, "stride": 2},
             {"op": "global-avg-pool"}, {"op": "linear", "out": 7}]}
          """,
          "others");

  @ParameterizedTest
  @CsvSource({
    "mobilenet-v2, 1, 1",
    "mnasnet-b1, 1, 2",
    "proxyless-mobile, 1, 2",
    "single-path-pixel1, 2, 1",
    "darts-v2, 1, 1",
    "pc-darts-cifar, 1, 2",
    "others, 2, 2"
  })
  void logitsAgree(String name, int batch, int threads) {
    assumeTrue(OnnxSession.missing().isEmpty(), () -> OnnxSession.missing().orElse(""));
    Architecture network = name.equals("others") ? OTHERS : Architectures.named(name);
    Weights weights = Weights.random(network, 3);
    Rng rng = new Rng(4);
    float[] images = new float[network.input().shape(batch).size()];
    for (int i = 0; i < images.length; i++) {
      images[i] = (float) rng.nextGaussian();
    }
    float[] ours = new float[batch * network.classes()];
    float[] theirs = new float[ours.length];
    try (CompiledModel model = CompiledModel.compile(network, weights, Device.CPU, threads, batch);
        OnnxSession session = new OnnxSession(network, weights, threads, batch)) {
      model.run(images, ours);
      session.run(OnnxSession.planar(images, network.input()), theirs);
    }
    double scale = 0;
    for (float logit : theirs) {
      scale = Math.max(scale, Math.abs(logit));
    }
    for (int i = 0; i < ours.length; i++) {
      assertEquals(theirs[i], ours[i], 2e-5 * scale, name + " at " + i);
    }
  }
}
