package dev.sextant.nas.policy;

import dev.sextant.autograd.Parameter;
import dev.sextant.autograd.optim.Adam;
import dev.sextant.nas.cost.ExpectedCost;
import dev.sextant.nas.objective.Objective;
import dev.sextant.nas.objective.StrengthController;
import dev.sextant.nas.supernet.GateMode;
import dev.sextant.nas.supernet.MixedLayer;
import dev.sextant.nas.supernet.Supernet;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.stream.IntStream;

/**
 * ProxylessNAS's architecture parameters: one alpha per candidate, gates drawn from their softmax
 * (eq. 2), alphas trained by the gates' gradients (eq. 4) plus the expected cost's (eq. 5-7), by
 * Adam with beta1 = 0: an alpha without a gradient does not move, which the two-path form rests on.
 *
 * <p>Everything it needs to continue is in {@link #alphas}, {@link #optimizer} and the generator
 * given to it.
 */
public final class BinaryGates implements AutoCloseable {
  /** Deviation of the initial alphas: about uniform probabilities. */
  public static final double INITIAL_DEVIATION = 1e-3;

  private final Backend backend;
  private final Supernet supernet;
  private final Rng rng;
  private final GateMode mode;
  private final List<Decision> decisions = new ArrayList<>();
  private final Adam optimizer;

  /** Around the alphas' gradients: the memory uses handles made inside a scope again. */
  private final Memory.Scope gradients;

  /** Of each choice, as the last {@link #refresh} found them. */
  private final double[][] probabilities;

  /** Among the sampled candidates of each choice; 0 for the others. */
  private final double[][] conditional;

  private final int[] active;
  private final StrengthController.Slopes slopes = new StrengthController.Slopes(0, 0, 0, 0);

  /** A choice and its alphas, with room for what a step computes: a step allocates nothing. */
  private static final class Decision {
    final MixedLayer layer;
    final Parameter alpha;
    final float[] values;
    final float[] before;
    final double[] slopes;
    final double[] ofLoss;
    final double[] ofCost;
    final int[] all;
    final int[] pair = new int[2];

    /** The pair of a two-path step, or all candidates. */
    int[] sampled;

    Decision(MixedLayer layer, Parameter alpha) {
      this.layer = layer;
      this.alpha = alpha;
      int n = layer.candidates().size();
      values = new float[n];
      before = new float[n];
      slopes = new double[n];
      ofLoss = new double[n];
      ofCost = new double[n];
      all = IntStream.range(0, n).toArray();
      sampled = all;
    }
  }

  /** Alphas near 0 for each choice of a supernet. */
  public BinaryGates(Backend backend, Supernet supernet, GateMode mode, Rng rng) {
    this.backend = backend;
    this.supernet = supernet;
    this.rng = rng;
    this.mode = mode;
    for (MixedLayer choice : supernet.choices()) {
      int n = choice.candidates().size();
      float[] values = new float[n];
      for (int i = 0; i < n; i++) {
        values[i] = (float) (INITIAL_DEVIATION * rng.nextGaussian());
      }
      Tensor alpha =
          backend.memory().keep(backend.memory().floats(Shape.of(n), Category.WEIGHTS, "alpha"));
      backend.upload(values, 0, alpha);
      decisions.add(new Decision(choice, new Parameter(alpha, Parameter.Role.KERNEL)));
    }
    probabilities = new double[decisions.size()][];
    conditional = new double[decisions.size()][];
    for (int i = 0; i < decisions.size(); i++) {
      int n = decisions.get(i).values.length;
      probabilities[i] = new double[n];
      conditional[i] = new double[n];
    }
    active = new int[decisions.size()];
    optimizer = new Adam(backend, named(), new Adam.Config(0f, 0.999f, 1e-8f, 0f, false));
    gradients = backend.memory().scope();
    gradients.close();
  }

  private SequencedMap<String, Parameter> named() {
    SequencedMap<String, Parameter> named = new LinkedHashMap<>();
    for (int i = 0; i < decisions.size(); i++) {
      named.put("alpha." + i, decisions.get(i).alpha);
    }
    return named;
  }

  /** The architecture parameters of each choice. */
  public List<Parameter> alphas() {
    return decisions.stream().map(decision -> decision.alpha).toList();
  }

  /** The optimizer of the alphas, for checkpoints. */
  public Adam optimizer() {
    return optimizer;
  }

  /** Probabilities of the candidates of each choice: the path weights p (eq. 2). */
  public double[][] probabilities() {
    refresh();
    double[][] p = new double[probabilities.length][];
    for (int i = 0; i < p.length; i++) {
      p[i] = probabilities[i].clone();
    }
    return p;
  }

  /** The expected cost under these probabilities (eq. 6). */
  public double expected(ExpectedCost cost) {
    refresh();
    return cost.expected(probabilities);
  }

  private void refresh() {
    for (int i = 0; i < probabilities.length; i++) {
      Decision decision = decisions.get(i);
      backend.download(decision.alpha.value(), decision.values, 0);
      Probabilities.softmax(decision.values, probabilities[i]);
    }
  }

  /** Draws a path of every choice and opens its gates for a weight step. */
  public void samplePaths() {
    refresh();
    for (int i = 0; i < active.length; i++) {
      active[i] = rng.categorical(probabilities[i]);
    }
    supernet.activate(active);
  }

  /** Draws the gates of an architecture step; its forward and backward pass come next. */
  public void sampleGates() {
    refresh();
    for (int i = 0; i < active.length; i++) {
      Decision decision = decisions.get(i);
      double[] p = probabilities[i];
      if (mode == GateMode.TWO_PATH && p.length > 1) {
        int first = rng.categorical(p);
        without(p, first, conditional[i]);
        int second = rng.categorical(conditional[i]);
        decision.pair[0] = Math.min(first, second);
        decision.pair[1] = Math.max(first, second);
        decision.sampled = decision.pair;
        within(p, decision.sampled, conditional[i]);
        active[i] = rng.categorical(conditional[i]);
      } else {
        decision.sampled = decision.all;
        active[i] = rng.categorical(p);
      }
      decision.layer.activate(active[i], mode, decision.sampled);
    }
  }

  /**
   * Updates the alphas after the backward pass of an architecture step's cross-entropy.
   *
   * @param crossEntropy its value
   * @return the loss of the step
   */
  public double update(Objective objective, ExpectedCost cost, double crossEntropy, double rate) {
    refresh();
    for (int i = 0; i < conditional.length; i++) {
      within(probabilities[i], decisions.get(i).sampled, conditional[i]);
    }
    double expected = cost.expected(conditional);
    double perCrossEntropy = objective.perCrossEntropy(crossEntropy, expected);
    double perCost = objective.perCost(crossEntropy, expected);
    double loss = objective.loss(crossEntropy, expected);
    slopes.clear();
    try (Memory.Scope _ = gradients.open()) {
      for (int i = 0; i < decisions.size(); i++) {
        findGradient(i, cost, perCrossEntropy, perCost);
      }
      optimizer.step(rate);
    }
    if (mode == GateMode.TWO_PATH) {
      for (int i = 0; i < decisions.size(); i++) {
        rescale(decisions.get(i));
      }
    }
    return loss;
  }

  private void findGradient(int choice, ExpectedCost cost, double perCrossEntropy, double perCost) {
    Decision decision = decisions.get(choice);
    int n = decision.values.length;
    System.arraycopy(decision.values, 0, decision.before, 0, n);
    double[] p = conditional[choice];
    for (int j = 0; j < n; j++) {
      decision.slopes[j] = decision.layer.gateGradient(j) * perCrossEntropy;
    }
    Probabilities.throughSoftmax(decision.slopes, p, decision.ofLoss);
    for (int j = 0; j < n; j++) {
      decision.slopes[j] = cost.candidate(choice, j);
    }
    Probabilities.throughSoftmax(decision.slopes, p, decision.ofCost);
    for (int j = 0; j < n; j++) {
      decision.values[j] = (float) (decision.ofLoss[j] + perCost * decision.ofCost[j]);
      slopes.add(decision.ofLoss[j], decision.ofCost[j]);
    }
    Parameter alpha = decision.alpha;
    Tensor gradient =
        backend
            .memory()
            .keep(backend.memory().floats(alpha.shape(), Category.GRADIENTS, "alpha.gradient"));
    backend.upload(decision.values, 0, gradient);
    alpha.acceptGradient(gradient);
  }

  /**
   * The gradients that the last {@link #update} followed, for a controller of the trade-off; always
   * the same object.
   */
  public StrengthController.Slopes slopes() {
    return slopes;
  }

  /** Keeps the probabilities of the paths that were not sampled (section 3.2.1). */
  private void rescale(Decision decision) {
    float[] before = decision.before;
    if (decision.sampled.length != 2 || before.length == 2) {
      return;
    }
    int a = decision.sampled[0];
    int b = decision.sampled[1];
    float[] after = decision.values;
    backend.download(decision.alpha.value(), after, 0);
    double offset = Probabilities.twoPathOffset(before[a], before[b], after[a], after[b]);
    after[a] -= (float) offset;
    after[b] -= (float) offset;
    backend.upload(after, 0, decision.alpha.value());
  }

  private static void within(double[] p, int[] chosen, double[] q) {
    double sum = 0;
    for (int j : chosen) {
      sum += p[j];
    }
    Arrays.fill(q, 0);
    for (int j : chosen) {
      q[j] = p[j] / sum;
    }
  }

  private static void without(double[] p, int left, double[] q) {
    double rest = 0;
    for (int j = 0; j < p.length; j++) {
      rest += j == left ? 0 : p[j];
    }
    for (int j = 0; j < p.length; j++) {
      // Where one probability has become 1, the others are drawn alike.
      q[j] = j == left ? 0 : rest > 0 ? p[j] / rest : 1.0 / (p.length - 1);
    }
  }

  /** Mean entropy of the decisions, in nats. */
  public double meanEntropy() {
    refresh();
    double sum = 0;
    for (double[] p : probabilities) {
      sum += Probabilities.entropy(p);
    }
    return decisions.isEmpty() ? 0 : sum / decisions.size();
  }

  /** Frees alphas and moments. Idempotent. */
  @Override
  public void close() {
    optimizer.close();
    for (Decision decision : decisions) {
      decision.alpha.clearGradient();
      decision.alpha.value().close();
    }
    decisions.clear();
  }
}
