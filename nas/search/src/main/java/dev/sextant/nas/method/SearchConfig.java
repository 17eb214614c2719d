package dev.sextant.nas.method;

import dev.sextant.nas.supernet.GateMode;
import dev.sextant.tensor.SextantException;

/**
 * The numbers of a search: what {@code run.json} keeps, besides data, space and latency table, to
 * repeat it. Published ImageNet values in parentheses.
 *
 * @param seed of every random number but the validation split's
 * @param recipe supernet, policy, cost and objective
 * @param batch images in a step (256)
 * @param validationFraction share of the training images held out for architecture steps,
 *     stratified
 * @param warmupEpochs of weight steps alone (40)
 * @param warmupRate learning rate of the warm-up, cosine to 0 per batch (0.05)
 * @param epochs of the joint phase (120)
 * @param rate learning rate of the joint phase, cosine to 0 per batch (0.025)
 * @param oneCosine whether one cosine from {@code rate} goes through both phases, after linear
 *     growth in the first 2.5 % of the steps (TuNAS); {@code warmupRate} then has no part
 * @param optimizer of the weights in the search
 * @param quietEpochs joint epochs before the first architecture step (1)
 * @param architectureInterval weight steps to one architecture step (5)
 * @param architectureRate Adam's rate for the alphas (0.001; CIFAR-10: 0.006)
 * @param architectureGrowth by what that rate has grown, exponentially, at the end of the joint
 *     phase (1; TuNAS: 10)
 * @param samples networks in one step of REINFORCE (10; TuNAS: one on each of 32 cores), or those
 *     an expected latency of cells is taken over (20)
 * @param gates how gates' gradients are found
 * @param strength lambda, lambda2 or beta to start from; see {@code fixedStrength}
 * @param fixedStrength whether the strength stays; otherwise a controller meets the budget
 * @param weightDecay L2 in the search on all parameters (4e-5); in retraining on kernels only
 * @param momentum Nesterov momentum (0.9)
 * @param labelSmoothing in weight steps (0.1)
 * @param augmentation preset of training images
 * @param budget asked for, in the unit of the cost
 * @param ceiling whether the budget may be undercut
 * @param retrainEpochs of the derived network on all training images; 0 keeps inherited weights
 * @param retrainRate its learning rate, cosine to 0 per batch (0.05)
 * @param inheritWeights whether retraining starts from the supernet's weights
 * @param dropout before the classifier in retraining
 * @param cells what searches and trainings of cells need besides
 * @param randomSamples networks that the random-search baseline trains; 0 for no baseline
 */
public record SearchConfig(
    long seed,
    Recipe recipe,
    int batch,
    double validationFraction,
    int warmupEpochs,
    double warmupRate,
    int epochs,
    double rate,
    boolean oneCosine,
    WeightOptimizer optimizer,
    int quietEpochs,
    int architectureInterval,
    double architectureRate,
    double architectureGrowth,
    int samples,
    GateMode gates,
    double strength,
    boolean fixedStrength,
    double weightDecay,
    double momentum,
    double labelSmoothing,
    String augmentation,
    double budget,
    boolean ceiling,
    int retrainEpochs,
    double retrainRate,
    boolean inheritWeights,
    double dropout,
    CellSearchConfig cells,
    int randomSamples) {
  /** How weights are trained in the search. */
  public enum WeightOptimizer {
    /** With Nesterov momentum, as ProxylessNAS. */
    SGD,
    /** With a running square of 0.9, as TuNAS; decay on kernels alone. */
    RMSPROP;

    @Override
    public String toString() {
      return Recipe.word(this);
    }
  }

  /** Checks every number. */
  public SearchConfig {
    atLeast("batch", batch, 1);
    atLeast("warmup-epochs", warmupEpochs, 0);
    atLeast("epochs", epochs, 1);
    atLeast("quiet-epochs", quietEpochs, 0);
    atLeast("architecture-interval", architectureInterval, 1);
    atLeast("retrain-epochs", retrainEpochs, 0);
    atLeast("random-samples", randomSamples, 0);
    within("validation-fraction", validationFraction, 0.001, 0.9);
    within("warmup-rate", warmupRate, 0, 100);
    within("rate", rate, 0, 100);
    within("architecture-rate", architectureRate, 0, 100);
    within("retrain-rate", retrainRate, 0, 100);
    within("weight-decay", weightDecay, 0, 1);
    within("momentum", momentum, 0, 0.9999);
    within("label-smoothing", labelSmoothing, 0, 0.9999);
    within("dropout", dropout, 0, 0.9999);
    within("budget", budget, 1e-6, 1e15);
    atLeast("samples", samples, 1);
    within("architecture-growth", architectureGrowth, 0.001, 1000);
    if (recipe == null || gates == null || optimizer == null || augmentation == null) {
      throw new SextantException(
          "recipe, gates, optimizer or augmentation is not one of those there are");
    }
    if (cells == null) {
      throw new SextantException("cells is missing");
    }
    if (recipe.supernet().hasCells()) {
      checkCells(optimizer, retrainEpochs, inheritWeights);
    }
    if (recipe.policy() == Recipe.PolicyKind.GATES_REINFORCE && gates == GateMode.TWO_PATH) {
      throw new SextantException(
          "gates two-path with policy gates-reinforce: two-path steps move two alphas alone, and"
              + " rewards move all (--gates recompute)");
    }
    if (recipe.supernet() == Recipe.SupernetKind.NONE && randomSamples < 1) {
      throw new SextantException("random-samples: 0 leaves nothing to search among");
    }
    boolean stateless =
        recipe.supernet() == Recipe.SupernetKind.COLLAPSED
            || recipe.supernet() == Recipe.SupernetKind.SUPERKERNEL;
    if (stateless && retrainEpochs == 0) {
      throw new SextantException(
          ("retrain-epochs: 0 keeps no weights of a %s supernet, whose batch norms have no running"
                  + " statistics")
              .formatted(recipe.supernet()));
    }
    if (quietEpochs >= epochs) {
      throw new SextantException(
          "quiet-epochs: %d leaves no architecture step in %d epochs"
              .formatted(quietEpochs, epochs));
    }
  }

  /** What else a supernet of cells cannot have. */
  private static void checkCells(
      WeightOptimizer optimizer, int retrainEpochs, boolean inheritWeights) {
    if (optimizer != WeightOptimizer.SGD) {
      throw new SextantException(
          "optimizer %s with cells: their weights are trained by SGD, which second-order steps look"
                  .formatted(optimizer)
              + " ahead");
    }
    if (retrainEpochs == 0 || inheritWeights) {
      throw new SextantException(
          "retrain-epochs: a supernet of cells has no weights to keep, its norms no scales; the"
              + " network found is trained from the beginning (without --inherit-weights)");
    }
  }

  /** How a derived network is trained for that long, from that seed. */
  public TrainingConfig training(int trainingEpochs, long trainingSeed) {
    return new TrainingConfig(
        batch,
        trainingEpochs,
        retrainRate,
        momentum,
        weightDecay,
        labelSmoothing,
        augmentation,
        dropout,
        cells.dropPath(),
        cells.auxiliary(),
        cells.clip(),
        trainingSeed);
  }

  /** The same search by another seed that goes on for another time. */
  public SearchConfig with(long otherSeed, RunLength effort) {
    return with(otherSeed, effort, quietEpochs, architectureRate);
  }

  /**
   * The same steps, to be timed: architecture steps from the first joint epoch on, at a rate of 0,
   * so that a few of them need move nothing.
   */
  public SearchConfig timed(RunLength effort) {
    return with(seed, effort, 0, 0);
  }

  private SearchConfig with(
      long otherSeed, RunLength effort, int otherQuietEpochs, double otherArchitectureRate) {
    return new SearchConfig(
        otherSeed,
        recipe,
        batch,
        validationFraction,
        effort.warmupEpochs(),
        warmupRate,
        effort.epochs(),
        rate,
        oneCosine,
        optimizer,
        otherQuietEpochs,
        architectureInterval,
        otherArchitectureRate,
        architectureGrowth,
        samples,
        gates,
        strength,
        fixedStrength,
        weightDecay,
        momentum,
        labelSmoothing,
        augmentation,
        budget,
        ceiling,
        effort.retrainEpochs(),
        retrainRate,
        inheritWeights,
        dropout,
        cells,
        effort.randomSamples());
  }

  public static void atLeast(String name, int value, int least) {
    if (value < least) {
      throw new SextantException("%s: %d is not at least %d".formatted(name, value, least));
    }
  }

  public static void within(String name, double value, double low, double high) {
    if (!(value >= low && value <= high)) {
      throw new SextantException(
          "%s: %s is not between %s and %s".formatted(name, value, low, high));
    }
  }
}
