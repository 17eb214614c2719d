package dev.sextant.check;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.sextant.autograd.Parameter;
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
import dev.sextant.nas.space.Factoring;
import dev.sextant.nas.space.Position;
import dev.sextant.nas.space.Space;
import dev.sextant.nas.supernet.Averaging;
import dev.sextant.nas.supernet.GateMode;
import dev.sextant.nas.supernet.MixedLayer;
import dev.sextant.nas.supernet.MultiPathSupernet;
import dev.sextant.runtime.layer.LayerJson;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.Arrays;
import java.util.Locale;

/**
 * Times steps of a supernet on one batch with one set of gates, as a peer can do the same: weight
 * steps (forward, loss, backward, SGD on the active path), architecture steps (ProxylessNAS,
 * Appendix D) and steps of all candidates with their insides kept or rematerialised (TuNAS,
 * Appendix C). Each entry holds the network it timed, layer by layer.
 */
final class SupernetSteps {
  private static final int WARM_UP = 3;
  private static final int LEAST = 5;
  private static final int MOST = 50;
  private static final double SECONDS = 2;
  private static final float MOMENTUM = 0.9f;
  private static final float DECAY = 4e-5f;
  private static final float SMOOTHING = 0.1f;

  /** So small that neither the gates drawn nor the work change from step to step. */
  private static final double RATE = 1e-9;

  private final Backend backend;
  private final Space space;
  private final int batch;
  private final boolean quick;
  private final Tape tape;
  private final Tensor images;
  private final Tensor labels;
  private final JsonArray results;

  private SupernetSteps(Backend backend, Space space, int batch, boolean quick, JsonArray results) {
    this.backend = backend;
    this.space = space;
    this.batch = batch;
    this.quick = quick;
    this.results = results;
    tape = new Tape(backend);
    Memory memory = backend.memory();
    images = memory.keep(memory.floats(space.input().shape(batch), Category.DATA, "images"));
    float[] values = new float[images.size()];
    Rng rng = new Rng(3);
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) rng.nextGaussian();
    }
    backend.upload(values, 0, images);
    labels = memory.keep(memory.ints(Shape.of(batch), Category.DATA, "labels"));
    int[] classes = new int[batch];
    Arrays.setAll(classes, i -> i % space.classes());
    backend.upload(classes, 0, labels);
  }

  /** Adds a weight and an architecture step. */
  static void gated(Backend backend, Space space, int batch, boolean quick, JsonArray results) {
    SupernetSteps steps = new SupernetSteps(backend, space, batch, quick, results);
    steps.gated();
    steps.close();
  }

  /** Adds steps of all candidates, kept and rematerialised. */
  static void averaged(Backend backend, Space space, int batch, boolean quick, JsonArray results) {
    for (Averaging averaging : Averaging.values()) {
      SupernetSteps steps = new SupernetSteps(backend, space, batch, quick, results);
      steps.averaged(averaging);
      steps.close();
    }
  }

  private void close() {
    images.close();
    labels.close();
  }

  private void gated() {
    try (MultiPathSupernet supernet =
        new MultiPathSupernet(space, new Initializer(backend, new Rng(6)))) {
      Rng rng = new Rng(7);
      try (BinaryGates gates = gates(supernet, rng)) {
        long state = rng.state();
        gates.sampleGates();
        int[] active = supernet.choices().stream().mapToInt(MixedLayer::active).toArray();
        supernet.freezeWeights(true);
        HeldOut heldOut = heldOut(supernet);
        time(
            "architecture",
            active,
            () -> {
              rng.restore(state);
              gates.learn(heldOut, RATE);
            });
        supernet.freezeWeights(false);
        supernet.setDecisions(active);
        try (Sgd sgd =
            new Sgd(backend, supernet.parameters(), new Sgd.Config(MOMENTUM, true, DECAY, false))) {
          time(
              "weight",
              active,
              () -> {
                pass(supernet, Tape.Mode.TRAIN, SMOOTHING);
                sgd.step(RATE);
              });
        }
      }
    }
  }

  private BinaryGates gates(MultiPathSupernet supernet, Rng rng) {
    double[][] costs = new double[supernet.choices().size()][];
    for (int i = 0; i < costs.length; i++) {
      costs[i] = new double[supernet.choices().get(i).candidates().size()];
      Arrays.setAll(costs[i], j -> 1 + j);
    }
    return new BinaryGates(
        backend,
        supernet,
        GateMode.RECOMPUTE,
        new ExpectedCost(1, costs),
        new Loss.AddLinear(0.1, 10),
        null,
        rng);
  }

  private HeldOut heldOut(MultiPathSupernet supernet) {
    return new HeldOut() {
      @Override
      public Outcome gradients() {
        return new Outcome(pass(supernet, Tape.Mode.TRAIN_STATELESS, 0), Double.NaN);
      }

      @Override
      public Outcome evaluate() {
        throw new IllegalStateException("gates need gradients");
      }
    };
  }

  private void averaged(Averaging averaging) {
    try (MultiPathSupernet supernet =
        new MultiPathSupernet(space, new Initializer(backend, new Rng(6)), averaging)) {
      int[] all = new int[supernet.factoring().factors().size()];
      Arrays.fill(all, Factoring.ALL);
      supernet.setOptions(all);
      time(
          "all candidates, " + averaging.name().toLowerCase(Locale.ROOT),
          new int[0],
          () -> {
            pass(supernet, Tape.Mode.TRAIN_STATELESS, SMOOTHING);
            supernet.parameters().values().forEach(Parameter::clearGradient);
          });
    }
  }

  private double pass(MultiPathSupernet supernet, Tape.Mode mode, float smoothing) {
    try (Tape _ = tape.open(mode)) {
      Variable logits = supernet.forward(tape, tape.constant(images));
      Variable loss = SoftmaxCrossEntropy.apply(tape, logits, labels, smoothing);
      logits.release();
      double value = backend.elementwise().sum(loss.value());
      tape.backward(loss);
      return value;
    }
  }

  private void time(String step, int[] active, Runnable run) {
    for (int i = 0; i < (quick ? 0 : WARM_UP); i++) {
      run.run();
    }
    backend.synchronize();
    backend.memory().resetPeaks();
    double[] ms = new double[quick ? 1 : MOST];
    int count = 0;
    long start = System.nanoTime();
    while (count < ms.length
        && (count < LEAST || System.nanoTime() - start < (long) (SECONDS * 1e9))) {
      long before = System.nanoTime();
      run.run();
      backend.synchronize();
      ms[count++] = (System.nanoTime() - before) * 1e-6;
    }
    Arrays.sort(ms, 0, count);
    JsonObject result = new JsonObject();
    result.addProperty("space", space.name());
    result.addProperty("step", step);
    result.addProperty("batch", batch);
    result.addProperty("ms", ms[count / 2]);
    result.addProperty("leastMs", ms[0]);
    result.addProperty("runs", count);
    result.addProperty("peakBytes", backend.memory().peak());
    result.addProperty("transientPeakBytes", backend.memory().transientPeak());
    result.addProperty("reservedBytes", backend.memory().reserved());
    result.add("network", network(active));
    results.add(result);
  }

  /** What was timed, for a peer: input, classes, and each position's candidates. */
  private JsonObject network(int[] active) {
    JsonObject network = new JsonObject();
    JsonArray input = new JsonArray();
    input.add(space.input().height());
    input.add(space.input().width());
    input.add(space.input().channels());
    network.add("input", input);
    network.addProperty("classes", space.classes());
    network.addProperty("epsilon", space.batchNormEpsilon());
    JsonArray positions = new JsonArray();
    Shape[] inputs = space.inputShapes();
    int choice = 0;
    for (int i = 0; i < inputs.length; i++) {
      Position position = space.positions().get(i);
      Shape shape = inputs[i];
      JsonObject entry = new JsonObject();
      JsonArray candidates = new JsonArray();
      position.layers().forEach(layer -> candidates.add(LayerJson.write(layer, shape)));
      entry.add("candidates", candidates);
      boolean decided = position instanceof Position.Choice;
      entry.addProperty("choice", decided);
      if (decided && active.length > 0) {
        entry.addProperty("active", active[choice++]);
      }
      positions.add(entry);
    }
    network.add("positions", positions);
    return network;
  }
}
