package dev.sextant.bench.paths;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sextant.bench.libtorch.Libtorch;
import dev.sextant.bench.onnx.OnnxSession;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("long")
class HotPathTest {
  private static HotPath path(String kind) {
    return switch (kind) {
      case "gemm" -> new Gemm();
      case "convolution" -> new Convolution();
      case "norm" -> new Norm();
      case "pool" -> new Pooling();
      case "block" -> new MbConvStep();
      case "optimizer" -> new OptimizerStep();
      case "supernet" -> new SupernetStep();
      case "inference" -> new Inference();
      default -> throw new IllegalArgumentException(kind);
    };
  }

  /** Small ones of every kind: each must run, twice, in each engine. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "gemm:nn 5x3x7",
        "gemm:nt 5x3x7",
        "gemm:tn 5x3x7",
        "convolution:depthwise step 2x5x5x3 k3 s2",
        "convolution:depthwise filter 2x5x5x3 k5 s1",
        "convolution:dense step 2x5x5x3 k1 s1 o4",
        "convolution:dense data 2x5x5x3 k3 s2 o4",
        "pool:max forward 2x5x5x3 k3 s2",
        "pool:max backward 2x5x5x3 k3 s1",
        "pool:avg forward 2x5x5x3 k3 s1",
        "pool:avg backward 2x5x5x3 k3 s2",
        "pool:global forward 2x5x5x3",
        "pool:global backward 2x5x5x3",
        "norm:forward 2x3x3x4",
        "norm:backward 2x3x3x4",
        "block:2x4x4x3 e2 k3 l2",
        "optimizer:sgd mnasnet-b1",
        "optimizer:adam mnasnet-b1",
        "optimizer:rmsprop mnasnet-b1",
        "supernet:weight proxyless-small b2",
        "supernet:architecture proxyless-small b2",
        "inference:darts-v2 b1 one",
        "inference:darts-v2 b2"
      })
  void runsInBothEngines(String kindAndSpec) {
    String[] parts = kindAndSpec.split(":");
    boolean inference = parts[0].equals("inference");
    String peer = inference ? HotPath.ONNX_RUNTIME : HotPath.LIBTORCH;
    Optional<String> missing = inference ? OnnxSession.missing() : Libtorch.missing();
    for (String engine : new String[] {HotPath.SEXTANT, peer}) {
      assumeTrue(engine.equals(HotPath.SEXTANT) || missing.isEmpty(), () -> missing.orElse(""));
      HotPath path = path(parts[0]);
      path.engine = engine;
      path.threads = 1;
      path.spec = parts[1];
      path.open();
      assertNotNull(path.step());
      assertNotNull(path.step());
      path.close();
      path.close();
    }
  }

  @Test
  void refusesASpecItDoesNotUnderstand() {
    HotPath path = new Gemm();
    path.spec = "nn 5x3x7 k3";
    SextantException e = assertThrows(SextantException.class, path::open);
    assertTrue(String.valueOf(e.getMessage()).contains("does not understand [k3]"));
    path.close();
    path.spec = "nn";
    e = assertThrows(SextantException.class, path::open);
    assertTrue(String.valueOf(e.getMessage()).contains("lacks extents"), e.getMessage());
    path.close();
  }

  @Test
  void readsShapesNumbersAndWordsInAnyOrder() {
    Spec spec = new Spec("step 64x8x8x3 k3 s2");
    assertEquals("step", spec.word());
    assertEquals(2, spec.number("s"));
    assertEquals(Shape.of(64, 8, 8, 3), spec.shape());
    assertEquals(3, spec.number("k"));
    spec.checkAllRead();
  }
}
