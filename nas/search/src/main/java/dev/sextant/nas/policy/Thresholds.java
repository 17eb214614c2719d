package dev.sextant.nas.policy;

import dev.sextant.nas.cost.ExpectedCost;
import dev.sextant.nas.cost.RuntimeModel;
import dev.sextant.nas.objective.LambdaController;
import dev.sextant.nas.objective.Loss;
import dev.sextant.nas.objective.Outcome;
import dev.sextant.nas.space.NestedChoice;
import dev.sextant.nas.supernet.SuperkernelSupernet;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Single-Path NAS's policy: thresholds of the norms of a superkernel's parts, trained in the weight
 * steps themselves, by the same images (eq. 8 and 9). All gates start open, at thresholds of 0, and
 * so the search with the largest network. In the warm-up each gate is dropped at random, and the
 * cost has no part.
 *
 * <p>A gate's preference is sigmoid(m / {@value #SOFTNESS}) of its normalised margin m = (norm - t)
 * / max(norm, |t|): 1 at a threshold of 0, 0 where the gate turns. It is above 1/2 where the gate
 * is open, comparable between layers of any size, and orders the decisions where the budget does
 * not allow what the gates say. Taken as independent probabilities, they give the expected cost
 * that the control of the trade-off aims by, which the cost of the hard gates would do in jumps.
 */
public final class Thresholds implements Policy {
  /** Share of the gates kept in the warm-up; one that is kept is its inverse (published code). */
  public static final double KEPT = 0.6;

  /** Normalised margin at which a gate's preference is 73 %. */
  private static final double SOFTNESS = 0.25;

  private final SuperkernelSupernet supernet;
  private final Backend backend;
  private final List<NestedChoice> choices;
  private final ExpectedCost cost;
  private final RuntimeModel runtime;
  private final ControlledLoss objective;
  private final Rng rng;
  private final Alphas alphas;
  private final SuperkernelSupernet.Pressure pressure;

  private final float[][] scales;
  private final float[][] thresholds;
  private final double[][] norms;

  /** Preferences of the gates, and ∂E/∂preference. */
  private final double[][] open;

  private final double[][] openSlopes;

  /** ∂R/∂gate of the last pass. */
  private final double[][] costSlopes;

  private final double[][] gradient;
  private final float[][] room;
  private final double[][] probabilities;
  private final LambdaController.Slopes slopes = new LambdaController.Slopes(0, 0, 0, 0);

  /** Weight of R in the last pass. */
  private double applied;

  private double crossEntropy = 1;

  /** Thresholds of 0 for each choice of a supernet. */
  Thresholds(PolicyRequest<SuperkernelSupernet, Loss> request) {
    this(
        request.backend(),
        request.supernet(),
        request.costs().layers(),
        request.objective(),
        request.controller(),
        request.rng());
  }

  /**
   * The same of these parts.
   *
   * @param backend of the supernet and of the thresholds
   * @param supernet whose gates the thresholds decide
   * @param cost of networks, layer by layer
   * @param loss what the thresholds descend
   * @param controller of the loss's trade-off, or null to keep it
   * @param rng the run's generator
   */
  public Thresholds(
      Backend backend,
      SuperkernelSupernet supernet,
      ExpectedCost cost,
      Loss loss,
      @Nullable LambdaController controller,
      Rng rng) {
    this.backend = backend;
    this.supernet = supernet;
    this.cost = cost;
    this.rng = rng;
    choices = supernet.choices();
    runtime = new RuntimeModel(cost, choices);
    alphas = new Alphas(backend, choices.stream().mapToInt(NestedChoice::gates).toArray());
    pressure = this::press;
    scales = floats();
    thresholds = floats();
    room = floats();
    norms = doubles();
    open = doubles();
    openSlopes = doubles();
    costSlopes = doubles();
    gradient = doubles();
    probabilities =
        choices.stream().map(choice -> new double[choice.size()]).toArray(double[][]::new);
    objective = new ControlledLoss(loss, controller, findExpectedCost());
  }

  private float[][] floats() {
    return choices.stream().map(choice -> new float[choice.gates()]).toArray(float[][]::new);
  }

  private double[][] doubles() {
    return choices.stream().map(choice -> new double[choice.gates()]).toArray(double[][]::new);
  }

  /** Lets the thresholds decide; in the warm-up, gates are dropped. */
  @Override
  public void sample(double warmupLeft, double progress) {
    for (int i = 0; i < scales.length; i++) {
      for (int gate = 0; gate < scales[i].length; gate++) {
        scales[i][gate] = 1;
        if (warmupLeft > 0 && choices.get(i).decides(gate)) {
          scales[i][gate] = rng.nextDouble() < KEPT ? (float) (1 / KEPT) : 0;
        }
      }
    }
    applied = 0;
    supernet.learn(alphas.parameters(), scales, warmupLeft > 0 ? null : pressure);
  }

  /**
   * The gradient of the objective's cost term, in units in which the cross-entropy's weight is 1.
   */
  private void press(double[][] gates, double[][] into) {
    double r = runtime.of(gates);
    runtime.gradient(gates, costSlopes);
    Loss loss = objective.loss();
    applied = loss.perCost(crossEntropy, r) / loss.perCrossEntropy(crossEntropy, r);
    for (int i = 0; i < into.length; i++) {
      for (int gate = 0; gate < into[i].length; gate++) {
        into[i][gate] = applied * costSlopes[i][gate];
      }
    }
  }

  /** Not for thresholds, which learn by the images of weight steps. */
  @Override
  public void learn(HeldOut images, double rate) {
    throw new IllegalStateException("thresholds learn in weight steps");
  }

  @Override
  public void learnWithWeights(Outcome outcome, double rate) {
    crossEntropy = outcome.loss();
    findPreferences();
    runtime.gradient(open, openSlopes);
    slopes.clear();
    for (int i = 0; i < gradient.length; i++) {
      download(i);
      for (int gate = 0; gate < gradient[i].length; gate++) {
        double margin = norms[i][gate] - thresholds[i][gate];
        double slope =
            scales[i][gate] * Probabilities.sigmoid(margin) * Probabilities.sigmoid(-margin);
        double ofCost = applied == 0 ? 0 : -slope * costSlopes[i][gate];
        double p = open[i][gate];
        double reach = openSlopes[i][gate] * p * (1 - p) / (SOFTNESS * size(i, gate));
        gradient[i][gate] = room[i][gate];
        slopes.add(gradient[i][gate] - applied * ofCost, ofCost, reach);
      }
    }
    alphas.step(gradient, rate);
    double expected = findExpectedCost();
    if (rate > 0 && applied != 0) {
      objective.observe(crossEntropy, expected, slopes, rate);
    } else {
      objective.observe(expected);
    }
  }

  /** The gradient that the pass left. */
  private void download(int choice) {
    Tensor held = alphas.parameters().get(choice).gradient();
    if (held == null) {
      Arrays.fill(room[choice], 0);
    } else {
      backend.download(held, room[choice], 0);
    }
  }

  private double size(int choice, int gate) {
    double size = Math.max(norms[choice][gate], Math.abs(thresholds[choice][gate]));
    return Math.max(size, 1e-12);
  }

  private void findPreferences() {
    for (int i = 0; i < open.length; i++) {
      alphas.download(i, thresholds[i]);
      supernet.norms(i, thresholds[i], norms[i]);
      for (int gate = 0; gate < open[i].length; gate++) {
        double margin = (norms[i][gate] - thresholds[i][gate]) / size(i, gate);
        open[i][gate] = choices.get(i).decides(gate) ? Probabilities.sigmoid(margin / SOFTNESS) : 1;
      }
    }
  }

  private double findExpectedCost() {
    findPreferences();
    products(false);
    return cost.expected(probabilities);
  }

  /**
   * Products of the gates that a candidate needs open or shut.
   *
   * @param likeliest whether a gate that the candidate leaves undecided counts as its likelier
   *     state, or not at all
   */
  private void products(boolean likeliest) {
    for (int i = 0; i < probabilities.length; i++) {
      for (int j = 0; j < probabilities[i].length; j++) {
        double product = 1;
        for (int gate = 0; gate < open[i].length; gate++) {
          double p = open[i][gate];
          product *=
              switch (choices.get(i).state(j, gate)) {
                case 1 -> p;
                case 0 -> 1 - p;
                default -> likeliest ? Math.max(p, 1 - p) : 1;
              };
        }
        probabilities[i][j] = product;
      }
    }
  }

  @Override
  public Alphas alphas() {
    return alphas;
  }

  /** Of each choice's candidates, if gates were open with the probabilities of their preference. */
  @Override
  public double[][] probabilities() {
    findPreferences();
    products(false);
    return copy();
  }

  /** {@inheritDoc} The largest of each choice is what the gates say. */
  @Override
  public double[][] preferences() {
    findPreferences();
    products(true);
    return copy();
  }

  private double[][] copy() {
    return Arrays.stream(probabilities).map(double[]::clone).toArray(double[][]::new);
  }

  @Override
  public double meanEntropy() {
    double sum = 0;
    int count = 0;
    for (int i = 0; i < open.length; i++) {
      for (int gate = 0; gate < open[i].length; gate++) {
        if (choices.get(i).decides(gate)) {
          double p = open[i][gate];
          sum += Probabilities.entropy(new double[] {p, 1 - p});
          count++;
        }
      }
    }
    return count == 0 ? 0 : sum / count;
  }

  /** The furthest that a threshold has come. */
  @Override
  public double movement() {
    double most = 0;
    for (int i = 0; i < thresholds.length; i++) {
      alphas.download(i, thresholds[i]);
      for (float threshold : thresholds[i]) {
        most = Math.max(most, Math.abs(threshold));
      }
    }
    return most;
  }

  @Override
  public double expectedCost() {
    return objective.expectedCost();
  }

  @Override
  public Loss objective() {
    return objective.loss();
  }

  @Override
  public double[] state() {
    double[] control = objective.state();
    double[] state = Arrays.copyOf(control, control.length + 1);
    state[control.length] = crossEntropy;
    return state;
  }

  @Override
  public void restore(double[] saved) {
    objective.restore(Arrays.copyOf(saved, saved.length - 1));
    crossEntropy = saved[saved.length - 1];
  }

  @Override
  public void close() {
    alphas.close();
  }
}
