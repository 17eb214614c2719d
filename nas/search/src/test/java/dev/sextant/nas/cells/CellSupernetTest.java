package dev.sextant.nas.cells;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.ops.ShuffleChannels;
import dev.sextant.autograd.ops.SoftmaxCrossEntropy;
import dev.sextant.autograd.optim.Sgd;
import dev.sextant.nas.space.CellSpace;
import dev.sextant.nas.space.Factors;
import dev.sextant.nas.space.Genotype;
import dev.sextant.runtime.Architecture.Input;
import dev.sextant.runtime.layer.Cell.Kind;
import dev.sextant.runtime.layer.Cell.Op;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The supernet's size, its mixtures, and first- and second-order gradients on a small cell. */
@Tag("long")
final class CellSupernetTest {
  private static final Input CIFAR = new Input(32, 32, 3);
  private static final float RATE = 0.2f;
  private static final Sgd.Config SGD = new Sgd.Config(0.9f, false, 3e-3f, false);

  private final Backend backend = Backend.reference();

  @AfterEach
  void everythingIsFreed() {
    assertEquals(0, backend.memory().current(), backend.memory()::largestHolders);
    backend.close();
  }

  @Test
  void publishedSizes() {
    assertEquals(1_930_618, parameters(CellSpace.darts(CIFAR, 10)));
    assertEquals(299_578, parameters(CellSpace.pcDarts(CIFAR, 10)));
    assertEquals(1_037_664_180L, CellSpace.darts(CIFAR, 10).size().longValueExact());
  }

  private long parameters(CellSpace space) {
    CellSupernet supernet = supernet(space, 1);
    long count = supernet.parameterCount();
    supernet.close();
    return count;
  }

  private CellSupernet supernet(CellSpace space, long seed) {
    return new CellSupernet(CellParameters.zeros(space), new Initializer(backend, new Rng(seed)));
  }

  /** (B, g, C/g) transposed to (B, C/g, g): channels 0 1 | 2 3 | 4 5 become 0 2 4 1 3 5. */
  @Test
  void shuffleByHand() {
    try (Tape tape = new Tape(backend, Tape.Mode.EVAL)) {
      Tensor x = backend.memory().floats(Shape.of(2, 6), Category.DATA, "x");
      backend.upload(new float[] {0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15}, 0, x);
      float[] y = new float[12];
      backend.download(ShuffleChannels.apply(tape, tape.constant(x), 3).value(), y, 0);
      assertArrayEquals(new float[] {0, 2, 4, 1, 3, 5, 10, 12, 14, 11, 13, 15}, y);
      assertThrows(SextantException.class, () -> ShuffleChannels.apply(tape, tape.constant(x), 4));
    }
  }

  private static CellSpace small(boolean partial) {
    return new CellSpace(
        new Input(8, 8, 2),
        3,
        2,
        List.of(
            new Op(Kind.ZERO, 0),
            new Op(Kind.AVG_POOL, 3),
            new Op(Kind.IDENTITY, 0),
            new Op(Kind.SEPARABLE, 3),
            new Op(Kind.DILATED, 3)),
        partial ? 8 : 4,
        3,
        partial ? 4 : 1,
        partial);
  }

  /** One reduction cell of linear ops. */
  private static CellSpace smooth() {
    List<Op> ops =
        List.of(new Op(Kind.ZERO, 0), new Op(Kind.AVG_POOL, 3), new Op(Kind.AVG_POOL, 5));
    return new CellSpace(new Input(8, 8, 2), 3, 2, ops, 4, 1, 1, false);
  }

  /** Random batches and a supernet whose parameters are far from 0. */
  private final class Subject implements AutoCloseable {
    final CellParameters parameters;
    final CellSupernet supernet;
    final Map<String, Tensor> velocities = new HashMap<>();
    private final Tensor[] data = new Tensor[4];

    Subject(CellSpace space) {
      parameters = CellParameters.zeros(space);
      double[] values = parameters.values();
      Rng rng = new Rng(11);
      for (int i = 0; i < values.length; i++) {
        values[i] = 0.5 * rng.nextGaussian();
      }
      parameters.set(values);
      supernet = new CellSupernet(parameters, new Initializer(backend, rng));
      for (int i = 0; i < 2; i++) {
        data[2 * i] = kept(normal(rng, 6 * 8 * 8 * 2), Shape.of(6, 8, 8, 2));
        data[2 * i + 1] =
            backend.memory().keep(backend.memory().ints(Shape.of(6), Category.DATA, "labels"));
        backend.upload(new int[] {0, 1, 2, 2 * i, 1, 0}, 0, data[2 * i + 1]);
      }
      supernet
          .parameters()
          .forEach(
              (path, weight) -> {
                float[] velocity = normal(rng, weight.shape().size());
                for (int i = 0; i < velocity.length; i++) {
                  velocity[i] *= 0.02f;
                }
                velocities.put(path + "#velocity", kept(velocity, weight.shape()));
              });
    }

    private static float[] normal(Rng rng, int size) {
      float[] values = new float[size];
      for (int i = 0; i < size; i++) {
        values[i] = (float) rng.nextGaussian();
      }
      return values;
    }

    private Tensor kept(float[] values, Shape shape) {
      Tensor tensor = backend.memory().keep(backend.memory().floats(shape, Category.DATA, "x"));
      backend.upload(values, 0, tensor);
      return tensor;
    }

    Variable training(Tape tape) {
      return loss(tape, 0);
    }

    Variable validation(Tape tape) {
      return loss(tape, 2);
    }

    private Variable loss(Tape tape, int batch) {
      Variable logits = supernet.forward(tape, tape.constant(data[batch]));
      return SoftmaxCrossEntropy.apply(tape, logits, data[batch + 1], 0);
    }

    double validationLoss() {
      try (Tape tape = new Tape(backend, Tape.Mode.TRAIN_STATELESS)) {
        return backend.elementwise().sum(validation(tape).value());
      }
    }

    /** L_val after one SGD step on the training batch; the weights are put back. */
    double validationLossAhead() {
      Map<String, float[]> before = weights();
      try (Tape tape = new Tape(backend, Tape.Mode.TRAIN_STATELESS)) {
        tape.backward(training(tape));
      }
      try (Sgd sgd = new Sgd(backend, supernet.parameters(), SGD)) {
        Map<String, Integer> steps = new HashMap<>();
        supernet.parameters().keySet().forEach(path -> steps.put(path, 1));
        sgd.restore(velocities, steps);
        sgd.step(RATE);
      }
      double loss = validationLoss();
      supernet
          .parameters()
          .forEach((path, weight) -> backend.upload(before.get(path), 0, weight.value()));
      return loss;
    }

    Map<String, float[]> weights() {
      Map<String, float[]> weights = new HashMap<>();
      supernet
          .state()
          .forEach(
              (path, weight) -> {
                float[] values = new float[weight.size()];
                backend.download(weight, values, 0);
                weights.put(path, values);
              });
      return weights;
    }

    /** Central differences by every architecture parameter. */
    double[] numerical(ToDoubleFunction<Subject> loss, double step) {
      double[] values = parameters.values();
      double[] gradient = new double[values.length];
      for (int i = 0; i < values.length; i++) {
        double value = values[i];
        values[i] = value + step;
        parameters.set(values);
        double up = loss.applyAsDouble(this);
        values[i] = value - step;
        parameters.set(values);
        double down = loss.applyAsDouble(this);
        values[i] = value;
        gradient[i] = (up - down) / (2 * step);
      }
      parameters.set(values);
      return gradient;
    }

    @Override
    public void close() {
      supernet.close();
      velocities.values().forEach(Tensor::close);
      for (Tensor tensor : data) {
        tensor.close();
      }
    }
  }

  private static double distance(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += (a[i] - b[i]) * (a[i] - b[i]);
    }
    return Math.sqrt(sum);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void firstOrderGradientEqualsTheNumericalOne(boolean partial) {
    try (Subject subject = new Subject(small(partial))) {
      BilevelGradient bilevel = new BilevelGradient(subject.supernet, backend);
      BilevelGradient.Result result = bilevel.firstOrder(subject::validation);
      assertEquals(subject.validationLoss(), result.loss(), 1e-6);
      double[] expected = subject.numerical(Subject::validationLoss, 4e-4);
      double[] actual = result.gradient().values();
      double size = distance(expected, new double[expected.length]);
      assertTrue(size > 0.01, "a gradient of " + size);
      double error = distance(expected, actual) / size;
      // Some ReLU changes sides within any step that rounding lets be told.
      assertTrue(error < 0.03, "off by %s of %s".formatted(error, size));
    }
  }

  /**
   * The weights' gradient jumps where a ReLU changes sides, and a central difference of it counts
   * jumps; so the stem's output is moved to where no ReLU does.
   */
  @Test
  void secondOrderGradientEqualsTheNumericalOne() {
    try (Subject subject = new Subject(smooth())) {
      backend.elementwise().fill(subject.supernet.state().get("stem.norm.beta"), 6);
      BilevelGradient bilevel = new BilevelGradient(subject.supernet, backend);
      Map<String, float[]> before = subject.weights();
      BilevelGradient.Result result =
          bilevel.secondOrder(
              subject::training, subject::validation, RATE, SGD, subject.velocities);
      Map<String, float[]> after = subject.weights();
      before.forEach((path, values) -> assertArrayEquals(values, after.get(path), path));
      assertEquals(subject.validationLossAhead(), result.loss(), 1e-5);
      double[] expected = subject.numerical(Subject::validationLossAhead, 5e-3);
      double[] actual = result.gradient().values();
      double[] first = bilevel.firstOrder(subject::validation).gradient().values();
      double size = distance(expected, new double[expected.length]);
      double error = distance(expected, actual) / size;
      assertTrue(error < 0.02, "off by %s of %s".formatted(error, size));
      // The test can tell the two orders apart.
      assertTrue(distance(expected, first) / size > 0.15);
    }
  }

  @Test
  void genotypeRuleByHand() {
    CellParameters parameters = CellParameters.zeros(small(false));
    double[][] alphas = parameters.type(1).alphas();
    // Node 2: both of its edges, strongest first; zero's weight does not count as an op.
    alphas[0] = new double[] {9, 0, 0, 8, 0};
    alphas[1] = new double[] {0, 0, 2, 0, 0};
    // Node 3, edges from 0, 1, 2.
    alphas[2] = new double[] {0, 3, 0, 0, 0};
    alphas[3] = new double[] {0, 0, 0, 0, 1};
    alphas[4] = new double[] {0, 0, 0, 2, 0};
    assertEquals(
        "2(identity from 1, separable 3x3 from 0) 3(avg-pool 3x3 from 0, separable 3x3 from 2)",
        graph(GenotypeRule.derive(parameters)));
    // Of equal weights the earlier edge and op win.
    assertTrue(
        new dev.sextant.runtime.layer.Cell(GenotypeRule.derive(parameters).reduction(), 4, 2, null)
            .graph()
            .startsWith("2(avg-pool 3x3 from 0, avg-pool 3x3 from 1)"));
  }

  @Test
  void edgeWeightsCountInTheGenotypeOfPartialChannels() {
    CellParameters parameters = CellParameters.zeros(small(true));
    double[][] alphas = parameters.type(1).alphas();
    for (int edge = 0; edge < 5; edge++) {
      alphas[edge][1] = 1 + edge;
    }
    double[] betas = parameters.type(1).betas();
    betas[2] = 5; // edge 0 of node 3
    betas[4] = -5; // edge 2 of node 3
    assertEquals(
        "2(avg-pool 3x3 from 1, avg-pool 3x3 from 0) 3(avg-pool 3x3 from 0, avg-pool 3x3 from 1)",
        graph(GenotypeRule.derive(parameters)));
    assertEquals(1 / (1 + Math.exp(-5) + Math.exp(-10)), parameters.edgeWeights(1, 1)[0], 1e-12);
  }

  private static String graph(Genotype genotype) {
    return new dev.sextant.runtime.layer.Cell(genotype.normal(), 4, 1, null).graph();
  }

  /** Weights of 1 and 0 make a mixture a network, and nothing else of it is computed. */
  @Test
  void aNetworkIsTheMixtureOfItsOpsAlone() {
    try (Subject subject = new Subject(small(false))) {
      int[] network = {1, 3, 0, 4, 2, 2, 1, 3, 0, 4};
      double[][] alphas = subject.parameters.factors();
      for (int edge = 0; edge < network.length; edge++) {
        Arrays.fill(alphas[edge], 0);
        alphas[edge][network[edge]] = 100;
      }
      subject.parameters.setFactors(Arrays.stream(alphas).map(CellSupernetTest::floats).toList());
      double mixed = subject.validationLoss();
      subject.supernet.setDecisions(network);
      assertEquals(mixed, subject.validationLoss(), 1e-5);
      try (Tape tape = new Tape(backend, Tape.Mode.TRAIN_STATELESS)) {
        tape.backward(subject.training(tape));
      }
      Set<String> trained = new TreeSet<>();
      subject
          .supernet
          .parameters()
          .forEach(
              (path, weight) -> {
                if (weight.gradient() != null && path.contains("ops")) {
                  trained.add(path.replaceAll("\\.ops\\.(\\d+).*", "=$1"));
                }
                weight.clearGradient();
              });
      // Poolings have no weights, nor has the identity but where it reduces.
      assertEquals(
          Set.of(
              "cells.0.edges.1=3",
              "cells.0.edges.3=4",
              "cells.1.edges.0=2",
              "cells.1.edges.2=3",
              "cells.1.edges.4=4",
              "cells.2.edges.0=2",
              "cells.2.edges.2=3",
              "cells.2.edges.4=4"),
          trained);
    }
  }

  private static float[] floats(double[] values) {
    float[] floats = new float[values.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = (float) values[i];
    }
    return floats;
  }

  /** The warm-up's mean of all ops is the mixture of equal weights without zero. */
  @Test
  void theMeanOfAllOpsIsAMixtureToo() {
    try (Subject subject = new Subject(small(false))) {
      int[] network = {Factors.ALL, 3, 0, Factors.ALL, 2, 2, 1, Factors.ALL, 0, 4};
      double[][] alphas = subject.parameters.factors();
      for (int edge = 0; edge < network.length; edge++) {
        Arrays.fill(alphas[edge], network[edge] == Factors.ALL ? 100 : 0);
        alphas[edge][0] = 0;
        alphas[edge][Math.max(0, network[edge])] += network[edge] == Factors.ALL ? 0 : 100;
      }
      subject.parameters.setFactors(Arrays.stream(alphas).map(CellSupernetTest::floats).toList());
      double mixed = subject.validationLoss();
      subject.supernet.setOptions(network);
      assertEquals(mixed, subject.validationLoss(), 1e-5);
    }
  }
}
