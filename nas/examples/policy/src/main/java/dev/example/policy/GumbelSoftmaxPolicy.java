package dev.example.policy;

import dev.sextant.autograd.optim.Adam;
import dev.sextant.nas.cost.ExpectedCost;
import dev.sextant.nas.objective.LambdaController;
import dev.sextant.nas.objective.Loss;
import dev.sextant.nas.policy.Alphas;
import dev.sextant.nas.policy.ControlledLoss;
import dev.sextant.nas.policy.HeldOut;
import dev.sextant.nas.policy.Policy;
import dev.sextant.nas.policy.PolicyRequest;
import dev.sextant.nas.policy.Probabilities;
import dev.sextant.nas.supernet.GateMode;
import dev.sextant.nas.supernet.MixedLayer;
import dev.sextant.nas.supernet.MultiPathSupernet;
import dev.sextant.tensor.Rng;
import java.util.Arrays;
import java.util.List;

/**
 * GDAS's sampler: of each choice the candidate runs at which alpha plus Gumbel noise is largest
 * (eq. 5), and the gradient goes through the softmax of these sums over a temperature as if that
 * had been the choice's weights (eq. 6 and 7). Only the candidate that ran is known to have a
 * gradient. The temperature falls linearly.
 *
 * <p>The cost has its exact expectation under the softmax of the alphas, without noise.
 */
final class GumbelSoftmaxPolicy implements Policy {
  /** As published: weight decay 10⁻³. */
  private static final Adam.Config ADAM = new Adam.Config(0.5f, 0.999f, 1e-8f, 1e-3f, false);

  private final MultiPathSupernet supernet;
  private final ExpectedCost cost;
  private final ControlledLoss objective;
  private final Rng rng;
  private final Alphas alphas;
  private final double first;
  private final double last;
  private final LambdaController.Slopes slopes = new LambdaController.Slopes(0, 0, 0, 0);
  private double temperature;

  GumbelSoftmaxPolicy(PolicyRequest<MultiPathSupernet, Loss> request) {
    supernet = request.supernet();
    cost = request.costs().layers();
    rng = request.rng();
    int[] candidates = supernet.factoring().counts();
    alphas =
        new Alphas(request.backend(), candidates, Alphas.INITIAL_DEVIATION, ADAM, request.rng());
    objective = new ControlledLoss(request.objective(), request.controller(), expectedCost());
    first = request.options().number("first-temperature");
    last = request.options().number("last-temperature");
    temperature = first;
  }

  double temperature() {
    return temperature;
  }

  /** The soft sample of each choice, by candidate; the largest is the hard one. */
  double[][] draw() {
    double[][] soft = new double[alphas.size()][];
    for (int i = 0; i < soft.length; i++) {
      float[] logits = alphas.values(i);
      for (int k = 0; k < logits.length; k++) {
        double uniform = Math.max(rng.nextDouble(), Double.MIN_NORMAL);
        double gumbel = -Math.log(-Math.log(uniform));
        logits[k] = (float) ((logits[k] + gumbel) / temperature);
      }
      soft[i] = Probabilities.softmax(logits);
    }
    return soft;
  }

  @Override
  public void sample(double warmupLeft, double progress) {
    temperature = first + (last - first) * progress;
    supernet.setOptions(Arrays.stream(draw()).mapToInt(Probabilities::argmax).toArray());
  }

  @Override
  public void learn(HeldOut images, double rate) {
    double[][] soft = draw();
    List<MixedLayer> choices = supernet.choices();
    for (int i = 0; i < soft.length; i++) {
      int hard = Probabilities.argmax(soft[i]);
      choices.get(i).activate(hard, GateMode.RECOMPUTE, hard);
    }
    double crossEntropy = images.gradients().loss();
    double[][] probabilities = alphas.probabilities();
    double expected = cost.expected(probabilities);
    double[][] costSlopes = alphas.probabilities();
    cost.gradient(probabilities, costSlopes);
    Loss loss = objective.loss();
    double perCrossEntropy = loss.perCrossEntropy(crossEntropy, expected);
    double perCost = loss.perCost(crossEntropy, expected);
    slopes.clear();
    double[][] gradient = new double[soft.length][];
    for (int i = 0; i < soft.length; i++) {
      double[] ofLoss = Probabilities.throughSoftmax(choices.get(i).gateGradients(), soft[i]);
      double[] ofCost = Probabilities.throughSoftmax(costSlopes[i], probabilities[i]);
      gradient[i] = new double[ofLoss.length];
      for (int k = 0; k < ofLoss.length; k++) {
        double cooled = ofLoss[k] / temperature;
        gradient[i][k] = perCrossEntropy * cooled + perCost * ofCost[k];
        slopes.add(cooled, ofCost[k]);
      }
    }
    alphas.step(gradient, rate);
    objective.observe(crossEntropy, cost.expected(alphas.probabilities()), slopes, rate);
  }

  @Override
  public Alphas alphas() {
    return alphas;
  }

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
    return cost.expected(alphas.probabilities());
  }

  @Override
  public Loss objective() {
    return objective.loss();
  }

  /** {@inheritDoc} The objective's, then the temperature. */
  @Override
  public double[] state() {
    double[] ofObjective = objective.state();
    double[] state = Arrays.copyOf(ofObjective, ofObjective.length + 1);
    state[ofObjective.length] = temperature;
    return state;
  }

  @Override
  public void restore(double[] saved) {
    objective.restore(Arrays.copyOf(saved, saved.length - 1));
    temperature = saved[saved.length - 1];
  }

  @Override
  public void close() {
    alphas.close();
  }
}
