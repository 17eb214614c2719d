package dev.sextant.nas.supernet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.autograd.Parameter;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.nn.Module;
import dev.sextant.autograd.ops.SoftmaxCrossEntropy;
import dev.sextant.nas.space.Position;
import dev.sextant.nas.space.Space;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.MbConv;
import dev.sextant.runtime.layer.Skip;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/**
 * Appendix D's claim: a step of the supernet holds what training one path holds, whatever the
 * number of candidates. The dearest path is active everywhere, the worst case.
 */
class StepMemoryTest {
  private static final int BATCH = 16;

  /** Of activations and workspace over those of the largest network trained alone. */
  private static final double ALLOWED = 1.05;

  private record Peaks(long alone, long weightStep, long recompute, long twoPath, long allPaths) {}

  @Test
  void stepsHoldNoMoreThanOnePathWithSevenCandidates() {
    checkSteps(peaks(Space.named("proxyless-small")), "7 candidates");
  }

  @Test
  void stepsHoldNoMoreThanOnePathWithThirteenCandidates() {
    checkSteps(peaks(thirteenCandidates()), "13 candidates");
  }

  private static void checkSteps(Peaks peaks, String title) {
    System.out.printf(
        "%s, batch %d: largest path alone %s, weight step %s, architecture step: recompute %s,"
            + " two-path %s, all-paths %s%n",
        title,
        BATCH,
        Memory.human(peaks.alone),
        Memory.human(peaks.weightStep),
        Memory.human(peaks.recompute),
        Memory.human(peaks.twoPath),
        Memory.human(peaks.allPaths));
    assertTrue(peaks.weightStep <= ALLOWED * peaks.alone, () -> "weight step: " + peaks);
    assertTrue(peaks.recompute <= ALLOWED * peaks.alone, () -> "architecture step: " + peaks);
    assertTrue(peaks.allPaths > peaks.recompute, () -> "all-paths keeps outputs: " + peaks);
  }

  /** 3x3, 5x5, 7x7 with three expansions each, 9x9 with small ones, and skip. */
  private static Space thirteenCandidates() {
    Space small = Space.named("proxyless-small");
    List<Position> positions = new ArrayList<>();
    for (Position position : small.positions()) {
      positions.add(
          switch (position) {
            case Position.Fixed fixed -> fixed;
            case Position.Choice choice -> widened(choice);
          });
    }
    return new Space(
        "thirteen", small.classes(), small.input(), small.batchNormEpsilon(), positions);
  }

  private static Position widened(Position.Choice choice) {
    MbConv like = (MbConv) choice.candidates().getFirst();
    List<Layer> layers = new ArrayList<>();
    for (int kernel : new int[] {3, 5, 7, 9}) {
      for (int expand : kernel == 9 ? new int[] {1, 2, 3} : new int[] {3, 4, 6}) {
        layers.add(
            new MbConv(
                kernel, like.stride(), expand, like.out(), Activation.RELU6, 0, like.residual()));
      }
    }
    if (choice.candidates().getLast() instanceof Skip) {
      layers.add(new Skip());
    }
    return new Position.Choice(layers);
  }

  private static Peaks peaks(Space space) {
    try (Backend backend = Backend.cpu(1)) {
      Initializer init = new Initializer(backend, new Rng(1));
      int[] largest =
          space.choices().stream()
              .mapToInt(choice -> indexOfLargest(choice.candidates()))
              .toArray();
      long alone;
      try (Network network = new Network(space.derive(largest), init, 0, new Rng(2))) {
        alone = peak(backend, space, network, Tape.Mode.TRAIN);
      }
      Peaks peaks;
      try (MultiPathSupernet supernet = new MultiPathSupernet(space, init)) {
        supernet.setDecisions(largest);
        long weightStep = peak(backend, space, supernet, Tape.Mode.TRAIN);
        supernet.freezeWeights(true);
        peaks =
            new Peaks(
                alone,
                weightStep,
                architectureStep(backend, space, supernet, largest, GateMode.RECOMPUTE),
                architectureStep(backend, space, supernet, largest, GateMode.TWO_PATH),
                architectureStep(backend, space, supernet, largest, GateMode.ALL_PATHS));
      }
      assertEquals(0, backend.memory().current());
      return peaks;
    }
  }

  private static int indexOfLargest(List<Layer> candidates) {
    for (int j = 0; j < candidates.size(); j++) {
      if (candidates.get(j) instanceof MbConv block && block.kernel() == 7 && block.expand() == 6) {
        return j;
      }
    }
    throw new AssertionError("no 7x7 e6");
  }

  private static long architectureStep(
      Backend backend, Space space, MultiPathSupernet supernet, int[] active, GateMode mode) {
    for (int i = 0; i < active.length; i++) {
      MixedLayer choice = supernet.choices().get(i);
      int[] sampled =
          mode == GateMode.TWO_PATH
              ? new int[] {0, active[i]}
              : IntStream.range(0, choice.candidates().size()).toArray();
      choice.activate(active[i], mode, sampled);
    }
    return peak(backend, space, supernet, Tape.Mode.TRAIN_STATELESS);
  }

  private static long peak(Backend backend, Space space, Module network, Tape.Mode mode) {
    Memory memory = backend.memory();
    try (Tape tape = new Tape(backend, mode)) {
      Shape shape = space.input().shape(BATCH);
      Tensor images = memory.floats(shape, Category.DATA, "images");
      Rng rng = new Rng(3);
      for (int i = 0; i < images.size(); i++) {
        images.floats()[images.offset() + i] = (float) rng.nextGaussian();
      }
      Tensor labels = memory.ints(Shape.of(BATCH), Category.DATA, "labels");
      labels.set(IntStream.range(0, BATCH).map(i -> i % space.classes()).toArray());
      memory.resetPeaks();
      Variable logits = network.forward(tape, tape.constant(images));
      Variable loss = SoftmaxCrossEntropy.apply(tape, logits, labels, 0);
      logits.release();
      tape.backward(loss);
    }
    long peak = memory.transientPeak();
    network.parameters().values().forEach(Parameter::clearGradient);
    return peak;
  }
}
