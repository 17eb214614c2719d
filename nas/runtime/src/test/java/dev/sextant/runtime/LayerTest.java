package dev.sextant.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sextant.runtime.layer.Conv;
import dev.sextant.runtime.layer.Depthwise;
import dev.sextant.runtime.layer.GlobalAvgPool;
import dev.sextant.runtime.layer.Junction;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.Linear;
import dev.sextant.runtime.layer.MbConv;
import dev.sextant.runtime.layer.Pool;
import dev.sextant.runtime.layer.Separable;
import dev.sextant.runtime.layer.Skip;
import dev.sextant.runtime.layer.Zero;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class LayerTest {
  private static final Activation RELU = Activation.RELU;
  private static final Shape IMAGE = Shape.of(1, 7, 5, 6);

  private static MbConv mbConv(int kernel, int stride, int expand, int out, double se) {
    return new MbConv(kernel, stride, expand, out, RELU, se, stride == 1 && out == 6);
  }

  /** Layer, output shape, parameters, MACs for a 7x5 image of 6 channels, counted by hand. */
  static Stream<Arguments> counts() {
    return Stream.of(
        Arguments.of(
            new Conv(3, 1, 1, 4, true, RELU), "[1,7,5,4]", 9 * 24 + 8, 9 * 24 * 35, "conv 3x3"),
        Arguments.of(
            new Conv(3, 2, 2, 4, false, RELU),
            "[1,4,3,4]",
            9 * 24 + 4,
            9 * 24 * 12,
            "conv 3x3 d2 s2"),
        Arguments.of(
            new Depthwise(5, 2, 1, true, RELU),
            "[1,4,3,6]",
            25 * 6 + 12,
            25 * 6 * 12,
            "depthwise 5x5 s2"),
        Arguments.of(
            new Depthwise(5, 1, 1, false, RELU),
            "[1,7,5,6]",
            25 * 6 + 6,
            25 * 6 * 35,
            "depthwise 5x5"),
        Arguments.of(
            new Separable(3, 2, 2, 8, RELU),
            "[1,4,3,8]",
            9 * 6 + 12 + 48 + 16,
            (9 * 6 + 48) * 12,
            "separable 3x3 d2 s2"),
        Arguments.of(
            mbConv(3, 1, 1, 6, 0),
            "[1,7,5,6]",
            9 * 6 + 12 + 36 + 12,
            (9 * 6 + 36) * 35,
            "mbconv 3x3 e1"),
        Arguments.of(
            mbConv(5, 2, 3, 8, 0),
            "[1,4,3,8]",
            6 * 18 + 36 + 25 * 18 + 36 + 18 * 8 + 16,
            6 * 18 * 35 + (25 * 18 + 18 * 8) * 12,
            "mbconv 5x5 e3 s2"),
        // Squeeze and excitation: hidden make_divisible(0.25 * 36) = 16, two 1x1 with biases.
        Arguments.of(
            mbConv(3, 1, 6, 6, 0.25),
            "[1,7,5,6]",
            6 * 36 + 72 + 9 * 36 + 72 + 2 * 36 * 16 + 16 + 36 + 36 * 6 + 12,
            (6 * 36 + 9 * 36 + 36 * 6) * 35 + 2 * 36 * 16,
            "mbconv 3x3 e6 se0.25"),
        Arguments.of(new Pool(true, 3, 2), "[1,4,3,6]", 0, 0, "max-pool 3x3 s2"),
        Arguments.of(new Pool(false, 3, 1), "[1,7,5,6]", 0, 0, "avg-pool 3x3"),
        Arguments.of(new Skip(), "[1,7,5,6]", 0, 0, "skip"),
        Arguments.of(new Zero(), "[1,7,5,6]", 0, 0, "zero"),
        Arguments.of(new Junction(Junction.Kind.NEXT), "[1,7,5,6]", 0, 0, "next"),
        Arguments.of(new GlobalAvgPool(), "[1,6]", 0, 0, "global-avg-pool"));
  }

  @ParameterizedTest
  @MethodSource("counts")
  void countsByHand(Layer layer, String output, int parameters, int macs, String label) {
    assertEquals(output, layer.output(IMAGE).toString());
    assertEquals(parameters, layer.parameters(IMAGE));
    assertEquals(macs, layer.macs(IMAGE));
    assertEquals(label, layer.label());
  }

  @ParameterizedTest
  @MethodSource("counts")
  void macsGrowWithTheBatchAndParametersDoNot(
      Layer layer, String output, int parameters, int macs) {
    assertEquals(parameters, layer.parameters(IMAGE.withBatch(3)));
    assertEquals(3L * macs, layer.macs(IMAGE.withBatch(3)));
  }

  @Test
  void linearHasABias() {
    Layer linear = new Linear(10);
    assertEquals(Shape.of(2, 10), linear.output(Shape.of(2, 6)));
    assertEquals(70, linear.parameters(Shape.of(2, 6)));
    assertEquals(120, linear.macs(Shape.of(2, 6)));
  }

  @Test
  void countsPassTheIntRange() {
    Layer wide = new Conv(15, 1, 1, 65_536, true, RELU);
    Shape pixel = Shape.of(1, 1, 1, 65_536);
    assertEquals(225L * 65_536 * 65_536 + 2 * 65_536, wide.parameters(pixel));
    assertEquals(225L * 65_536 * 65_536, wide.macs(pixel));
  }

  @Test
  void errorsNameTheRule() {
    assertError(
        "linear: input must be [N,C], after global-avg-pool (it is [1,7,5,6])",
        () -> new Linear(10).output(IMAGE));
    assertError(
        "mbconv: input must be an image [N,H,W,C] (it is [1,6])",
        () -> mbConv(3, 1, 3, 6, 0).parameters(Shape.of(1, 6)));
    assertError(
        "mbconv: a residual needs stride 1 and equal widths (stride 1, 6 to 8 channels)",
        () -> new MbConv(3, 1, 3, 8, RELU, 0, true).output(IMAGE));
    assertError(
        "shape: [1, 16384, 16384, 96] has more elements than one tensor can hold",
        () -> mbConv(3, 1, 16, 8, 0).output(Shape.of(1, 16_384, 16_384, 6)));
    assertError("conv: kernel 4 is even", () -> new Conv(4, 1, 1, 8, true, RELU));
    assertError("conv: kernel 17 is not between 1 and 15", () -> new Conv(17, 1, 1, 8, true, RELU));
    assertError("pool: stride 5 is not between 1 and 4", () -> new Pool(true, 3, 5));
    assertError("mbconv: expand 0 is not between 1 and 16", () -> mbConv(3, 1, 0, 8, 0));
    assertError(
        "mbconv: squeeze-excite NaN is not between 0 and 65536",
        () -> mbConv(3, 1, 3, 8, Double.NaN));
    assertError(
        "mbconv: squeeze-excite 1.5 is above 1 and so a width, but not whole",
        () -> mbConv(3, 1, 3, 8, 1.5));
    assertError("linear: out 0 is not between 1 and 65536", () -> new Linear(0));
  }

  private static void assertError(String message, org.junit.jupiter.api.function.Executable code) {
    assertEquals(message, assertThrows(SextantException.class, code).getMessage());
  }

  /** Values of the published {@code make_divisible(v, 8)}. */
  @ParameterizedTest
  @CsvSource({
    "1,8",
    "11,16",
    "12,16",
    "14,16",
    "32,32",
    "35.84,40",
    "43.2,40",
    "44.8,48",
    "268.8,272"
  })
  void makesDivisible(double width, int expected) {
    assertEquals(expected, MbConv.makeDivisible(width));
  }
}
