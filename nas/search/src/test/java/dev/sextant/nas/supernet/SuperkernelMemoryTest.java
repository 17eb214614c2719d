package dev.sextant.nas.supernet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.autograd.Parameter;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.nn.Module;
import dev.sextant.autograd.ops.SoftmaxCrossEntropy;
import dev.sextant.nas.space.NestedChoice;
import dev.sextant.nas.space.Space;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.function.Function;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Single-Path NAS's claim: a supernet with the weights and the gradients of one path only. */
class SuperkernelMemoryTest {
  private static final int BATCH = 4;

  /** Bytes of trained scalars, and of what a backward pass leaves in them. */
  private record Held(long weights, long gradients) {
    @Override
    public String toString() {
      return "%s + %s".formatted(Memory.human(weights), Memory.human(gradients));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"proxyless-small", "single-path-cifar"})
  void weightsAndGradientsAreThoseOfTheLargestPath(String name) {
    Space space = Space.named(name);
    int[] largest =
        NestedChoice.of(space).stream()
            .mapToInt(choice -> choice.index(choice.largest()))
            .toArray();
    Held alone = held(space, init -> new Network(space.derive(largest), init, 0, new Rng(2)));
    Held superkernel = held(space, init -> new SuperkernelSupernet(space, init));
    Held multiPath =
        held(
            space,
            init -> {
              MultiPathSupernet supernet = new MultiPathSupernet(space, init);
              supernet.setDecisions(largest);
              return supernet;
            });
    System.out.printf(
        "%s: weights + gradients of the largest path alone %s, of superkernels %s, of a multi-path"
            + " supernet %s%n",
        name, alone, superkernel, multiPath);
    assertEquals(alone, superkernel);
    assertEquals(alone.gradients, multiPath.gradients, "one path is active");
    assertTrue(multiPath.weights > 2 * superkernel.weights, multiPath + " and " + superkernel);
  }

  private static Held held(Space space, Function<Initializer, Module> made) {
    try (Backend backend = Backend.cpu(1)) {
      Memory memory = backend.memory();
      Held held;
      try (Module network = made.apply(new Initializer(backend, new Rng(1)))) {
        try (Tape tape = new Tape(backend, Tape.Mode.TRAIN_STATELESS)) {
          Shape shape = space.input().shape(BATCH);
          Tensor images = memory.zeros(shape, Category.DATA, "images");
          Tensor labels = memory.ints(Shape.of(BATCH), Category.DATA, "labels");
          labels.set(new int[BATCH]);
          Variable logits = network.forward(tape, tape.constant(images));
          tape.backward(SoftmaxCrossEntropy.apply(tape, logits, labels, 0));
        }
        held = new Held(Float.BYTES * network.parameterCount(), memory.current(Category.GRADIENTS));
        network.parameters().values().forEach(Parameter::clearGradient);
      }
      assertEquals(0, memory.current(), memory::largestHolders);
      return held;
    }
  }
}
