package dev.sextant.nas.supernet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.ops.SoftmaxCrossEntropy;
import dev.sextant.nas.space.Space;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.layer.Conv;
import dev.sextant.runtime.layer.GlobalAvgPool;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.Linear;
import dev.sextant.runtime.layer.MbConv;
import dev.sextant.runtime.layer.Skip;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What is held between the passes of a weight step beside what PyTorch's autograd saves for it,
 * counted from the definitions of its ops, each storage once:
 *
 * <ul>
 *   <li>a convolution and a linear layer save their input (weights are there anyway);
 *   <li>a batch norm in training saves its input and its mean and inverse deviation;
 *   <li>ReLU6 ({@code hardtanh}) saves its input, and in place a copy of it. Measured of libtorch
 *       2.7.1: after {@code mul} of 256 MB and {@code hardtanh_} the process is 512 MB larger,
 *       after {@code mul} and {@code relu_}, which saves its result, 256 MB;
 *   <li>an addition and a mean over pixels save nothing; cross-entropy saves the log-probabilities.
 * </ul>
 *
 * <p>So an MBConv block costs PyTorch x, z1, norm(z1), relu6(norm(z1)), z2, norm(z2),
 * relu6(norm(z2)) and z3, and with ReLU in place of ReLU6 x, z1, relu(norm(z1)), z2, relu(norm(z2))
 * and z3. Here it is z1, z2 and z3 either way.
 */
class SavedActivationsTest {
  private static final int BATCH = 8;

  @ParameterizedTest
  @CsvSource({
    "proxyless-cifar, 1",
    "proxyless-cifar, 3",
    "proxyless-cifar, 5",
    "tunas-proxyless, 0"
  })
  void atMostHalfOfWhatPyTorchSaves(String space, int candidate) {
    Space searched = Space.named(space).withInput(new Architecture.Input(32, 32, 3), 10);
    int[] path = new int[searched.choices().size()];
    Arrays.fill(path, candidate);
    Architecture network = searched.derive(path);
    long relu6 = pytorch(network, true);
    long relu = pytorch(network, false);
    long ours = held(network);
    System.out.printf(
        Locale.ROOT,
        "%s, candidate %d everywhere, batch %d: held between the passes %s, PyTorch saves %s: %.2f"
            + " (with ReLU for ReLU6 %s: %.2f)%n",
        space,
        candidate,
        BATCH,
        Memory.human(ours),
        Memory.human(relu6),
        (double) ours / relu6,
        Memory.human(relu),
        (double) ours / relu);
    assertTrue(ours <= 0.45 * relu6, () -> ours + " of " + relu6);
    assertTrue(ours <= 0.52 * relu, () -> ours + " of " + relu);
  }

  /** A block of 2 x 4 x 4 x 8 with expansion 3, by hand. */
  @Test
  void countsABlockByHand() {
    Layer block = new MbConv(3, 2, 3, 16, Activation.RELU6, 0, false);
    long input = 2 * 4 * 4 * 8;
    long first = 2 * 4 * 4 * 24;
    long second = 2 * 2 * 2 * 24;
    long third = 2 * 2 * 2 * 16;
    long statistics = 2 * (24 + 24 + 16);
    Shape x = Shape.of(2, 4, 4, 8);
    assertEquals(input + 3 * first + 3 * second + third + statistics, saved(block, x, true));
    assertEquals(input + 2 * first + 2 * second + third + statistics, saved(block, x, false));
  }

  private static long pytorch(Architecture network, boolean copies) {
    long floats = (long) BATCH * network.classes();
    List<Shape> shapes = network.shapes();
    for (int i = 0; i < network.layers().size(); i++) {
      floats += saved(network.layers().get(i), shapes.get(i).withBatch(BATCH), copies);
    }
    return floats * Float.BYTES;
  }

  /**
   * Floats that a layer saves, its input among them.
   *
   * @param copies whether an activation saves a copy of its input, and not its result
   */
  private static long saved(Layer layer, Shape input, boolean copies) {
    return switch (layer) {
      case Conv conv -> {
        assertTrue(conv.batchNorm());
        Shape z = layer.output(input);
        yield input.size() + normalized(z) + (copies ? z.size() : 0);
      }
      case MbConv block -> {
        assertEquals(0, block.squeezeExcite());
        int inner = input.get(3) * block.expand();
        Shape output = layer.output(input);
        Shape z1 = Shape.of(input.get(0), input.get(1), input.get(2), inner);
        Shape z2 = Shape.of(output.get(0), output.get(1), output.get(2), inner);
        int activated = copies ? 2 : 1;
        long expansion = block.expand() == 1 ? 0 : normalized(z1) + (long) activated * z1.size();
        yield input.size()
            + expansion
            + normalized(z2)
            + (long) activated * z2.size()
            + normalized(output);
      }
      case Skip _ -> 0;
      // The result of the activation before it, which no convolution saves as its input.
      case GlobalAvgPool _ -> copies ? 0 : input.size();
      case Linear _ -> input.size();
      default -> throw new AssertionError("not counted: " + layer);
    };
  }

  /** What a batch norm saves. */
  private static long normalized(Shape z) {
    return z.size() + 2L * z.get(3);
  }

  private static long held(Architecture architecture) {
    try (Backend backend = Backend.cpu(1);
        Network network =
            new Network(architecture, new Initializer(backend, new Rng(1)), 0, new Rng(2));
        Tape tape = new Tape(backend, Tape.Mode.TRAIN)) {
      Memory memory = backend.memory();
      Tensor images = memory.zeros(architecture.input().shape(BATCH), Category.DATA, "images");
      Tensor labels = memory.ints(Shape.of(BATCH), Category.DATA, "labels");
      labels.set(IntStream.range(0, BATCH).map(i -> i % architecture.classes()).toArray());
      Variable logits = network.forward(tape, tape.constant(images));
      Variable loss = SoftmaxCrossEntropy.apply(tape, logits, labels, 0);
      logits.release();
      long held = memory.current(Category.ACTIVATIONS) + memory.current(Category.WORKSPACE);
      tape.backward(loss);
      // PyTorch's count has the images among the inputs.
      return held + images.size() * (long) Float.BYTES;
    }
  }
}
