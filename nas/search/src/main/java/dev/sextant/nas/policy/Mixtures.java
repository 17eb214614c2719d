package dev.sextant.nas.policy;

import dev.sextant.autograd.optim.Adam;
import dev.sextant.nas.cells.ArchitectureCost;
import dev.sextant.nas.cells.BilevelGradient;
import dev.sextant.nas.cells.CellParameters;
import dev.sextant.nas.cells.CellSupernet;
import dev.sextant.nas.objective.LambdaController;
import dev.sextant.nas.objective.Loss;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The policy of DARTS, PC-DARTS and Latency-Aware DARTS: nothing is picked, the supernet is the
 * mixture of all networks, and its weights follow the gradient of the held-out loss through them
 * and that of the expected cost (eq. 3).
 */
public final class Mixtures implements Policy {
  /** That of the published codes, whose decay is that of the architecture parameters. */
  private static final Adam.Config ADAM = new Adam.Config(0.5f, 0.999f, 1e-8f, 1e-3f, false);

  private final CellParameters parameters;
  private final ArchitectureCost cost;
  private final ControlledLoss objective;
  private final Supplier<BilevelGradient.Result> heldOut;
  private final Alphas alphas;

  /** Alphas near 0, which the supernet's mixtures follow. */
  Mixtures(PolicyRequest<CellSupernet, Loss> request) {
    this(
        request.backend(),
        request.supernet(),
        request.costs().cells(),
        request.objective(),
        request.controller(),
        request.bilevel(),
        request.rng());
  }

  /**
   * The same of these parts.
   *
   * @param backend of the supernet and of the alphas
   * @param supernet whose mixtures are weighed
   * @param cost expected cost of the networks, with its gradient
   * @param loss what the parameters descend
   * @param controller of the loss's trade-off, or null to keep it
   * @param heldOut the gradient of the held-out loss in the step being made
   * @param rng the run's generator
   */
  public Mixtures(
      Backend backend,
      CellSupernet supernet,
      ArchitectureCost cost,
      Loss loss,
      @Nullable LambdaController controller,
      Supplier<BilevelGradient.Result> heldOut,
      Rng rng) {
    parameters = supernet.architecture();
    this.cost = cost;
    this.heldOut = heldOut;
    alphas =
        new Alphas(backend, supernet.factoring().counts(), Alphas.INITIAL_DEVIATION, ADAM, rng);
    follow();
    objective = new ControlledLoss(loss, controller, cost.estimate(parameters).value());
  }

  private void follow() {
    List<float[]> values = new ArrayList<>();
    for (int f = 0; f < alphas.size(); f++) {
      values.add(alphas.values(f));
    }
    parameters.setFactors(values);
  }

  /** The mixture is what weights train in. */
  @Override
  public void sample(double warmupLeft, double progress) {}

  @Override
  public void learn(HeldOut images, double rate) {
    BilevelGradient.Result result = heldOut.get();
    if (!Double.isFinite(result.loss())) {
      throw new SextantException(
          "search: the validation loss is %s; a lower learning rate may help"
              .formatted(result.loss()));
    }
    ArchitectureCost.Estimate estimate = cost.estimate(parameters);
    alphas.step(gradient(result, estimate, rate), rate);
    follow();
  }

  /** The gradient of the objective; the control of the trade-off comes before it. */
  private double[][] gradient(
      BilevelGradient.Result result, ArchitectureCost.Estimate estimate, double rate) {
    double[][] gradient = result.gradient().factors();
    double[][] ofCost = estimate.gradient().factors();
    LambdaController.Slopes slopes = new LambdaController.Slopes(0, 0, 0, 0);
    for (int f = 0; f < gradient.length; f++) {
      for (int k = 0; k < gradient[f].length; k++) {
        slopes.add(gradient[f][k], ofCost[f][k]);
      }
    }
    objective.observe(result.loss(), estimate.value(), slopes, rate);
    Loss loss = objective.loss();
    double perCrossEntropy = loss.perCrossEntropy(result.loss(), estimate.value());
    double perCost = loss.perCost(result.loss(), estimate.value());
    for (int f = 0; f < gradient.length; f++) {
      for (int k = 0; k < gradient[f].length; k++) {
        gradient[f][k] = perCrossEntropy * gradient[f][k] + perCost * ofCost[f][k];
      }
    }
    return gradient;
  }

  @Override
  public Alphas alphas() {
    return alphas;
  }

  @Override
  public double[][] probabilities() {
    return alphas.probabilities();
  }

  /** The weights of the ops, each times the weight of its edge: what the genotype follows. */
  @Override
  public double[][] preferences() {
    int edges = parameters.space().edges();
    double[][] rows = Arrays.copyOf(probabilities(), 2 * edges);
    int edge = 0;
    for (int stride = 1; stride <= 2; stride++) {
      for (int node = 0; node < parameters.space().nodes(); node++) {
        for (double weight : parameters.edgeWeights(stride, node)) {
          for (int op = 0; op < rows[edge].length; op++) {
            rows[edge][op] *= weight;
          }
          edge++;
        }
      }
    }
    return rows;
  }

  /** The last estimate (eq. 2). */
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
    return objective.state();
  }

  @Override
  public void restore(double[] saved) {
    follow();
    objective.restore(saved);
  }

  @Override
  public void close() {
    alphas.close();
  }
}
