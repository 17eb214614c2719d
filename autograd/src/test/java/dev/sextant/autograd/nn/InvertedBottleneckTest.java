package dev.sextant.autograd.nn;

import static dev.sextant.autograd.Samples.array;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sextant.autograd.GradientCheck;
import dev.sextant.autograd.Samples;
import dev.sextant.autograd.Tape;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** The inverted bottleneck in all its forms. */
final class InvertedBottleneckTest {
  private static final float EPSILON = 1e-3f;

  private record Line(String name, InvertedBottleneck.Config config) {}

  private static Line line(
      String name,
      int in,
      int expanded,
      int out,
      Window window,
      Activation activation,
      int squeezed,
      boolean shortcut) {
    return new Line(
        name,
        new InvertedBottleneck.Config(
            in, expanded, out, window, activation, squeezed, shortcut, EPSILON));
  }

  private static final List<Line> TABLE =
      List.of(
          line("expand 1", 4, 4, 3, Window.same(3, 1), Activation.SIGMOID, 0, false),
          line("expand 6, residual", 2, 12, 2, Window.same(3, 1), Activation.SIGMOID, 0, true),
          line("expand 1, residual", 3, 3, 3, Window.same(5, 1), Activation.SIGMOID, 0, true),
          line("expand 6, stride 2", 2, 12, 3, Window.same(5, 2), Activation.SIGMOID, 0, false),
          line("squeeze-excite", 2, 6, 3, Window.same(3, 1), Activation.SIGMOID, 2, false),
          line(
              "squeeze-excite, residual, stride 1",
              3,
              9,
              3,
              Window.same(3, 1),
              Activation.SIGMOID,
              4,
              true),
          line("identity", 2, 6, 2, Window.same(3, 1), Activation.IDENTITY, 0, true),
          line("relu", 2, 4, 3, Window.same(3, 1), Activation.RELU, 0, false),
          line("relu6", 2, 4, 2, Window.same(3, 1), Activation.RELU6, 0, true),
          line("hswish, squeeze-excite", 2, 4, 3, Window.same(3, 2), Activation.HSWISH, 2, false));

  private interface Body {
    void run(Backend backend, InvertedBottleneck block, Tensor x);
  }

  private static Stream<DynamicTest> each(Body body) {
    return TABLE.stream()
        .map(
            line ->
                DynamicTest.dynamicTest(
                    line.name,
                    () -> {
                      try (Backend backend = Backend.reference()) {
                        InvertedBottleneck block =
                            new InvertedBottleneck(
                                new Initializer(backend, new Rng(11)), line.config);
                        Samples.perturb(backend, block, 12);
                        Tensor x =
                            Samples.uniform(backend, 22, Shape.of(2, 4, 3, line.config.in()));
                        body.run(backend, block, x);
                        x.close();
                        block.close();
                        assertEquals(
                            0, backend.memory().current(), backend.memory()::largestHolders);
                      }
                    }));
  }

  /**
   * A small step, and an input (about every second one would do) from which no pre-activation
   * crosses a kink on the way.
   */
  @TestFactory
  Stream<DynamicTest> gradientsEqualCentralDifferences() {
    return each(
        (backend, block, x) ->
            GradientCheck.check(
                "mbconv",
                backend,
                (tape, in) -> block.forward(tape, in[0]),
                2e-3f,
                1e-2f,
                List.copyOf(block.parameters().values()),
                x));
  }

  /** ⟨dy, forward(x) − shortcut⟩, written out, in training and in evaluation. */
  @TestFactory
  Stream<DynamicTest> innerProductLeavesShortcutAndStatisticsAlone() {
    return each(
        (backend, block, x) -> {
          for (Tape.Mode mode : Tape.Mode.values()) {
            try (Tape tape = new Tape(backend, mode)) {
              float[] y;
              try (Tape probe = tape.probe()) {
                y = array(backend, block.forward(probe, probe.constant(x)).value());
              }
              Shape shape = Shape.of(2, y.length / 2);
              Tensor dy = Samples.uniform(backend, 14, shape);
              double expected = dot(array(backend, dy), y);
              if (block.hasShortcut()) {
                expected -= dot(array(backend, dy), array(backend, x));
              }
              Map<String, float[]> before = state(backend, block);
              try (Tensor image = dy.reshape(output(backend, block, x))) {
                assertEquals(expected, block.innerProduct(tape, x, image), 1e-4, mode.name());
              }
              state(backend, block)
                  .forEach((path, after) -> assertArrayEquals(before.get(path), after, path));
              dy.close();
            }
          }
        });
  }

  private static Shape output(Backend backend, InvertedBottleneck block, Tensor x) {
    try (Tape tape = new Tape(backend, Tape.Mode.EVAL)) {
      return block.forward(tape, tape.constant(x)).shape();
    }
  }

  private static double dot(float[] a, float[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += (double) a[i] * b[i];
    }
    return sum;
  }

  private static Map<String, float[]> state(Backend backend, Module module) {
    Map<String, float[]> state = new LinkedHashMap<>();
    module.state().forEach((path, tensor) -> state.put(path, array(backend, tensor)));
    return state;
  }
}
