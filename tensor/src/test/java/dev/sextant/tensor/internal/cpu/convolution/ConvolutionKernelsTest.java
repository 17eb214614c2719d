package dev.sextant.tensor.internal.cpu.convolution;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sextant.tensor.Activation;
import dev.sextant.tensor.FixedKernel;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import dev.sextant.tensor.internal.cpu.team.WorkerTeam;
import dev.sextant.tensor.internal.reference.ReferenceBackend;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Dense convolutions against the reference, beyond the sizes of the contract suite. */
@Tag("vectors")
@Tag("long")
class ConvolutionKernelsTest {
  private final ReferenceBackend reference = new ReferenceBackend();
  private final Memory memory = reference.memory();

  @AfterEach
  void nothingIsHeld() {
    assertEquals(0, memory.current(), memory::largestHolders);
  }

  @ParameterizedTest
  @CsvSource({
    "2, 9, 8, 3, 32, 3, 2, 1, 1",
    "3, 17, 16, 1, 24, 3, 1, 1, 1",
    "1, 7, 7, 5, 7, 5, 1, 2, 1",
    "2, 12, 11, 4, 17, 3, 1, 2, 2",
    "2, 8, 9, 20, 10, 1, 2, 0, 1",
    "1, 6, 5, 16, 40, 1, 1, 0, 1",
    "2, 33, 31, 8, 8, 3, 1, 0, 1",
    "1, 5, 5, 130, 9, 3, 1, 1, 1",
    "2, 4, 4, 2, 3, 3, 3, 3, 1",
    "1, 28, 28, 1, 24, 3, 1, 1, 1",
    "1, 32, 32, 3, 40, 3, 2, 1, 1",
    "1, 9, 50, 4, 100, 5, 1, 2, 1",
    "1, 3, 2, 3, 16, 7, 1, 3, 1",
    "1, 7, 7, 320, 640, 1, 1, 0, 1",
    "1, 1, 1, 640, 1000, 1, 1, 0, 1",
    "0, 4, 4, 2, 3, 3, 1, 1, 1",
    "2, 4, 4, 0, 3, 3, 1, 1, 1",
    "2, 4, 4, 2, 0, 3, 1, 1, 1"
  })
  void agreesWithTheReference(
      int n, int h, int width, int in, int out, int kernel, int stride, int padding, int dilation) {
    Window window = new Window(kernel, stride, padding, dilation);
    Shape image = Shape.of(n, h, width, in);
    Shape result = window.output(image, out);
    Shape filter = Shape.of(kernel, kernel, in, out);
    for (int threads = 1; threads <= 3; threads++) {
      try (WorkerTeam team = new WorkerTeam(threads);
          Tensor x = random(image, 1);
          Tensor w = random(filter, 2);
          Tensor bias = random(Shape.of(out), 3);
          Tensor residual = random(result, 4);
          Tensor y = random(result, 5);
          Tensor expected = random(result, 6);
          Tensor dx = random(image, 7);
          Tensor expectedDx = random(image, 8);
          Tensor dw = random(filter, 9);
          Tensor expectedDw = random(filter, 10)) {
        ConvolutionKernels kernels = new ConvolutionKernels(team, memory);
        for (Activation activation : Activation.values()) {
          kernels.forward(x, w, window, bias, activation, residual, y);
          reference.convolution().forward(x, w, window, bias, activation, residual, expected);
          assertClose(expected, y);
          // Laid out for this team, and for a larger one.
          for (int others = threads; others <= 2 * threads; others += threads) {
            try (FixedKernel fixed = kernels.fix(w, bias, window, image, others)) {
              kernels.forward(x, fixed, activation, residual, y);
              assertClose(expected, y);
            }
          }
          kernels.forward(x, w, window, null, activation, null, y);
          reference.convolution().forward(x, w, window, null, activation, null, expected);
          assertClose(expected, y);
        }
        kernels.backwardData(residual, w, window, dx);
        reference.convolution().backwardData(residual, w, window, expectedDx);
        assertClose(expectedDx, dx);
        kernels.backwardFilter(x, residual, window, dw);
        reference.convolution().backwardFilter(x, residual, window, expectedDw);
        assertClose(expectedDw, dw);
      }
    }
  }

  private static void assertClose(Tensor expected, Tensor actual) {
    float[] right = expected.toArray();
    float[] found = actual.toArray();
    for (int i = 0; i < right.length; i++) {
      int at = i;
      assertEquals(right[i], found[i], 2e-5 * (1 + Math.abs(right[i])), () -> actual + " at " + at);
    }
  }

  private Tensor random(Shape shape, int seed) {
    Tensor tensor = memory.floats(shape, Memory.Category.DATA, "random");
    Random random = new Random(seed);
    for (int i = 0; i < tensor.size(); i++) {
      tensor.floats()[tensor.offset() + i] = random.nextFloat() * 2 - 1;
    }
    return tensor;
  }
}
