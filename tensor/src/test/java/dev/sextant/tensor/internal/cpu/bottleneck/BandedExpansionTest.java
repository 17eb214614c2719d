package dev.sextant.tensor.internal.cpu.bottleneck;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.FixedKernel;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Expansions of which no cache holds more than a band, against the parts one after the other. */
@Tag("vectors")
@Tag("long")
class BandedExpansionTest {
  @ParameterizedTest
  @CsvSource({
    "2, 40, 64, 8, 96, 3, 1, 1, 1",
    "1, 61, 50, 16, 100, 3, 2, 1, 1",
    "2, 45, 48, 3, 72, 5, 2, 2, 1",
    "1, 50, 37, 4, 65, 7, 1, 3, 1",
    "1, 48, 40, 4, 64, 3, 1, 2, 2",
    "1, 60, 30, 4, 64, 3, 3, 1, 1",
    "3, 30, 30, 4, 128, 1, 2, 0, 1",
    "1, 60, 30, 4, 64, 3, 1, 0, 1"
  })
  void givesTheBitsOfItsParts(
      int n, int h, int w, int in, int hidden, int k, int stride, int padding, int dilation) {
    Window window = new Window(k, stride, padding, dilation);
    Shape image = Shape.of(n, h, w, in);
    Shape wide = image.withChannels(hidden);
    Shape middle = window.output(wide, hidden);
    Shape result = middle.withChannels(20);
    for (int threads = 1; threads <= 3; threads++) {
      try (Backend b = Backend.cpu(threads)) {
        try (Memory.Scope _ = b.memory().scope()) {
          Tensor x = random(b, image, 1);
          FixedKernel expand =
              b.convolution()
                  .fix(
                      random(b, Shape.of(1, 1, in, hidden), 2),
                      random(b, Shape.of(hidden), 3),
                      Window.POINTWISE,
                      image,
                      1);
          FixedKernel kernel =
              b.depthwise()
                  .fix(
                      random(b, Shape.of(k, k, hidden), 4), random(b, Shape.of(hidden), 5), window);
          FixedKernel project =
              b.convolution()
                  .fix(
                      random(b, Shape.of(1, 1, hidden, 20), 6),
                      random(b, Shape.of(20), 7),
                      Window.POINTWISE,
                      middle,
                      1);
          Tensor residual = random(b, result, 8);
          Tensor expanded = random(b, wide, 9);
          Tensor filtered = random(b, middle, 10);
          Tensor expected = random(b, result, 11);
          b.convolution().forward(x, expand, Activation.RELU6, null, expanded);
          b.depthwise().forward(expanded, kernel, Activation.HSWISH, filtered);
          b.convolution().forward(filtered, project, Activation.IDENTITY, residual, expected);
          Tensor banded = random(b, middle, 12);
          b.bottleneck()
              .expanded(x, expand, Activation.RELU6, kernel, Activation.HSWISH, null, null, banded);
          assertArrayEquals(filtered.toArray(), banded.toArray());
          Tensor out = random(b, result, 13);
          b.bottleneck()
              .expanded(
                  x, expand, Activation.RELU6, kernel, Activation.HSWISH, project, residual, out);
          assertArrayEquals(expected.toArray(), out.toArray());
        }
        assertEquals(0, b.memory().current());
      }
    }
  }

  private static Tensor random(Backend backend, Shape shape, int seed) {
    Tensor tensor = backend.memory().floats(shape, Memory.Category.DATA, "random");
    Random random = new Random(seed);
    float[] values = new float[shape.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextFloat() * 2 - 1;
    }
    return tensor.set(values);
  }
}
