package dev.sextant.bench.libtorch;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.djl.ndarray.NDArray;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.ops.SoftmaxCrossEntropy;
import dev.sextant.autograd.optim.Sgd;
import dev.sextant.nas.cost.ExpectedCost;
import dev.sextant.nas.objective.Loss;
import dev.sextant.nas.objective.Outcome;
import dev.sextant.nas.policy.BinaryGates;
import dev.sextant.nas.policy.HeldOut;
import dev.sextant.nas.space.Space;
import dev.sextant.nas.supernet.GateMode;
import dev.sextant.nas.supernet.MixedLayer;
import dev.sextant.nas.supernet.MultiPathSupernet;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.function.DoubleSupplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * ProxylessNAS's steps with fixed gates against libtorch in double.
 *
 * <p>On all of {@code proxyless-cifar} with h-swish in the place of ReLU6, and norms that keep
 * activations between its kinks: there an answer of float can be compared with one of double. On a
 * small space with ReLU6 as it is, for seeds whose answer is {@link Parity#steady}.
 */
@ExtendWith(Parity.Extension.class)
@Tag("long")
class ProxylessParityTest {
  private static final float SMOOTHING = 0.1f;
  private static final double RATE = 0.05;
  private static final int THREADS = 2;

  private static final String SMALL =
      """
      {"format": "sextant-space/1", "name": "small", "classes": 5,
       "input": {"height": 9, "width": 8, "channels": 3}, "batch-norm-epsilon": 0.001,
       "layers": [
         {"op": "conv", "kernel": 3, "norm": "batch", "act": "relu6", "out": 5},
         {"choice": [
            {"op": "mbconv", "kernel": 3, "expand": 3, "act": "relu6"},
            {"op": "mbconv", "kernel": 5, "expand": 6, "act": "relu6"},
            {"op": "mbconv", "kernel": 7, "expand": 3, "act": "relu6"},
            {"op": "skip"}],
          "out": 7, "stride": 2, "repeat": 3},
         {"choice": [
            {"op": "mbconv", "kernel": 3, "expand": 1, "act": "relu6", "residual": true},
            {"op": "mbconv", "kernel": 5, "expand": 3, "act": "relu6", "residual": false},
            {"op": "separable", "kernel": 3, "act": "relu6"},
            {"op": "skip"}],
          "out": 7, "repeat": 2},
         {"op": "conv", "kernel": 1, "norm": "batch", "act": "relu6", "out": 17},
         {"op": "global-avg-pool"}, {"op": "linear", "out": 5}]}
      """;

  /**
   * Where steps are compared: {@code scale} is that of the norms' scales, {@code kinks} whether
   * values come near those of activations, {@code shifts} the paths of architecture steps.
   */
  private enum Case {
    CIFAR(smooth(Space.named("proxyless-cifar")), 2, 0.3, false, 1),
    SMALL_SPACE(Space.parse(SMALL, "small"), 5, 1, true, 1, 3);

    private final Space space;
    private final int batch;
    private final double scale;
    private final boolean kinks;
    private final int[] shifts;

    Case(Space space, int batch, double scale, boolean kinks, int... shifts) {
      this.space = space;
      this.batch = batch;
      this.scale = scale;
      this.kinks = kinks;
      this.shifts = shifts;
    }

    private static Space smooth(Space space) {
      return Space.parse(space.toJson().replace("relu6", "hswish"), "smooth " + space.name());
    }

    private Shape images() {
      return space.input().shape(batch);
    }

    private float[] images(long seed) {
      return Parity.uniform(seed, images().size(), -1, 1);
    }

    /** A path whose choices differ; with a shift, one of them skipped wherever it can be. */
    private int[] path(int shift) {
      int[] path = new int[space.choices().size()];
      for (int i = 0; i < path.length; i++) {
        path[i] = (i + shift) % space.choices().get(i).candidates().size();
      }
      return path;
    }

    private MultiPathSupernet supernet(Backend backend) {
      MultiPathSupernet supernet =
          new MultiPathSupernet(space, new Initializer(backend, new Rng(1)));
      Parity.wake(backend, supernet, scale);
      return supernet;
    }
  }

  @ParameterizedTest
  @EnumSource(Case.class)
  void weightSteps(Case where, Parity parity) {
    Backend backend = parity.cpu(THREADS);
    int[] path = where.path(1);
    String what = where + " weight step";
    Parity.Answer answer =
        parity.steady(
            what, where.kinks, (seed, nudge) -> weightGradients(parity, where, path, seed, nudge));
    try (Libtorch.Scope _ = parity.torch().scope();
        MultiPathSupernet supernet = where.supernet(backend);
        Tensor images = Parity.tensor(backend, where.images(), where.images(answer.seed()));
        Tensor labels = Parity.labels(backend, where.batch, where.space.classes());
        Sgd sgd =
            new Sgd(backend, supernet.parameters(), new Sgd.Config(0.9f, true, 1e-3f, false))) {
      supernet.setDecisions(path);
      TorchChain chain = chain(parity, where, supernet, path);
      NDArray x = parity.torch().load(Kind.IMAGE, images);
      NDArray t = parity.torch().labels(labels);
      for (int step = 0; step < 2; step++) {
        Map<String, float[]> found = new LinkedHashMap<>();
        step(backend, supernet, images, labels, SMOOTHING, Tape.Mode.TRAIN, found);
        if (step == 0) {
          found.putAll(gradients(backend, supernet, path));
          parity.check(what, answer.tensors(), found);
        }
        sgd.step(RATE);
        chain.weightStep(x, t, SMOOTHING, RATE, 0.9f, 1e-3f);
        Map<String, float[]> after = new LinkedHashMap<>();
        supernet
            .inherited(path)
            .forEach((name, tensor) -> after.put(name, Parity.array(backend, tensor)));
        parity.check("%s %d, state".formatted(what, step), chain.state(), after);
      }
    }
    assertEquals(0, backend.memory().current(), backend.memory()::largestHolders);
  }

  private static TorchChain chain(
      Parity parity, Case where, MultiPathSupernet supernet, int[] path) {
    return new TorchChain(
        parity.torch(),
        where.space.derive(path).layers(),
        where.images(),
        (float) where.space.batchNormEpsilon(),
        true,
        supernet.inherited(path));
  }

  /** libtorch's loss and gradients of the active path, by the paths of its own network. */
  private static SequencedMap<String, float[]> weightGradients(
      Parity parity, Case where, int[] path, long seed, int nudge) {
    Backend backend = parity.cpu(THREADS);
    Libtorch torch = parity.torch();
    try (Libtorch.Scope _ = torch.scope();
        MultiPathSupernet supernet = where.supernet(backend);
        Tensor labels = Parity.labels(backend, where.batch, where.space.classes())) {
      TorchChain chain = chain(parity, where, supernet, path);
      float[] images = Parity.nudge(where.images(seed), nudge);
      NDArray x = torch.load(Kind.IMAGE, images, where.images());
      List<NDArray> found = chain.lossGradients(x, torch.labels(labels), SMOOTHING);
      SequencedMap<String, float[]> results = new LinkedHashMap<>();
      results.put("loss", torch.read(Kind.PLAIN, found.getFirst()));
      results.putAll(chain.read(found.subList(1, found.size())));
      return results;
    }
  }

  /** This engine's gradients by the paths of the active path's own network. */
  private static Map<String, float[]> gradients(
      Backend backend, MultiPathSupernet supernet, int[] path) {
    Map<String, float[]> gradients = new LinkedHashMap<>();
    Map<Tensor, String> names = new IdentityHashMap<>();
    supernet.inherited(path).forEach((name, tensor) -> names.put(tensor, name));
    supernet
        .parameters()
        .forEach(
            (name, parameter) -> {
              String own = names.get(parameter.value());
              Tensor gradient = parameter.gradient();
              // Candidates that are not active have none, and take no part in the comparison.
              assertEquals(own != null, gradient != null, name);
              if (own != null) {
                gradients.put(own, Parity.array(backend, gradient));
              }
            });
    return gradients;
  }

  private static double step(
      Backend backend,
      MultiPathSupernet supernet,
      Tensor images,
      Tensor labels,
      float smoothing,
      Tape.Mode mode,
      Map<String, float[]> found) {
    try (Tape tape = new Tape(backend, mode)) {
      Variable logits = supernet.forward(tape, tape.constant(images));
      Variable loss = SoftmaxCrossEntropy.apply(tape, logits, labels, smoothing);
      float[] value = Parity.array(backend, loss.value());
      found.put("loss", value);
      tape.backward(loss);
      return value[0];
    }
  }

  /** Gates' gradients and those of the shortcuts, by choice, and the loss. */
  private static SequencedMap<String, float[]> gateGradients(
      Parity parity, Case where, int[] path, long seed, int nudge) {
    Backend backend = parity.cpu(THREADS);
    Libtorch torch = parity.torch();
    try (Libtorch.Scope _ = torch.scope();
        MultiPathSupernet supernet = where.supernet(backend);
        Tensor labels = Parity.labels(backend, where.batch, where.space.classes())) {
      GatedSupernet gated = new GatedSupernet(torch, backend, where.space, supernet, path);
      float[] images = Parity.nudge(where.images(seed), nudge);
      return gated.gradients(torch.load(Kind.IMAGE, images, where.images()), torch.labels(labels));
    }
  }

  @ParameterizedTest
  @EnumSource(Case.class)
  void gateGradients(Case where, Parity parity) {
    Backend backend = parity.cpu(THREADS);
    for (int shift : where.shifts) {
      int[] path = where.path(shift);
      String what = "%s architecture step %d".formatted(where, shift);
      Parity.Answer answer =
          parity.steady(
              what, where.kinks, (seed, nudge) -> gateGradients(parity, where, path, seed, nudge));
      try (MultiPathSupernet supernet = where.supernet(backend);
          Tensor images = Parity.tensor(backend, where.images(), where.images(answer.seed()));
          Tensor labels = Parity.labels(backend, where.batch, where.space.classes())) {
        supernet.freezeWeights(true);
        for (GateMode mode : GateMode.values()) {
          int[][] sampled = activate(supernet, path, mode);
          SequencedMap<String, float[]> found = new LinkedHashMap<>();
          step(backend, supernet, images, labels, 0, Tape.Mode.TRAIN_STATELESS, found);
          for (int i = 0; i < path.length; i++) {
            found.put("gates." + i, floats(supernet.choices().get(i).gateGradients()));
          }
          Map<String, float[]> expected = new LinkedHashMap<>();
          expected.put("loss", answer.tensors().get("loss"));
          expected.putAll(gates(where.space, answer.tensors(), mode, sampled));
          parity.check(what + " " + mode, expected, found);
        }
      }
    }
    assertEquals(0, backend.memory().current(), backend.memory()::largestHolders);
  }

  /** Opens gates; returns the sampled candidates: a pair for the two-path mode, else all. */
  private static int[][] activate(MultiPathSupernet supernet, int[] path, GateMode mode) {
    int[][] sampled = new int[path.length][];
    for (int i = 0; i < path.length; i++) {
      MixedLayer choice = supernet.choices().get(i);
      int n = choice.candidates().size();
      int other = (path[i] + 1 + i % (n - 1)) % n;
      sampled[i] =
          mode == GateMode.TWO_PATH ? new int[] {path[i], other} : IntStream.range(0, n).toArray();
      choice.activate(path[i], mode, sampled[i]);
    }
    return sampled;
  }

  /**
   * What a mode says of the gates: with {@link GateMode#RECOMPUTE} a shortcut that all candidates
   * have is no part of them; of those not sampled nothing is said.
   */
  private static Map<String, float[]> gates(
      Space space, Map<String, float[]> oracle, GateMode mode, int[][] sampled) {
    Map<String, float[]> gates = new LinkedHashMap<>();
    for (int i = 0; i < sampled.length; i++) {
      List<Layer> candidates = space.choices().get(i).candidates();
      boolean common = candidates.stream().allMatch(GatedSupernet::hasShortcut);
      boolean counts = mode != GateMode.RECOMPUTE || !common;
      float[] bare = oracle.getOrDefault("gates." + i, new float[0]);
      float[] shortcut = oracle.getOrDefault("shortcut." + i, new float[1]);
      float[] values = new float[candidates.size()];
      for (int j : sampled[i]) {
        boolean added = counts && GatedSupernet.hasShortcut(candidates.get(j));
        values[j] = bare[j] + (added ? shortcut[0] : 0);
      }
      gates.put("gates." + i, values);
    }
    return gates;
  }

  private static float[] floats(double[] values) {
    float[] floats = new float[values.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = (float) values[i];
    }
    return floats;
  }

  private static final double COST_STRENGTH = 0.4;
  private static final double TARGET = 9;
  private static final double FIXED_COST = 3;
  private static final double ALPHA_RATE = 0.006;

  /** The same objectives twice: this engine's and in TorchScript of {@code ce} and {@code cost}. */
  private record Goal(Loss ours, String theirs) {}

  private static final List<Goal> GOALS =
      List.of(
          new Goal(
              new Loss.AddLinear(COST_STRENGTH, TARGET),
              "torch.add(ce, torch.mul(torch.sub(torch.div(cost, %s), 1), %s))"
                  .formatted(TARGET, COST_STRENGTH)),
          new Goal(
              new Loss.MulLog(0.2, COST_STRENGTH, TARGET, 80),
              "torch.mul(torch.mul(ce, 0.2), torch.pow(torch.div(torch.log(torch.mul(cost, %s)), %s), %s))"
                  .formatted(80 / TARGET, Math.log(80), COST_STRENGTH)));

  /**
   * Two whole architecture steps with gates drawn: the alphas and Adam's moments against autograd
   * through the softmax (eq. 4), whose slopes are the gates' gradients found here.
   */
  @ParameterizedTest
  @EnumSource(GateMode.class)
  void alphas(GateMode mode, Parity parity) {
    Case where = Case.SMALL_SPACE;
    Backend backend = parity.cpu(THREADS);
    for (Goal goal : GOALS) {
      double[][] costs = costs(where.space);
      try (Libtorch.Scope _ = parity.torch().scope();
          MultiPathSupernet supernet = where.supernet(backend);
          BinaryGates gates =
              new BinaryGates(
                  backend,
                  supernet,
                  mode,
                  new ExpectedCost(FIXED_COST, costs),
                  goal.ours,
                  null,
                  new Rng(4));
          Tensor images = Parity.tensor(backend, where.images(), where.images(1));
          Tensor labels = Parity.labels(backend, where.batch, where.space.classes())) {
        supernet.freezeWeights(true);
        TorchAlphas oracle =
            new TorchAlphas(
                parity.torch(),
                List.copyOf(gates.alphas().tensors().values()),
                costs,
                FIXED_COST,
                goal.theirs);
        for (int step = 0; step < 2; step++) {
          double[] loss = new double[1];
          gates.learn(
              images(
                  () -> {
                    loss[0] =
                        step(
                            backend,
                            supernet,
                            images,
                            labels,
                            0,
                            Tape.Mode.TRAIN_STATELESS,
                            new LinkedHashMap<>());
                    return loss[0];
                  }),
              ALPHA_RATE);
          List<double[]> slopes =
              supernet.choices().stream().map(MixedLayer::gateGradients).toList();
          oracle.step(loss[0], slopes, mode == GateMode.TWO_PATH, ALPHA_RATE);
          Map<String, float[]> found = new LinkedHashMap<>();
          for (int i = 0; i < costs.length; i++) {
            String name = "alpha." + i;
            found.put(name, gates.alphas().values(i));
            Tensor square = gates.alphas().optimizer().state().get(name + "#square");
            found.put(name + "#square", Parity.array(backend, square));
          }
          parity.check("%s %s step %d".formatted(mode, goal.ours, step), oracle.state(), found);
        }
      }
    }
    assertEquals(0, backend.memory().current(), backend.memory()::largestHolders);
  }

  /** Held-out images whose backward pass is that function, which returns the cross-entropy. */
  private static HeldOut images(DoubleSupplier pass) {
    return new HeldOut() {
      @Override
      public Outcome gradients() {
        return new Outcome(pass.getAsDouble(), Double.NaN);
      }

      @Override
      public Outcome evaluate() {
        throw new AssertionError("gates need gradients");
      }
    };
  }

  private static double[][] costs(Space space) {
    double[][] costs = new double[space.choices().size()][];
    for (int i = 0; i < costs.length; i++) {
      costs[i] = new double[space.choices().get(i).candidates().size()];
      for (int j = 0; j < costs[i].length; j++) {
        costs[i][j] = 0.5 + (i * 5 + j * 3) % 7;
      }
    }
    return costs;
  }
}
