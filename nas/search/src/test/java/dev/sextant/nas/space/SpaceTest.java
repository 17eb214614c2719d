package dev.sextant.nas.space;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Architectures;
import dev.sextant.runtime.layer.GlobalAvgPool;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.Linear;
import dev.sextant.runtime.layer.MbConv;
import dev.sextant.runtime.layer.Skip;
import dev.sextant.runtime.layer.Zero;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.math.BigInteger;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class SpaceTest {
  private static final Space IMAGENET = Space.named("proxyless-imagenet");
  private static final BigInteger SIZE =
      BigInteger.valueOf(7).pow(15).multiply(BigInteger.valueOf(6).pow(6));

  /** Counts of ProxylessNAS's released search code, multi-path supernet without alpha. */
  @Test
  void imagenetSupernet() {
    assertEquals(16_034_168, IMAGENET.supernetParameters());
    assertEquals(21, IMAGENET.choices().size());
    assertEquals(SIZE, IMAGENET.size());
    assertEquals(new Architecture.Input(224, 224, 3), IMAGENET.input());
    assertEquals(1000, IMAGENET.classes());
    assertEquals(1e-3, IMAGENET.batchNormEpsilon());
  }

  @Test
  void imagenetNetworks() {
    Architecture smallKernels = IMAGENET.derive(new int[21]);
    assertEquals(3_191_928, smallKernels.parameters());
    assertEquals(257_422_208, smallKernels.macs());

    int[] skips = IMAGENET.choices().stream().mapToInt(SpaceTest::skipOrFirst).toArray();
    Architecture smallest = IMAGENET.derive(skips);
    assertEquals(2_154_984, smallest.parameters());
    assertEquals(102_528_896, smallest.macs());
    assertEquals(2_154_984, IMAGENET.parameters().minimum());
    assertEquals(102_528_896, IMAGENET.macs().minimum());

    int[] largestOps = new int[21];
    Arrays.fill(largestOps, 5);
    Architecture largest = IMAGENET.derive(largestOps);
    assertEquals(largest.parameters(), IMAGENET.parameters().maximum());
    assertEquals(largest.macs(), IMAGENET.macs().maximum());
  }

  private static int skipOrFirst(Position.Choice choice) {
    return choice.candidates().indexOf(new Skip()) == 6 ? 6 : 0;
  }

  /** The order of the published code: kernels 3, 5, 7, each with expansions 3, 6, and skip last. */
  @Test
  void candidatesInThePublishedOrder() {
    List<String> kernels =
        List.of(
            "mbconv 3x3 e3",
            "mbconv 3x3 e6",
            "mbconv 5x5 e3",
            "mbconv 5x5 e6",
            "mbconv 7x7 e3",
            "mbconv 7x7 e6");
    Position.Choice last = IMAGENET.choices().getLast();
    assertEquals(kernels, last.candidates().stream().map(Layer::label).toList());
    Position.Choice second = IMAGENET.choices().get(1);
    assertEquals(kernels, second.candidates().stream().limit(6).map(Layer::label).toList());
    assertEquals(new Skip(), second.candidates().getLast());
  }

  /** ProxylessNAS-Mobile lies in the space but for its first stage, 32 wide instead of 24. */
  @Test
  void derivesTheLaterStagesOfProxylessMobile() {
    int[] decisions = {2, 0, 6, 6, 4, 0, 2, 2, 5, 2, 2, 2, 3, 2, 2, 2, 5, 5, 4, 4, 5};
    List<Layer> derived = IMAGENET.derive(decisions).layers();
    List<Layer> published = Architectures.named("proxyless-mobile").layers();
    // Two skipped blocks stand in the derived network.
    assertEquals(published.subList(4, published.size()), derived.subList(6, derived.size()));
  }

  @Test
  void cifarIsTheSameSpaceOnSmallImages() {
    Space cifar = Space.named("proxyless-cifar");
    assertEquals(SIZE, cifar.size());
    assertEquals(new Architecture.Input(32, 32, 3), cifar.input());
    assertEquals(10, cifar.classes());
    Shape[] shapes = cifar.inputShapes();
    assertEquals(Shape.of(1, 32, 32, 32), shapes[1]);
    assertEquals(Shape.of(1, 32, 32, 24), shapes[3]);
    assertEquals(Shape.of(1, 16, 16, 40), shapes[7]);
    assertEquals(Shape.of(1, 8, 8, 80), shapes[11]);
    assertEquals(Shape.of(1, 8, 8, 96), shapes[15]);
    assertEquals(Shape.of(1, 4, 4, 192), shapes[19]);
    assertEquals(Shape.of(1, 4, 4, 320), shapes[23]);
    // The weights of the ImageNet supernet less 990 classes.
    assertEquals(16_034_168 - 990 * 1281, cifar.supernetParameters());
  }

  /** Counts of Single-Path NAS's released code: 525.3 M multiply-adds, 4^5 5^15 networks. */
  @Test
  void singlePathSpaces() {
    Space imagenet = Space.named("single-path-imagenet");
    BigInteger size = BigInteger.valueOf(4).pow(5).multiply(BigInteger.valueOf(5).pow(15));
    assertEquals(size, imagenet.size());
    assertEquals(4_833_768, imagenet.parameters().maximum());
    assertEquals(525_305_600, imagenet.macs().maximum());
    Shape[] shapes = imagenet.inputShapes();
    assertEquals(Shape.of(1, 112, 112, 16), shapes[2]);
    assertEquals(Shape.of(1, 56, 56, 24), shapes[3]);
    assertEquals(Shape.of(1, 7, 7, 192), shapes[22]);
    Space cifar = Space.named("single-path-cifar");
    assertEquals(size, cifar.size());
    assertEquals(4_833_768 - 990 * 1281, cifar.parameters().maximum());
    assertEquals(Shape.of(1, 32, 32, 24), cifar.inputShapes()[3]);
    assertEquals(Shape.of(1, 4, 4, 192), cifar.inputShapes()[22]);
  }

  /** The range that the documentation of {@link Space#named} gives. */
  @Test
  void smallFitsALaptop() {
    Space small = Space.named("proxyless-small");
    assertEquals(9, small.choices().size());
    assertEquals(BigInteger.valueOf(7 * 7 * 7 * 7 * 7 * 7 * 6 * 6 * 6), small.size());
    assertEquals(new Space.Range(1_221_040, 7_841_728), small.macs());
    assertEquals(new Space.Range(54_426, 395_658), small.parameters());
    assertEquals(1_464_474, small.supernetParameters());
  }

  @Test
  void everyBuiltInRoundTripsAndFitsTheSchema() {
    for (String name : Space.names()) {
      Space space = Space.named(name);
      assertEquals(name, space.name());
      assertEquals(space, Space.parse(space.toJson(), "again"));
      assertEquals(space.toJson(), Space.parse(space.toJson(), "again").toJson());
      assertEquals("", Schema.errors(space.toJson()));
      if (!name.contains("-tree")) {
        assertEquals("", Schema.errors(Schema.resource(name + ".json")));
      }
    }
  }

  @Test
  void decisionsAreChecked() {
    assertError(
        "proxyless-imagenet: 2 decisions for 21 choices", () -> IMAGENET.derive(new int[2]));
    int[] decisions = new int[21];
    decisions[4] = 6;
    assertError(
        "proxyless-imagenet: decision 4 is 6, the choice has 6 candidates",
        () -> IMAGENET.derive(decisions));
    decisions[4] = -1;
    assertError(
        "proxyless-imagenet: decision 4 is -1, the choice has 6 candidates",
        () -> IMAGENET.derive(decisions));
  }

  @Test
  void takesOtherImagesAndClasses() {
    Space changed = Space.named("proxyless-small").withInput(new Architecture.Input(32, 32, 3), 4);
    assertEquals(Shape.of(1, 32, 32, 3), changed.inputShapes()[0]);
    assertEquals(4, changed.derive(new int[9]).classes());
    assertEquals(new Position.Fixed(new Linear(4)), changed.positions().getLast());
  }

  @Test
  void constructorNamesTheCandidate() {
    Layer block = new MbConv(3, 1, 3, 8, Activation.RELU6, 0, false);
    Layer wider = new MbConv(3, 1, 3, 16, Activation.RELU6, 0, false);
    Layer wrong = new MbConv(3, 1, 3, 8, Activation.RELU6, 0, true);
    Layer same = new MbConv(3, 1, 3, 3, Activation.RELU6, 0, true);
    Layer strided = new MbConv(3, 2, 3, 8, Activation.RELU6, 0, false);
    assertError(
        "net: layers[0].choice[1]: gives [1,8,8,16] where choice[0] gives [1,8,8,8]",
        () -> of(block, wider));
    assertError(
        "net: layers[0].choice[1]: mbconv: a residual needs stride 1 and equal widths (stride 1, 3"
            + " to 8 channels)",
        () -> of(block, wrong));
    assertError("choice[1]: stride 2 differs from the 1 of choice[0]", () -> of(block, strided));
    assertError("choice[1]: the same as choice[0]", () -> of(block, block));
    assertError("choice[2]: the same as choice[0]", () -> of(new Skip(), same, new Skip()));
    assertError(
        "choice[1]: zero would cut the chain of layers; use skip", () -> of(block, new Zero()));
    assertError("choice[0]: global-avg-pool cannot be a candidate", () -> of(new GlobalAvgPool()));
    assertError("choice: 0 candidates is not between 1 and 64", () -> of());
  }

  private static Space of(Layer... candidates) {
    return new Space(
        "net",
        10,
        new Architecture.Input(8, 8, 3),
        1e-3,
        List.of(
            new Position.Choice(List.of(candidates)),
            new Position.Fixed(new GlobalAvgPool()),
            new Position.Fixed(new Linear(10))));
  }

  @Test
  void anUnknownNameListsTheKnown() {
    assertError(
        "no space is named \"x\" (there are %s)".formatted(String.join(", ", Space.names())),
        () -> Space.named("x"));
    assertTrue(Space.names().contains("proxyless-small"));
  }

  private static void assertError(String message, Executable code) {
    assertEquals(message, assertThrows(SextantException.class, code).getMessage());
  }
}
