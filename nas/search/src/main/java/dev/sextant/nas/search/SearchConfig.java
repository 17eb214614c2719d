package dev.sextant.nas.search;

import dev.sextant.nas.supernet.GateMode;
import dev.sextant.tensor.SextantException;
import java.util.Locale;

/**
 * The numbers of a search: what {@code run.json} keeps, besides data, space and latency table, to
 * repeat it. Published ImageNet values in parentheses.
 *
 * @param seed of every random number but the validation split's
 * @param batch images in a step (256)
 * @param validationFraction share of the training images held out for architecture steps,
 *     stratified
 * @param warmupEpochs of weight steps alone (40)
 * @param warmupRate learning rate of the warm-up, cosine to 0 per batch (0.05)
 * @param epochs of the joint phase (120)
 * @param rate learning rate of the joint phase, cosine to 0 per batch (0.025)
 * @param quietEpochs joint epochs before the first architecture step (1)
 * @param architectureInterval weight steps to one architecture step (5)
 * @param architectureRate Adam's rate for the alphas (0.001; CIFAR-10: 0.006)
 * @param gates how gates' gradients are found
 * @param objective which loss the alphas see
 * @param strength lambda, lambda2 or beta to start from; see {@code fixedStrength}
 * @param fixedStrength whether the strength stays; otherwise a controller meets the budget
 * @param weightDecay L2 in the search on all parameters (4e-5); in retraining on kernels only
 * @param momentum Nesterov momentum (0.9)
 * @param labelSmoothing in weight steps (0.1)
 * @param augmentation preset of training images
 * @param budgetMs latency asked for
 * @param ceiling whether the budget may be undercut
 * @param retrainEpochs of the derived network on all training images; 0 keeps inherited weights
 * @param retrainRate its learning rate, cosine to 0 per batch (0.05)
 * @param inheritWeights whether retraining starts from the supernet's weights
 * @param dropout before the classifier in retraining
 * @param randomSamples networks that the random-search baseline trains; 0 for no baseline
 */
public record SearchConfig(
    long seed,
    int batch,
    double validationFraction,
    int warmupEpochs,
    double warmupRate,
    int epochs,
    double rate,
    int quietEpochs,
    int architectureInterval,
    double architectureRate,
    GateMode gates,
    ObjectiveKind objective,
    double strength,
    boolean fixedStrength,
    double weightDecay,
    double momentum,
    double labelSmoothing,
    String augmentation,
    double budgetMs,
    boolean ceiling,
    int retrainEpochs,
    double retrainRate,
    boolean inheritWeights,
    double dropout,
    int randomSamples) {
  /** The three losses of {@link dev.sextant.nas.objective.Objective}. */
  public enum ObjectiveKind {
    ADDITIVE,
    ADD_LINEAR,
    MUL_LOG;

    /** As the command line has it: {@code add-linear}. */
    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
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
    within("budget", budgetMs, 1e-6, 1e9);
    if (gates == null || objective == null || augmentation == null) {
      throw new SextantException("gates, objective or augmentation is not one of those there are");
    }
    if (quietEpochs >= epochs) {
      throw new SextantException(
          "quiet-epochs: %d leaves no architecture step in %d epochs"
              .formatted(quietEpochs, epochs));
    }
  }

  /** How a derived network is trained for that long, from that seed. */
  TrainingConfig training(int trainingEpochs, long trainingSeed) {
    return new TrainingConfig(
        batch,
        trainingEpochs,
        retrainRate,
        momentum,
        weightDecay,
        labelSmoothing,
        augmentation,
        dropout,
        trainingSeed);
  }

  static void atLeast(String name, int value, int least) {
    if (value < least) {
      throw new SextantException("%s: %d is not at least %d".formatted(name, value, least));
    }
  }

  static void within(String name, double value, double low, double high) {
    if (!(value >= low && value <= high)) {
      throw new SextantException(
          "%s: %s is not between %s and %s".formatted(name, value, low, high));
    }
  }
}
