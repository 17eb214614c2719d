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
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.ArrayList;
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
  private final List<Parameter> alphas = new ArrayList<>();
  private final Adam optimizer;

  /** The pair of a two-path step, or all candidates, of each choice. */
  private int[][] sampled = new int[0][];

  private StrengthController.Slopes slopes = new StrengthController.Slopes(0, 0, 0, 0);

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
      alphas.add(new Parameter(alpha, Parameter.Role.KERNEL));
    }
    optimizer = new Adam(backend, named(), new Adam.Config(0f, 0.999f, 1e-8f, 0f, false));
  }

  private SequencedMap<String, Parameter> named() {
    SequencedMap<String, Parameter> named = new LinkedHashMap<>();
    for (int i = 0; i < alphas.size(); i++) {
      named.put("alpha." + i, alphas.get(i));
    }
    return named;
  }

  /** The architecture parameters of each choice. */
  public List<Parameter> alphas() {
    return List.copyOf(alphas);
  }

  /** The optimizer of the alphas, for checkpoints. */
  public Adam optimizer() {
    return optimizer;
  }

  /** Probabilities of the candidates of each choice: the path weights p (eq. 2). */
  public double[][] probabilities() {
    double[][] p = new double[alphas.size()][];
    for (int i = 0; i < p.length; i++) {
      p[i] = Probabilities.softmax(values(i));
    }
    return p;
  }

  private float[] values(int choice) {
    Tensor alpha = alphas.get(choice).value();
    float[] values = new float[alpha.size()];
    backend.download(alpha, values, 0);
    return values;
  }

  /** Draws a path of every choice and opens its gates for a weight step. */
  public void samplePaths() {
    double[][] p = probabilities();
    int[] decisions = new int[p.length];
    for (int i = 0; i < p.length; i++) {
      decisions[i] = rng.categorical(p[i]);
    }
    supernet.activate(decisions);
  }

  /** Draws the gates of an architecture step; its forward and backward pass come next. */
  public void sampleGates() {
    double[][] p = probabilities();
    sampled = new int[p.length][];
    for (int i = 0; i < p.length; i++) {
      int active;
      if (mode == GateMode.TWO_PATH && p[i].length > 1) {
        int first = rng.categorical(p[i]);
        int second = rng.categorical(without(p[i], first));
        sampled[i] = new int[] {Math.min(first, second), Math.max(first, second)};
        active = rng.categorical(within(p[i], sampled[i]));
      } else {
        sampled[i] = IntStream.range(0, p[i].length).toArray();
        active = rng.categorical(p[i]);
      }
      supernet.choices().get(i).activate(active, mode, sampled[i]);
    }
  }

  /**
   * Updates the alphas after the backward pass of an architecture step's cross-entropy.
   *
   * @param crossEntropy its value
   * @return the loss and expected cost of the step
   */
  public Objective.Value update(
      Objective objective, ExpectedCost cost, double crossEntropy, double rate) {
    double[][] p = sampledProbabilities();
    double expected = cost.expected(p);
    Objective.Value value = objective.evaluate(crossEntropy, expected);
    double lossSquare = 0;
    double alignment = 0;
    double costSquare = 0;
    double costSum = 0;
    List<float[]> before = new ArrayList<>();
    for (int i = 0; i < alphas.size(); i++) {
      before.add(values(i));
      double[] ofLoss = Probabilities.throughSoftmax(gateGradients(i, value), p[i]);
      double[] ofCost = Probabilities.throughSoftmax(cost.candidates(i), p[i]);
      double[] gradient = new double[ofLoss.length];
      for (int j = 0; j < gradient.length; j++) {
        gradient[j] = ofLoss[j] + value.perCost() * ofCost[j];
        lossSquare += ofLoss[j] * ofLoss[j];
        alignment += ofLoss[j] * ofCost[j];
        costSquare += ofCost[j] * ofCost[j];
        costSum += Math.abs(ofCost[j]);
      }
      setGradient(alphas.get(i), gradient);
    }
    slopes = new StrengthController.Slopes(lossSquare, alignment, costSquare, costSum);
    optimizer.step(rate);
    if (mode == GateMode.TWO_PATH) {
      for (int i = 0; i < alphas.size(); i++) {
        rescale(i, before.get(i));
      }
    }
    return value;
  }

  /** ∂L/∂g of a choice's candidates, the cross-entropy's part. */
  private double[] gateGradients(int choice, Objective.Value value) {
    double[] gates = supernet.choices().get(choice).gateGradients();
    for (int j = 0; j < gates.length; j++) {
      gates[j] *= value.perCrossEntropy();
    }
    return gates;
  }

  /** The gradients that the last {@link #update} followed, for a controller of the trade-off. */
  public StrengthController.Slopes slopes() {
    return slopes;
  }

  private void setGradient(Parameter alpha, double[] gradient) {
    float[] values = new float[gradient.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) gradient[i];
    }
    Tensor tensor =
        backend
            .memory()
            .keep(backend.memory().floats(alpha.shape(), Category.GRADIENTS, "alpha.gradient"));
    backend.upload(values, 0, tensor);
    alpha.acceptGradient(tensor);
  }

  /** Keeps the probabilities of the paths that were not sampled (section 3.2.1). */
  private void rescale(int choice, float[] before) {
    if (sampled[choice].length != 2 || before.length == 2) {
      return;
    }
    int a = sampled[choice][0];
    int b = sampled[choice][1];
    float[] after = values(choice);
    double offset = Probabilities.twoPathOffset(before[a], before[b], after[a], after[b]);
    after[a] -= (float) offset;
    after[b] -= (float) offset;
    backend.upload(after, 0, alphas.get(choice).value());
  }

  /** Probabilities among the sampled candidates of each choice; 0 for the others. */
  private double[][] sampledProbabilities() {
    double[][] p = probabilities();
    for (int i = 0; i < p.length; i++) {
      p[i] = within(p[i], sampled[i]);
    }
    return p;
  }

  private static double[] within(double[] p, int[] chosen) {
    double sum = 0;
    for (int j : chosen) {
      sum += p[j];
    }
    double[] q = new double[p.length];
    for (int j : chosen) {
      q[j] = p[j] / sum;
    }
    return q;
  }

  private static double[] without(double[] p, int left) {
    double[] q = new double[p.length];
    double rest = 0;
    for (int j = 0; j < p.length; j++) {
      rest += j == left ? 0 : p[j];
    }
    for (int j = 0; j < p.length; j++) {
      // Where one probability has become 1, the others are drawn alike.
      q[j] = j == left ? 0 : rest > 0 ? p[j] / rest : 1.0 / (p.length - 1);
    }
    return q;
  }

  /** Mean entropy of the decisions, in nats. */
  public double meanEntropy() {
    double sum = 0;
    for (double[] p : probabilities()) {
      sum += Probabilities.entropy(p);
    }
    return alphas.isEmpty() ? 0 : sum / alphas.size();
  }

  /** Frees alphas and moments. Idempotent. */
  @Override
  public void close() {
    optimizer.close();
    for (Parameter alpha : alphas) {
      alpha.clearGradient();
      alpha.value().close();
    }
    alphas.clear();
  }
}
