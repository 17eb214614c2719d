package dev.sextant.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.sun.management.ThreadMXBean;
import dev.sextant.tensor.family.ChannelRules;
import dev.sextant.tensor.family.ConvolutionRules;
import dev.sextant.tensor.family.DepthwiseRules;
import dev.sextant.tensor.family.GemmRules;
import dev.sextant.tensor.family.LossRules;
import dev.sextant.tensor.family.PoolingRules;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The checks of outputs, which compare extents without making the shape they expect. */
class CheckTest {
  private static final Window HALVED = Window.same(3, 2);

  private final Memory memory = new Memory();
  private final Memory.Scope scope = memory.scope();

  @AfterEach
  void nothingIsLeft() {
    scope.close();
    assertEquals(0, memory.current(), memory::largestHolders);
  }

  private Tensor floats(int... extents) {
    return memory.floats(Shape.of(extents), Memory.Category.DATA, "checked");
  }

  private static void assertRefused(String message, Runnable check) {
    assertEquals(message, assertThrows(SextantException.class, check::run).getMessage());
  }

  /** Every extent wrong once, more or fewer of them, and none wrong. */
  @Test
  void anExtentThatDiffersIsNamedWithTheShapeExpected() {
    Shape x = Shape.of(2, 9, 6, 4);
    Shape dense = Shape.of(3, 3, 4, 7);
    Shape depthwise = Shape.of(3, 3, 4);
    int[][] wrong = {{1, 5, 3}, {2, 4, 3}, {2, 5, 6}, {2, 5}, {2, 5, 3, 1}};
    for (int[] extents : wrong) {
      Tensor seven = floats(append(extents, 7));
      assertRefused(
          "c: y must be [2,5,3,7] (it is " + seven.shape() + ")",
          () -> ConvolutionRules.output("c", x, dense, HALVED, "y", seven));
      Tensor four = floats(append(extents, 4));
      String message = ": y must be [2,5,3,4] (it is " + four.shape() + ")";
      assertRefused(
          "d" + message, () -> DepthwiseRules.output("d", x, depthwise, HALVED, "y", four));
      assertRefused("p" + message, () -> PoolingRules.output("p", x, HALVED, "y", four));
    }
    Tensor four = floats(2, 5, 3, 4);
    Tensor seven = floats(2, 5, 3, 7);
    assertRefused(
        "c: y must be [2,5,3,7] (it is [2,5,3,4])",
        () -> ConvolutionRules.output("c", x, dense, HALVED, "y", four));
    assertEquals(seven.shape(), ConvolutionRules.output("c", x, dense, HALVED));
    assertEquals(four.shape(), DepthwiseRules.output("d", x, depthwise, HALVED));
    assertEquals(four.shape(), PoolingRules.output("p", x, HALVED));
  }

  private static int[] append(int[] extents, int channels) {
    int[] longer = Arrays.copyOf(extents, extents.length + 1);
    longer[extents.length] = channels;
    return longer;
  }

  @Test
  void productsAndLabelsNameTheShapeExpected() {
    Shape a = Shape.of(5, 2);
    Shape b = Shape.of(3, 5);
    GemmRules.output(a, true, b, true, floats(2, 3));
    assertEquals(Shape.of(2, 3), GemmRules.output(a, true, b, true));
    assertRefused(
        "gemm: c must be [2,3] (it is [3,2])",
        () -> GemmRules.output(a, true, b, true, floats(3, 2)));
    assertRefused(
        "gemm: c must be [2,3] (it is [6])", () -> GemmRules.output(a, true, b, true, floats(6)));
    Tensor labels = memory.ints(Shape.of(2), Memory.Category.DATA, "labels").set(0, 3);
    assertRefused(
        "l: labels must be [3] (it is [2])", () -> LossRules.labels("l", floats(3, 4), labels));
    assertRefused(
        "l: label 3 at 1 is not below the 3 classes",
        () -> LossRules.labels("l", floats(2, 3), labels));
    LossRules.labels("l", floats(2, 4), labels);
  }

  @Test
  void aWindowLargerThanTheImageIsNamed() {
    Window wide = new Window(5, 1, 0, 1);
    String message = "window: spans 5 pixels, the padded input has 4";
    assertRefused(
        message,
        () -> PoolingRules.output("p", Shape.of(1, 4, 9, 1), wide, "y", floats(1, 1, 5, 1)));
    assertRefused(
        message,
        () -> PoolingRules.output("p", Shape.of(1, 9, 4, 1), wide, "y", floats(1, 9, 9, 1)));
  }

  @Test
  @Tag("steady-state")
  void whatPassesAllocatesNothing() {
    Tensor x = floats(2, 9, 6, 4);
    Tensor dense = floats(3, 3, 4, 7);
    Tensor depthwise = floats(3, 3, 4);
    Tensor seven = floats(2, 5, 3, 7);
    Tensor four = floats(2, 5, 3, 4);
    Tensor other = floats(2, 5, 3, 4);
    Tensor matrix = floats(3, 3);
    Tensor product = floats(3, 3);
    Tensor vector = floats(4);
    Tensor perImage = floats(2, 4);
    Tensor labels = memory.ints(Shape.of(3), Memory.Category.DATA, "labels").set(0, 1, 2);
    Runnable checks =
        () -> {
          ConvolutionRules.output("c", x.shape(), dense.shape(), HALVED, "y", seven);
          DepthwiseRules.output("d", x.shape(), depthwise.shape(), HALVED, "y", four);
          PoolingRules.output("p", x.shape(), HALVED, "y", four);
          GemmRules.output(matrix.shape(), false, matrix.shape(), true, product);
          Check.channels("v", x, vector);
          Check.imageChannels("i", "s", x, perImage);
          ChannelRules.copy(four, 0, other, 1, 3);
          LossRules.labels("l", matrix, labels);
          Check.same("s", matrix, product);
          Check.apart("a", product, matrix);
          Check.inPlace("a", product, product);
        };
    checks.run();
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    threads.getCurrentThreadAllocatedBytes();
    long before = threads.getCurrentThreadAllocatedBytes();
    checks.run();
    assertEquals(0, threads.getCurrentThreadAllocatedBytes() - before);
  }
}
