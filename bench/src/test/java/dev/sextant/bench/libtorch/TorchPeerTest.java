package dev.sextant.bench.libtorch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.djl.ndarray.NDArray;
import dev.sextant.autograd.Parameter;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.nn.Module;
import dev.sextant.autograd.ops.SoftmaxCrossEntropy;
import dev.sextant.autograd.optim.Sgd;
import dev.sextant.nas.space.Space;
import dev.sextant.nas.supernet.GateMode;
import dev.sextant.nas.supernet.MixedLayer;
import dev.sextant.nas.supernet.MultiPathSupernet;
import dev.sextant.nas.supernet.Network;
import dev.sextant.runtime.Architecture;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The peer does the same work: same losses, same gradients, same steps. */
class TorchPeerTest {
  private static final int BATCH = 4;

  @BeforeAll
  static void libtorchIsHere() {
    assumeTrue(Libtorch.missing().isEmpty(), () -> Libtorch.missing().orElse(""));
  }

  private static float[] values(int size, int seed) {
    Rng rng = new Rng(seed);
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = (float) rng.nextGaussian();
    }
    return values;
  }

  @ParameterizedTest
  @EnumSource(Layout.class)
  void layoutsComeBackAsTheyWent(Layout layout) {
    try (Libtorch torch = Libtorch.open(1, layout)) {
      checkRoundTrip(torch, TensorRole.IMAGE, Shape.of(2, 3, 4, 5));
      checkRoundTrip(torch, TensorRole.KERNEL, Shape.of(3, 3, 4, 5));
      checkRoundTrip(torch, TensorRole.DEPTHWISE_KERNEL, Shape.of(3, 3, 5));
      checkRoundTrip(torch, TensorRole.LINEAR, Shape.of(4, 5));
      checkRoundTrip(torch, TensorRole.PLAIN, Shape.of(4, 5));
    }
  }

  private static void checkRoundTrip(Libtorch torch, TensorRole kind, Shape shape) {
    float[] values = values(shape.size(), 1);
    assertArrayEquals(values, torch.read(kind, torch.load(kind, values, shape)), kind.toString());
  }

  @Test
  void convolvesInTheSameOrder() {
    Shape image = Shape.of(2, 6, 5, 3);
    try (Libtorch torch = Libtorch.open(1, Layout.CHANNELS_LAST);
        Backend backend = Backend.reference()) {
      Tensor x = backend.memory().floats(image, Category.DATA, "x").set(values(image.size(), 1));
      Shape kernel = Shape.of(3, 3, 3, 4);
      Tensor w =
          backend.memory().floats(kernel, Category.WEIGHTS, "w").set(values(kernel.size(), 2));
      Window window = Window.same(3, 2);
      Tensor y = backend.memory().floats(window.output(image, 4), Category.ACTIVATIONS, "y");
      backend.convolution().forward(x, w, window, null, Activation.IDENTITY, null, y);
      NDArray found =
          new TorchOps(torch)
              .conv2d(torch.load(TensorRole.IMAGE, x), torch.load(TensorRole.KERNEL, w), window);
      assertArrayEquals(y.toArray(), torch.read(TensorRole.IMAGE, found), 1e-4f);
      x.close();
      w.close();
      y.close();
    }
  }

  @Test
  void gradientsReachInputsThroughSeveralCalls() {
    try (Libtorch torch = Libtorch.open(1, Layout.CHANNELS_LAST)) {
      NDArray x = torch.load(TensorRole.PLAIN, new float[] {1, 2, 3}, Shape.of(3));
      NDArray unused = torch.load(TensorRole.PLAIN, new float[] {1}, Shape.of(1));
      x.setRequiresGradient(true);
      unused.setRequiresGradient(true);
      NDArray square = torch.evaluate("x", "torch.mul(x, x)", x);
      NDArray y = torch.evaluate("x", "torch.mul(x, 2)", square);
      NDArray dy = torch.load(TensorRole.PLAIN, new float[] {1, 10, 100}, Shape.of(3));
      List<NDArray> found = torch.gradients(List.of(y), List.of(x, unused), List.of(dy));
      assertArrayEquals(new float[] {4, 80, 1200}, torch.read(TensorRole.PLAIN, found.get(0)));
      assertArrayEquals(new float[] {0}, torch.read(TensorRole.PLAIN, found.get(1)));
    }
  }

  @Test
  void namesWhatItCannotCompile() {
    try (Libtorch torch = Libtorch.open(1, Layout.CHANNELS_LAST)) {
      SextantException e =
          assertThrows(
              SextantException.class, () -> torch.script("x", "return [torch.no_such_op(x)]"));
      assertTrue(String.valueOf(e.getMessage()).contains("no_such_op"), e.getMessage());
    }
  }

  @Test
  void freesWhatAScopeHeld() {
    try (Libtorch torch = Libtorch.open(1, Layout.CHANNELS_LAST)) {
      NDArray x = torch.load(TensorRole.PLAIN, new float[] {1, 2, 3}, Shape.of(3));
      NDArray y;
      try (Libtorch.Scope _ = torch.scope()) {
        y = torch.evaluate("x", "torch.mul(x, x)", x);
      }
      assertTrue(y.isReleased());
      assertEquals(6, torch.evaluate("x", "torch.sum(x)", x).getFloat());
    }
  }

  /** A path of proxyless-small whose choices differ, one of them skipped. */
  private static int[] path(Space space) {
    int choices = space.choices().size();
    return IntStream.range(0, choices)
        .map(i -> i == 2 ? space.choices().get(i).candidates().size() - 1 : i % 6)
        .toArray();
  }

  private static Tensor images(Backend backend, Space space) {
    Shape shape = space.input().shape(BATCH);
    return backend.memory().floats(shape, Category.DATA, "images").set(values(shape.size(), 3));
  }

  private static Tensor labels(Backend backend, Space space) {
    return backend
        .memory()
        .ints(Shape.of(BATCH), Category.DATA, "labels")
        .set(IntStream.range(0, BATCH).map(i -> i % space.classes()).toArray());
  }

  /** Blocks that start as the identity would hide what is inside them. */
  private static void wakeNorms(Module module, Backend backend) {
    Rng rng = new Rng(9);
    module
        .parameters()
        .forEach(
            (name, parameter) -> {
              if (parameter.role() == Parameter.Role.NORM) {
                float[] values = new float[parameter.shape().size()];
                for (int i = 0; i < values.length; i++) {
                  values[i] = (float) rng.uniform(0.5, 1.5);
                }
                backend.upload(values, 0, parameter.value());
              }
            });
  }

  @ParameterizedTest
  @EnumSource(Layout.class)
  void takesTheSameWeightStep(Layout layout) {
    Space space = Space.named("proxyless-small");
    Architecture architecture = space.derive(path(space));
    try (Libtorch torch = Libtorch.open(1, layout);
        Backend backend = Backend.cpu(1);
        Network network =
            new Network(architecture, new Initializer(backend, new Rng(1)), 0, new Rng(2))) {
      wakeNorms(network, backend);
      TorchChain chain =
          new TorchChain(
              torch,
              architecture.layers(),
              space.input().shape(BATCH),
              space.batchNormEpsilon(),
              true,
              network.state());
      try (Tensor images = images(backend, space);
          Tensor labels = labels(backend, space);
          Sgd sgd =
              new Sgd(backend, network.parameters(), new Sgd.Config(0.9f, true, 1e-4f, false))) {
        NDArray x = torch.load(TensorRole.IMAGE, images);
        NDArray t = torch.labels(labels);
        for (int step = 0; step < 2; step++) {
          double loss = step(backend, network, images, labels, Tape.Mode.TRAIN);
          sgd.step(0.01);
          assertEquals(loss, chain.weightStep(x, t, 0, 0.01, 0.9, 1e-4).getFloat(), 2e-4);
        }
        var found = chain.state();
        network
            .state()
            .forEach((name, tensor) -> assertClose(tensor.toArray(), found.get(name), 2e-2, name));
      }
    }
  }

  private static double step(
      Backend backend, Module network, Tensor images, Tensor labels, Tape.Mode mode) {
    try (Tape tape = new Tape(backend, mode)) {
      Variable logits = network.forward(tape, tape.constant(images));
      Variable loss = SoftmaxCrossEntropy.apply(tape, logits, labels, 0);
      double value = loss.value().toArray()[0];
      tape.backward(loss);
      return value;
    }
  }

  @Test
  void findsTheSameGateGradients() {
    Space space = Space.named("proxyless-small");
    int[] path = path(space);
    try (Libtorch torch = Libtorch.open(1, Layout.CHANNELS_LAST);
        Backend backend = Backend.cpu(1);
        MultiPathSupernet supernet =
            new MultiPathSupernet(space, new Initializer(backend, new Rng(1)));
        Tensor images = images(backend, space);
        Tensor labels = labels(backend, space)) {
      wakeNorms(supernet, backend);
      supernet.freezeWeights(true);
      float[][] alphas = new float[path.length][];
      for (int i = 0; i < path.length; i++) {
        MixedLayer choice = supernet.choices().get(i);
        alphas[i] = new float[choice.candidates().size()];
        choice.activate(
            path[i], GateMode.RECOMPUTE, IntStream.range(0, alphas[i].length).toArray());
      }
      double loss = step(backend, supernet, images, labels, Tape.Mode.TRAIN_STATELESS);
      TorchSupernet peer =
          new TorchSupernet(torch, space, supernet.state(), path, alphas, alphas, 0.006);
      NDArray x = torch.load(TensorRole.IMAGE, images);
      NDArray t = torch.labels(labels);
      List<NDArray> found = peer.gateGradients(x, t);
      assertEquals(loss, found.getFirst().getFloat(), 2e-4);
      for (int i = 0; i < path.length; i++) {
        double[] expected = supernet.choices().get(i).gateGradients();
        float[] single = new float[expected.length];
        for (int j = 0; j < single.length; j++) {
          single[j] = (float) expected[j];
        }
        assertClose(single, found.get(i + 1).toFloatArray(), 2e-2, "choice " + i);
      }
      peer.architectureStep(x, t);
      // Adam's first step with beta1 = 0 moves every alpha by the rate against its gradient's sign.
      float[] moved = peer.alphas().getFirst();
      for (float alpha : moved) {
        assertEquals(0.006, Math.abs(alpha), 1e-4);
      }
    }
  }

  /** Relative to the largest value: deep gradients differ in the last bits of every layer. */
  private static void assertClose(float[] expected, float[] found, double tolerance, String what) {
    double scale = 1e-6;
    for (float value : expected) {
      scale = Math.max(scale, Math.abs(value));
    }
    assertEquals(expected.length, found.length, what);
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], found[i], tolerance * scale, what + "[" + i + "]");
    }
  }
}
