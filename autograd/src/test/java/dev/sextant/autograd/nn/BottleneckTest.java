package dev.sextant.autograd.nn;

import static dev.sextant.autograd.Samples.array;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.autograd.Parameter;
import dev.sextant.autograd.Samples;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.BiFunction;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Blocks large enough for the CPU to run their expansion and depthwise convolution together,
 * against the reference, which runs convolution by convolution.
 */
final class BottleneckTest {
  private static final int BATCH = 4;
  private static final int SIDE = 10;

  /** What is trained. */
  private enum Trained {
    ALL,
    /** Only the input, as in an architecture step. */
    INPUT,
    /** Not the input, as in a network's first block. */
    WEIGHTS,
    /** Nothing before the depthwise convolution. */
    DEPTHWISE
  }

  /** Everything that a step leaves, by name. */
  private static Map<String, float[]> step(
      Backend backend, InvertedBottleneck.Config config, Trained trained) {
    Map<String, float[]> left = new LinkedHashMap<>();
    try (InvertedBottleneck block = block(backend, config)) {
      block.setFrozen(trained == Trained.INPUT);
      if (trained == Trained.DEPTHWISE) {
        block.parameters().forEach((path, p) -> p.setFrozen(path.startsWith("expand")));
      }
      try (Tape tape = new Tape(backend, Tape.Mode.TRAIN);
          Tensor input = input(backend, config)) {
        boolean leaf = trained == Trained.ALL || trained == Trained.INPUT;
        Variable x = leaf ? tape.leaf(input) : tape.constant(input);
        Variable y = block.forward(tape, x);
        left.put("y", array(backend, y.value()));
        Tensor dy = Samples.uniform(backend, 3, y.shape());
        left.put("inner product", new float[] {(float) block.innerProduct(tape, input, dy)});
        tape.backward(y, dy);
        dy.close();
        if (leaf) {
          left.put("dx", array(backend, x.gradient()));
        }
        block
            .parameters()
            .forEach(
                (path, p) -> {
                  assertEquals(p.requiresGradient(), p.gradient() != null, path);
                  if (p.gradient() != null) {
                    left.put("gradient of " + path, array(backend, p.gradient()));
                  }
                });
      }
      block.state().forEach((path, tensor) -> left.put(path, array(backend, tensor)));
      block.parameters().values().forEach(Parameter::clearGradient);
    }
    assertEquals(0, backend.memory().current(), backend.memory()::largestHolders);
    return left;
  }

  private static InvertedBottleneck block(Backend backend, InvertedBottleneck.Config config) {
    InvertedBottleneck block =
        new InvertedBottleneck(new Initializer(backend, new Rng(11)), config);
    Samples.perturb(backend, block, 12);
    return block;
  }

  private static Tensor input(Backend backend, InvertedBottleneck.Config config) {
    return Samples.uniform(backend, 22, Shape.of(BATCH, SIDE, SIDE, config.in()));
  }

  private static <T> T on(BiFunction<Integer, Backend, T> work, int threads) {
    try (Backend backend = threads == 0 ? Backend.reference() : Backend.cpu(threads)) {
      return work.apply(threads, backend);
    }
  }

  /** 64 channels are the most whose product is made again. */
  @ParameterizedTest
  @CsvSource({
    "16, 96, 16, 3, 1, RELU6, true",
    "24, 72, 40, 5, 2, RELU6, false",
    "72, 144, 24, 7, 1, RELU, false",
    "72, 216, 72, 3, 1, RELU, true",
    "8, 48, 12, 3, 2, RELU6, false",
  })
  void stepsAreThoseOfTheReference(
      int in, int expanded, int out, int kernel, int stride, Activation activation, boolean add) {
    Window window = Window.same(kernel, stride);
    var config =
        new InvertedBottleneck.Config(in, expanded, out, window, activation, 0, add, 1e-3f);
    for (Trained trained : Trained.values()) {
      Map<String, float[]> expected = on((t, b) -> step(b, config, trained), 0);
      for (int threads = 1; threads <= 2; threads++) {
        Map<String, float[]> actual = on((t, b) -> step(b, config, trained), threads);
        assertEquals(expected.keySet(), actual.keySet());
        for (String name : expected.keySet()) {
          String what = "%s, %s, %d threads".formatted(name, trained, threads);
          Samples.assertClose(what, expected.get(name), actual.get(name), 1e-3);
        }
      }
    }
  }

  /** Between the passes only z2, z3 and what is a few numbers a channel are held. */
  @ParameterizedTest
  @CsvSource({"16, 96, false", "72, 432, true"})
  void narrowInputsAreExpandedAgain(int in, int expanded, boolean kept) {
    var config =
        new InvertedBottleneck.Config(
            in, expanded, in, Window.same(3, 1), Activation.RELU6, 0, false, 1e-3f);
    try (Backend backend = Backend.cpu(1);
        InvertedBottleneck block = block(backend, config);
        Tape tape = new Tape(backend, Tape.Mode.TRAIN);
        Tensor input = input(backend, config)) {
      long before = backend.memory().current(Category.ACTIVATIONS);
      block.forward(tape, tape.leaf(input)).release();
      long held = backend.memory().current(Category.ACTIVATIONS) - before;
      long pixels = (long) BATCH * SIDE * SIDE * Float.BYTES;
      long outputs = pixels * (expanded + in);
      assertTrue(held >= outputs, held + " bytes");
      assertEquals(kept, held >= outputs + pixels * expanded, held + " bytes");
      assertFalse(held > outputs + (kept ? 1.3 : 0.3) * pixels * expanded, held + " bytes");
    }
  }
}
