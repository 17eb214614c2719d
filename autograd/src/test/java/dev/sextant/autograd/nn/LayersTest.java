package dev.sextant.autograd.nn;

import static dev.sextant.autograd.Samples.array;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.autograd.GradientCheck;
import dev.sextant.autograd.Parameter;
import dev.sextant.autograd.Samples;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Layers: their gradients, values, state, and what a module promises about itself. */
final class LayersTest {
  private final Backend backend = Backend.reference();

  @AfterEach
  void everythingIsFreed() {
    assertEquals(0, backend.memory().current(), backend.memory()::largestHolders);
    backend.close();
  }

  private static Initializer init(Backend backend) {
    return new Initializer(backend, new Rng(3));
  }

  private record Line(String name, Function<Initializer, Module> make, Shape input) {}

  private static final List<Line> TABLE =
      List.of(
          new Line("linear", i -> new Linear(i, 5, 3), Shape.of(4, 5)),
          new Line(
              "convolution",
              i -> new Convolution(i, 3, 4, Window.same(3, 2), Activation.SIGMOID),
              Shape.of(2, 5, 4, 3)),
          new Line(
              "convolution without bias",
              i -> new Convolution(i, 3, 4, Window.POINTWISE),
              Shape.of(2, 3, 3, 3)),
          new Line(
              "depthwise",
              i -> new DepthwiseConvolution(i, 5, Window.same(5, 2), Activation.IDENTITY),
              Shape.of(2, 5, 4, 5)),
          new Line(
              "depthwise without bias",
              i -> new DepthwiseConvolution(i, 3, Window.same(3, 1)),
              Shape.of(1, 4, 4, 3)),
          new Line(
              "batch norm",
              i -> new BatchNorm(i, 5, 1e-3f, Activation.SIGMOID),
              Shape.of(2, 3, 2, 5)),
          new Line(
              "normalized convolution",
              i ->
                  new NormalizedConvolution(
                      new Convolution(i, 3, 4, Window.same(3, 1)),
                      new BatchNorm(i, 4, 1e-3f, Activation.SIGMOID)),
              Shape.of(2, 4, 4, 3)),
          new Line(
              "relu convolution",
              i -> new ReluConvolution(i, 3, 4, Window.POINTWISE, 1e-3f, true),
              Shape.of(2, 3, 4, 3)),
          new Line(
              "relu separable, fixed norm",
              i -> new ReluSeparable(i, 3, Window.same(3, 2, 2), 1e-3f, false),
              Shape.of(2, 5, 4, 3)),
          new Line(
              "factorized reduce",
              i -> new FactorizedReduce(i, 3, 4, 1e-3f, true),
              Shape.of(2, 4, 6, 3)),
          new Line("squeeze-excite", i -> new SqueezeExcite(i, 6, 3), Shape.of(2, 3, 3, 6)),
          new Line("max pool", i -> Pooling.max(Window.same(3, 2)), Shape.of(2, 4, 5, 3)),
          new Line("average pool", i -> Pooling.average(Window.same(3, 2)), Shape.of(2, 4, 5, 3)),
          new Line("global average pool", i -> Pooling.globalAverage(), Shape.of(2, 4, 5, 3)),
          new Line("identity", i -> new Identity(), Shape.of(2, 3)),
          new Line("empty sequence", i -> new Sequential(List.of()), Shape.of(2, 3)),
          new Line(
              "sequence",
              i ->
                  new Sequential(
                      List.of(
                          new Identity(),
                          new DepthwiseConvolution(i, 3, Window.same(3, 1), Activation.IDENTITY),
                          new Identity(),
                          Pooling.globalAverage(),
                          new Linear(i, 3, 2))),
              Shape.of(2, 4, 4, 3)));

  @TestFactory
  Stream<DynamicTest> gradientsEqualCentralDifferences() {
    return TABLE.stream()
        .map(line -> DynamicTest.dynamicTest(line.name, () -> checkGradients(line)));
  }

  private static void checkGradients(Line line) {
    try (Backend backend = Backend.reference()) {
      Module layer = line.make.apply(init(backend));
      Samples.perturb(backend, layer, 5);
      Tensor x = Samples.distinct(backend, 6, line.input);
      // Off zero, where a layer that starts with a ReLU has a kink.
      float[] values = array(backend, x);
      for (int i = 0; i < values.length; i++) {
        values[i] += 0.05f;
      }
      backend.upload(values, 0, x);
      GradientCheck.check(
          line.name,
          backend,
          (tape, in) -> layer.forward(tape, in[0]),
          1e-2f,
          4e-3f,
          List.copyOf(layer.parameters().values()),
          x);
      x.close();
      layer.close();
      assertEquals(0, backend.memory().current(), backend.memory()::largestHolders);
    }
  }

  /** Even pixels go through one convolution, odd ones through the other. */
  @Test
  void factorizedReducePicksPixels() {
    FactorizedReduce reduce = new FactorizedReduce(init(backend), 1, 2, 1e-9f, false);
    reduce.parameters().forEach((path, weight) -> backend.elementwise().fill(weight.value(), 1));
    Tensor x = Samples.tensor(backend, Shape.of(1, 2, 4, 1), 1, 2, 3, 4, 5, 6, 7, 8);
    try (Tape tape = new Tape(backend, Tape.Mode.EVAL)) {
      Variable y = reduce.forward(tape, tape.constant(x));
      assertEquals(Shape.of(1, 1, 2, 2), y.shape());
      assertArrayEquals(new float[] {1, 6, 3, 8}, array(backend, y.value()), 1e-5f);
    }
    x.close();
    reduce.close();
    assertThrows(
        SextantException.class, () -> new FactorizedReduce(init(backend), 1, 3, 1e-5f, true));
  }

  @Test
  void auxiliaryTowerTakesEightByEight() {
    AuxiliaryTower tower = new AuxiliaryTower(init(backend), 2, 3, 1e-5f);
    Tensor x = Samples.uniform(backend, 1, Shape.of(3, 8, 8, 2));
    Tensor smaller = Samples.uniform(backend, 1, Shape.of(3, 7, 8, 2));
    try (Tape tape = new Tape(backend, Tape.Mode.TRAIN)) {
      Variable y = tower.forward(tape, tape.constant(x));
      assertEquals(Shape.of(3, 3), y.shape());
      tape.backward(Samples.project(tape, y));
      tower.parameters().forEach((path, weight) -> assertTrue(weight.gradient() != null, path));
      assertThrows(SextantException.class, () -> tower.forward(tape, tape.constant(smaller)));
    }
    x.close();
    smaller.close();
    tower.close();
  }

  /** A fixed norm is saved with its module but is no parameter, thawed or not. */
  @Test
  void fixedNormHasNoParameters() {
    BatchNorm norm = new BatchNorm(init(backend), 3, 1e-5f, Activation.IDENTITY, false);
    norm.setFrozen(false);
    assertEquals(0, norm.parameterCount());
    assertEquals(List.of("gamma", "beta", "mean", "variance"), List.copyOf(norm.state().keySet()));
    norm.close();
  }

  /** Whoever holds x and y may release either and go on with the other. */
  @TestFactory
  Stream<DynamicTest> theOutputIsAVariableOfItsOwn() {
    return TABLE.stream()
        .map(
            line ->
                DynamicTest.dynamicTest(
                    line.name,
                    () -> {
                      try (Backend backend = Backend.reference();
                          Module layer = line.make.apply(init(backend));
                          Tensor sample = Samples.uniform(backend, 1, line.input);
                          Tape tape = new Tape(backend, Tape.Mode.EVAL)) {
                        Variable x = tape.constant(sample);
                        Variable y = layer.forward(tape, x);
                        assertNotSame(x, y);
                        y.release();
                        assertEquals(sample.size(), array(backend, x.value()).length);
                      }
                    }));
  }

  @Test
  void linearIsTheMatrixProductPlusTheBias() {
    Linear layer = new Linear(init(backend), 2, 3);
    layer.parameters().get("weight").value().set(1f, 2, 3, 4, 5, 6);
    layer.parameters().get("bias").value().set(10f, 20, 30);
    try (Tensor x = Samples.tensor(backend, Shape.of(1, 2), 1, -1);
        Tape tape = new Tape(backend, Tape.Mode.EVAL)) {
      assertArrayEquals(
          new float[] {7, 17, 27}, array(backend, layer.forward(tape, tape.constant(x)).value()));
    }
    layer.close();
  }

  @Test
  void biasesAreAddedBeforeTheActivation() {
    Convolution dense = new Convolution(init(backend), 1, 2, Window.POINTWISE, Activation.RELU);
    dense.parameters().get("weight").value().set(2f, 3);
    dense.parameters().get("bias").value().set(10f, -10);
    DepthwiseConvolution depthwise =
        new DepthwiseConvolution(init(backend), 2, Window.same(1, 1), Activation.RELU6);
    depthwise.parameters().get("weight").value().set(1f, -1);
    depthwise.parameters().get("bias").value().set(-10f, 3);
    Sequential both = new Sequential(List.of(dense, depthwise));
    try (Tensor x = Samples.tensor(backend, Shape.of(1, 1, 2, 1), 1, 4);
        Tape tape = new Tape(backend, Tape.Mode.EVAL)) {
      assertArrayEquals(
          new float[] {2, 3, 6, 1}, array(backend, both.forward(tape, tape.constant(x)).value()));
    }
    assertEquals(
        List.of("0.weight", "0.bias", "1.weight", "1.bias"),
        new ArrayList<>(both.parameters().keySet()));
    assertEquals(Parameter.Role.BIAS, both.parameters().get("1.bias").role());
    assertEquals(8, both.parameterCount());
    both.close();
    both.close();
  }

  @Test
  void stateIsLoadedByPathFromAnyMemory() {
    Module from = new BatchNorm(init(backend), 3, 1e-3f, Activation.IDENTITY);
    Module to = new BatchNorm(init(backend), 3, 1e-3f, Activation.IDENTITY);
    Samples.perturb(backend, from, 8);
    to.load(backend, from.state());
    assertState(from, to);
    try (Backend other = Backend.reference();
        Module elsewhere = new BatchNorm(init(other), 3, 1e-3f, Activation.IDENTITY)) {
      elsewhere.load(other, from.state());
      assertState(from, elsewhere);
    }
    from.close();
    to.close();
  }

  private void assertState(Module expected, Module actual) {
    assertEquals(
        List.of("gamma", "beta", "mean", "variance"), new ArrayList<>(actual.state().keySet()));
    expected
        .state()
        .forEach(
            (path, tensor) ->
                assertArrayEquals(
                    array(backend, tensor), actual.state().get(path).toArray(), path));
  }

  @Test
  void whatDoesNotFitIsRefusedBeforeAnythingIsCopied() {
    Module from = new BatchNorm(init(backend), 3, 1e-3f, Activation.IDENTITY);
    Module to = new BatchNorm(init(backend), 3, 1e-3f, Activation.IDENTITY);
    Samples.perturb(backend, from, 8);
    Map<String, Tensor> incomplete = new LinkedHashMap<>(from.state());
    incomplete.remove("variance");
    assertEquals(
        "weights: variance of shape [3] is missing",
        assertThrows(SextantException.class, () -> to.load(backend, incomplete)).getMessage());
    Tensor wrong = Samples.uniform(backend, 1, Shape.of(4));
    incomplete.put("variance", wrong);
    assertEquals(
        "weights: variance of shape [3] is [4]",
        assertThrows(SextantException.class, () -> to.load(backend, incomplete)).getMessage());
    assertArrayEquals(new float[] {1, 1, 1}, array(backend, to.state().get("gamma")));
    wrong.close();
    from.close();
    to.close();
  }

  @Test
  void freezingReachesEveryParameter() {
    Module layer = new Sequential(List.of(new Linear(init(backend), 2, 2)));
    layer.setFrozen(true);
    assertTrue(layer.parameters().values().stream().allMatch(Parameter::isFrozen));
    layer.setFrozen(false);
    assertTrue(layer.parameters().values().stream().noneMatch(Parameter::isFrozen));
    layer.close();
  }

  @Test
  void twoPartsCannotHaveOneName() {
    Initializer init = init(backend);
    Parameter shared = init.constant(2, 0, Parameter.Role.BIAS);
    final class Twice extends Module {
      Twice() {
        parameter("bias", shared);
        buffer("bias", shared.value());
      }

      @Override
      public Variable forward(Tape tape, Variable x) {
        return x;
      }
    }
    assertThrows(IllegalArgumentException.class, Twice::new);
    shared.value().close();
  }

  @Test
  void kernelsStartWithTheDeviationAsked() {
    Initializer init = init(backend);
    Parameter kernel = init.heFanOut(Shape.of(3, 3, 8, 64), 9 * 64);
    double squares =
        backend.elementwise().dot(kernel.value(), kernel.value()) / kernel.shape().size();
    assertEquals(2.0 / (9 * 64), squares, 0.05 * 2.0 / (9 * 64));
    assertEquals(0, backend.elementwise().sum(kernel.value()) / kernel.shape().size(), 3e-3);
    kernel.value().close();
  }
}
