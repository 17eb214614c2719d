package dev.sextant.autograd.nn;

import static dev.sextant.autograd.Samples.array;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.autograd.Parameter;
import dev.sextant.autograd.Samples;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.ops.BatchNormActivate;
import dev.sextant.autograd.ops.Conv2d;
import dev.sextant.autograd.ops.Depthwise;
import dev.sextant.autograd.ops.Rematerialize;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What is dropped and computed again: the same gradients bit for bit, in less memory. */
final class RecomputationTest {
  private static final float EPSILON = 1e-3f;
  private static final Window WINDOW = Window.same(3, 1);

  private final Backend backend = Backend.reference();

  @AfterEach
  void everythingIsFreed() {
    assertEquals(0, backend.memory().current(), backend.memory()::largestHolders);
    backend.close();
  }

  private interface Pass {
    Variable run(Tape tape, Variable x);
  }

  /** Gradients by path (the input's under "x"), state after the step, and the peak on the way. */
  private record Step(Map<String, float[]> gradients, Map<String, float[]> state, long peak) {}

  private Step step(Module module, Tensor input, Pass pass) {
    Map<String, float[]> gradients = new LinkedHashMap<>();
    Tensor dy = Samples.uniform(backend, 3, input.shape());
    backend.memory().resetPeaks();
    try (Tape tape = new Tape(backend, Tape.Mode.TRAIN)) {
      Variable x = tape.leaf(input);
      tape.backward(pass.run(tape, x), dy);
      gradients.put("x", array(backend, x.gradient()));
    }
    long peak = backend.memory().peak(Category.ACTIVATIONS);
    module
        .parameters()
        .forEach(
            (path, parameter) -> {
              gradients.put(path, array(backend, parameter.gradient()));
              parameter.clearGradient();
            });
    Map<String, float[]> state = new LinkedHashMap<>();
    module.state().forEach((path, tensor) -> state.put(path, array(backend, tensor)));
    return new Step(gradients, state, peak);
  }

  private static void assertSameBits(Map<String, float[]> expected, Map<String, float[]> actual) {
    assertEquals(expected.keySet(), actual.keySet());
    expected.forEach((path, values) -> assertArrayEquals(values, actual.get(path), path));
  }

  /** Within float rounding: fused kernels need not add up in the order of separate ones. */
  private static void assertClose(Map<String, float[]> expected, Map<String, float[]> actual) {
    assertEquals(expected.keySet(), actual.keySet());
    expected.forEach(
        (path, values) -> {
          double largest = 1;
          for (float value : values) {
            largest = Math.max(largest, Math.abs(value));
          }
          assertArrayEquals(values, actual.get(path), (float) (1e-4 * largest), path);
        });
  }

  private InvertedBottleneck block(int channels, int expanded, int squeezed) {
    InvertedBottleneck block =
        new InvertedBottleneck(
            new Initializer(backend, new Rng(7)),
            new InvertedBottleneck.Config(
                channels, expanded, channels, WINDOW, Activation.RELU6, squeezed, true, EPSILON));
    Samples.perturb(backend, block, 8);
    return block;
  }

  /** The block written out with the parameters of another, nothing ever released. */
  private Variable kept(Tape tape, InvertedBottleneck block, Variable x) {
    SequencedMap<String, Parameter> p = block.parameters();
    Variable z1 = Conv2d.apply(tape, x, p.get("expand.weight"), Window.POINTWISE);
    Variable a1 = norm(tape, block, "expand_norm", z1, Activation.RELU6, null);
    Variable z2 = Depthwise.apply(tape, a1, p.get("depthwise.weight"), WINDOW);
    Variable a2 = norm(tape, block, "depthwise_norm", z2, Activation.RELU6, null);
    Variable z3 = Conv2d.apply(tape, a2, p.get("project.weight"), Window.POINTWISE);
    return norm(tape, block, "project_norm", z3, Activation.IDENTITY, x);
  }

  private static Variable norm(
      Tape tape,
      InvertedBottleneck block,
      String name,
      Variable z,
      Activation activation,
      Variable residual) {
    Map<String, Tensor> state = block.state();
    return BatchNormActivate.apply(
        tape,
        z,
        block.parameters().get(name + ".gamma"),
        block.parameters().get(name + ".beta"),
        new BatchNormActivate.Running(
            state.get(name + ".mean"), state.get(name + ".variance"), BatchNorm.MOMENTUM, EPSILON),
        activation,
        residual);
  }

  /**
   * With E = 32 pixels x 48 expanded channels and C = 32 x 8, in floats. Where each peaks, in the
   * backward pass of the depthwise convolution:
   *
   * <ul>
   *   <li>written out and kept: z1, a1, z2, a2, dz2 and da1 are 6 E; z3 and y 2 C.
   *   <li>as a chain: z1, z2, the gradient behind z2's norm and that behind z1's are 4 E; y, which
   *       its holder has not released, C. (In the projection z1, z2 and one gradient, 3 E.)
   * </ul>
   *
   * Statistics (2 x (48 + 48 + 8)) are kept by both. The residual's gradient is dy itself, which is
   * the test's and not an activation.
   */
  @Test
  void aChainHoldsNoActivatedTensor() {
    InvertedBottleneck block = block(8, 48, 0);
    Map<String, Tensor> start = copy(block);
    Tensor x = Samples.uniform(backend, 2, Shape.of(2, 4, 4, 8));
    Step chained = step(block, x, block::forward);
    block.load(backend, start);
    Step kept = step(block, x, (tape, in) -> kept(tape, block, in));
    assertClose(kept.gradients, chained.gradients);
    assertClose(kept.state, chained.state);
    long e = 32 * 48;
    long c = 32 * 8;
    long statistics = 2 * (48 + 48 + 8);
    assertEquals(4 * (6 * e + 2 * c + statistics), kept.peak);
    assertEquals(4 * (4 * e + c + statistics), chained.peak);
    start.values().forEach(Tensor::close);
    x.close();
    block.close();
  }

  /** Between the passes there are z1, z2, z3 and y, and the statistics: no activated tensor. */
  @Test
  void onlyRawConvolutionsAreKeptBetweenThePasses() {
    for (int squeezed : new int[] {0, 4}) {
      InvertedBottleneck block = block(8, 48, squeezed);
      Tensor x = Samples.uniform(backend, 2, Shape.of(2, 4, 4, 8));
      try (Tape tape = new Tape(backend, Tape.Mode.TRAIN)) {
        block.forward(tape, tape.leaf(x));
        long statistics = 2 * (48 + 48 + 8);
        // Two images' means, hidden units before and after the bias (dropped), and gate: vectors.
        long gate = squeezed == 0 ? 0 : 2 * (48 + squeezed + 48);
        assertEquals(
            4 * (32 * (48 + 48 + 8 + 8) + statistics + gate),
            backend.memory().current(Category.ACTIVATIONS),
            backend.memory()::largestHolders);
      }
      x.close();
      block.close();
    }
  }

  /**
   * Six residual blocks of C = 4 and E = 64 channels, per pixel. Without rematerialisation z1, z2
   * (12 E) stay, and the last block's a2 and da2 come on top: 14 E. With it the six outputs stay,
   * and one block at a time has z1, z2, a2, da2: 4 E.
   */
  @Test
  void rematerializedChainHasTheSameGradientsInAThirdOfTheMemory() {
    long[] peaks = rematerialize(0);
    assertTrue(peaks[0] >= 3 * peaks[1], () -> "peaks " + Arrays.toString(peaks));
  }

  /** The gated tensor is computed again too; with a2, z1, z2 and its own gradient 5 E at most. */
  @Test
  void squeezeExciteIsRematerializedToo() {
    long[] peaks = rematerialize(4);
    assertTrue(2 * peaks[0] >= 5 * peaks[1], () -> "peaks " + Arrays.toString(peaks));
  }

  /** Peaks without and with rematerialisation, after the gradients were compared. */
  private long[] rematerialize(int squeezed) {
    List<InvertedBottleneck> blocks = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      blocks.add(block(4, 64, squeezed));
    }
    Sequential chain = new Sequential(blocks);
    Map<String, Tensor> start = copy(chain);
    Tensor x = Samples.uniform(backend, 2, Shape.of(3, 5, 5, 4));
    Step whole = step(chain, x, chain::forward);
    chain.load(backend, start);
    Step rematerialized = step(chain, x, (tape, in) -> rematerialized(tape, blocks, in));
    assertSameBits(whole.gradients, rematerialized.gradients);
    assertSameBits(whole.state, rematerialized.state);
    start.values().forEach(Tensor::close);
    x.close();
    chain.close();
    return new long[] {whole.peak, rematerialized.peak};
  }

  private static Variable rematerialized(Tape tape, List<InvertedBottleneck> blocks, Variable x) {
    Variable y = x;
    for (InvertedBottleneck block : blocks) {
      Variable next = Rematerialize.apply(tape, y, block::forward);
      if (y != x) {
        y.release();
      }
      y = next;
    }
    return y;
  }

  @Test
  void aFrozenSegmentOfAConstantIsNotRunAgain() {
    InvertedBottleneck block = block(4, 8, 0);
    block.setFrozen(true);
    Tensor x = Samples.uniform(backend, 2, Shape.of(1, 3, 3, 4));
    try (Tape tape = new Tape(backend, Tape.Mode.TRAIN)) {
      Variable y = Rematerialize.apply(tape, tape.constant(x), block::forward);
      tape.backward(y, Samples.uniform(backend, 3, x.shape()));
    }
    block.parameters().forEach((path, p) -> assertTrue(p.gradient() == null, path));
    x.close();
    block.close();
  }

  @Test
  void anIdentitySegmentPassesTheGradientThrough() {
    Tensor x = Samples.uniform(backend, 2, Shape.of(2, 3));
    try (Tape tape = new Tape(backend, Tape.Mode.TRAIN)) {
      Variable leaf = tape.leaf(x);
      Variable y = Rematerialize.apply(tape, leaf, (inside, v) -> v);
      assertArrayEquals(array(backend, x), array(backend, y.value()));
      tape.backward(y, Samples.tensor(backend, x.shape(), 1, 2, 3, 4, 5, 6));
      assertArrayEquals(new float[] {1, 2, 3, 4, 5, 6}, array(backend, leaf.gradient()));
    }
    x.close();
  }

  /** Kept copies of a module's state. */
  private Map<String, Tensor> copy(Module module) {
    Map<String, Tensor> copies = new LinkedHashMap<>();
    module
        .state()
        .forEach(
            (path, tensor) ->
                copies.put(path, Samples.tensor(backend, tensor.shape(), array(backend, tensor))));
    return copies;
  }
}
