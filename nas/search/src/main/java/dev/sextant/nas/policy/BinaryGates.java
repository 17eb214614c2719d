package dev.sextant.nas.policy;

import dev.sextant.nas.cost.DifferentiableCost;
import dev.sextant.nas.objective.LambdaController;
import dev.sextant.nas.objective.Loss;
import dev.sextant.nas.supernet.GateMode;
import dev.sextant.nas.supernet.MixedLayer;
import dev.sextant.nas.supernet.MultiPathSupernet;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Rng;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * ProxylessNAS's gradient form: one alpha per candidate, gates drawn from their softmax (eq. 2),
 * alphas trained by the gates' gradients (eq. 4) plus the expected cost's (eq. 5-7).
 */
public final class BinaryGates implements Policy {
  private final MultiPathSupernet supernet;
  private final GateMode mode;
  private final DifferentiableCost cost;
  private final ControlledLoss objective;
  private final Rng rng;
  private final Alphas alphas;
  private final Decision[] decisions;

  /** Among the sampled candidates of each choice; 0 for the others. */
  private final double[][] conditional;

  private final double[][] costSlopes;
  private final double[][] gradient;
  private final int[] active;
  private final LambdaController.Slopes slopes = new LambdaController.Slopes(0, 0, 0, 0);
  private double crossEntropy;

  /** A choice, with room for what a step computes: a step allocates nothing. */
  private static final class Decision {
    final MixedLayer layer;
    final float[] before;
    final float[] after;
    final double[] slopes;
    final double[] ofLoss;
    final double[] ofCost;
    final int[] all;
    final int[] pair = new int[2];

    /** The pair of a two-path step, or all candidates. */
    int[] sampled;

    Decision(MixedLayer layer) {
      this.layer = layer;
      int n = layer.candidates().size();
      before = new float[n];
      after = new float[n];
      slopes = new double[n];
      ofLoss = new double[n];
      ofCost = new double[n];
      all = IntStream.range(0, n).toArray();
      sampled = all;
    }
  }

  /** Alphas near 0 for each choice of a supernet. */
  BinaryGates(PolicyRequest<MultiPathSupernet, Loss> request) {
    this(
        request.backend(),
        request.supernet(),
        request.steps().gates(),
        request.costs().layers(),
        request.objective(),
        request.controller(),
        request.rng());
  }

  /**
   * The same of these parts.
   *
   * @param backend of the supernet and of the alphas
   * @param supernet whose gates are drawn
   * @param mode how gates' gradients are found
   * @param cost of networks, in expectation
   * @param loss what the alphas descend
   * @param controller of the loss's trade-off, or null to keep it
   * @param rng the run's generator, which gates are drawn from
   */
  public BinaryGates(
      Backend backend,
      MultiPathSupernet supernet,
      GateMode mode,
      DifferentiableCost cost,
      Loss loss,
      @Nullable LambdaController controller,
      Rng rng) {
    this.supernet = supernet;
    this.mode = mode;
    this.cost = cost;
    this.rng = rng;
    alphas =
        new Alphas(
            backend,
            supernet.factoring().counts(),
            Alphas.INITIAL_DEVIATION,
            Alphas.PROXYLESS,
            rng);
    decisions = supernet.choices().stream().map(Decision::new).toArray(Decision[]::new);
    conditional = alphas.probabilities();
    costSlopes = alphas.probabilities();
    gradient = alphas.probabilities();
    active = new int[decisions.length];
    objective = new ControlledLoss(loss, controller, cost.expected(alphas.current()));
  }

  @Override
  public Alphas alphas() {
    return alphas;
  }

  /** Probabilities of the candidates of each choice: the path weights p (eq. 2). */
  @Override
  public double[][] probabilities() {
    return alphas.probabilities();
  }

  @Override
  public double[][] preferences() {
    return probabilities();
  }

  @Override
  public double expectedCost() {
    return objective.expectedCost();
  }

  @Override
  public Loss objective() {
    return objective.loss();
  }

  /** Opens a path of every choice; there is no warm-up but that of the weights. */
  @Override
  public void sample(double warmupLeft, double progress) {
    supernet.factoring().draw(alphas.current(), rng, active);
    supernet.setOptions(active);
  }

  @Override
  public void learn(HeldOut images, double rate) {
    alphas.step(gradient(images), rate);
    stepped(rate);
  }

  /** Draws the gates of an architecture step; its forward and backward pass come next. */
  public void sampleGates() {
    double[][] probabilities = alphas.current();
    for (int i = 0; i < active.length; i++) {
      Decision decision = decisions[i];
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

  /** The gradient of the loss by the alphas, from a pass over held-out images. */
  double[][] gradient(HeldOut images) {
    sampleGates();
    crossEntropy = images.gradients().loss();
    double[][] probabilities = alphas.current();
    for (int i = 0; i < conditional.length; i++) {
      within(probabilities[i], decisions[i].sampled, conditional[i]);
    }
    double expected = cost.expected(conditional);
    cost.gradient(conditional, costSlopes);
    Loss loss = objective.loss();
    double perCrossEntropy = loss.perCrossEntropy(crossEntropy, expected);
    double perCost = loss.perCost(crossEntropy, expected);
    slopes.clear();
    for (int i = 0; i < decisions.length; i++) {
      Decision decision = decisions[i];
      alphas.download(i, decision.before);
      for (int j = 0; j < decision.slopes.length; j++) {
        decision.slopes[j] = decision.layer.gateGradient(j) * perCrossEntropy;
      }
      Probabilities.throughSoftmax(decision.slopes, conditional[i], decision.ofLoss);
      Probabilities.throughSoftmax(costSlopes[i], conditional[i], decision.ofCost);
      for (int j = 0; j < gradient[i].length; j++) {
        gradient[i][j] = decision.ofLoss[j] + perCost * decision.ofCost[j];
        slopes.add(decision.ofLoss[j] / perCrossEntropy, decision.ofCost[j]);
      }
    }
    return gradient;
  }

  /** What follows the step of the alphas: two-path rescaling and the control of the trade-off. */
  void stepped(double rate) {
    if (mode == GateMode.TWO_PATH) {
      for (int i = 0; i < decisions.length; i++) {
        rescale(i, decisions[i]);
      }
    }
    objective.observe(crossEntropy, cost.expected(alphas.current()), slopes, rate);
  }

  /** Keeps the probabilities of the paths that were not sampled (section 3.2.1). */
  private void rescale(int choice, Decision decision) {
    float[] before = decision.before;
    if (decision.sampled.length != 2 || before.length == 2) {
      return;
    }
    int a = decision.sampled[0];
    int b = decision.sampled[1];
    float[] after = decision.after;
    alphas.download(choice, after);
    double offset = Probabilities.twoPathOffset(before[a], before[b], after[a], after[b]);
    after[a] -= (float) offset;
    after[b] -= (float) offset;
    alphas.set(choice, after);
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

  @Override
  public double[] state() {
    return objective.state();
  }

  @Override
  public void restore(double[] saved) {
    objective.restore(saved);
  }

  @Override
  public void close() {
    alphas.close();
  }
}
