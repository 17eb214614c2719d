package dev.sextant.nas.compare;

import dev.sextant.nas.cost.CostModel;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.method.Recipe;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.SearchSetup;
import java.util.List;

/**
 * What a run takes on this machine, by whole runs of one epoch each on a part of the images.
 *
 * @param searchSeconds of the search in a supernet
 * @param retrainSeconds of training the networks found
 * @param randomSeconds of random search: its networks, and training the best
 * @param fixedSeconds of derivation, evaluation, measurement and files
 * @param tensorBytes most memory that tensors take at once
 */
public record RunEstimate(
    double searchSeconds,
    double retrainSeconds,
    double randomSeconds,
    double fixedSeconds,
    long tensorBytes) {
  /** The first round of steps is still being compiled. */
  private static final int ROUNDS = 2;

  /**
   * {@return an estimate; it takes seconds}
   *
   * @param setup of the run
   * @param model what networks cost
   * @param data the images of the run
   * @param progress told how far the probe is
   */
  public static RunEstimate of(
      SearchSetup setup, CostModel model, ImageDataset data, Progress progress) {
    TimeProbe probe = new TimeProbe(data, progress, ROUNDS);
    Entrant entrant = new Entrant(setup.space().name(), setup, model);
    PartSeconds parts = probe.time(List.of(entrant)).getFirst();
    SearchConfig config = setup.config();
    int warmup = config.weights().warmupEpochs();
    int epochs = config.weights().epochs();
    int samples = Math.min(config.randomSamples(), warmup + epochs);
    boolean random = config.recipe() instanceof Recipe.Random;
    double retrain = config.retraining().epochs() * parts.retrainEpoch();
    // Networks of random search share the search's epochs; an epoch of one trains on no more images
    // than one of the search and takes as long as one of the network found where none was timed.
    double sampleEpoch = random ? parts.sampleEpoch() : parts.retrainEpoch();
    return new RunEstimate(
        random ? 0 : warmup * parts.warmupEpoch() + epochs * parts.jointEpoch(),
        retrain * config.budget().each().size(),
        samples == 0
            ? 0
            : samples * parts.draw() + (warmup + epochs) * sampleEpoch + (random ? 0 : retrain),
        parts.fixed(),
        probe.peakBytes());
  }

  /** {@return of the whole run} */
  public double seconds() {
    return searchSeconds + retrainSeconds + randomSeconds + fixedSeconds;
  }
}
