package dev.sextant.nas.compare;

import dev.sextant.nas.method.RunLength;

/**
 * How a method spends its time: the same shares for every method, whatever its steps take. Half of
 * it goes to the search, a quarter of whose epochs warm up, as TuNAS's do and, but for rounding,
 * ProxylessNAS's (40 of 160). The rest trains the network found.
 *
 * <p>Random search trains samples for a fixed number of epochs each; there are as many of them as
 * the time of a search allows.
 *
 * @param parts measured
 * @param architectureDelay joint epochs without an architecture step, before the first
 * @param random whether there is no supernet
 */
record TimeShares(PartSeconds parts, int architectureDelay, boolean random) {
  /** Of the time, for the search. */
  static final double SEARCH = 0.5;

  /** Of the search's epochs. */
  static final double WARMUP = 0.25;

  /** Epochs of one network of random search, where the time allows one. */
  static final int SAMPLE_EPOCHS = 3;

  /** The least time that leaves an epoch of search and an epoch of training. */
  double least() {
    return seconds(shortest());
  }

  private RunLength shortest() {
    return random ? new RunLength(0, 1, 1, 1) : searching(1 + architectureDelay, 1);
  }

  private RunLength searching(int epochs, int retrainEpochs) {
    int warmup = Math.min((int) Math.rint(WARMUP * epochs), epochs - 1 - architectureDelay);
    return new RunLength(warmup, epochs - warmup, retrainEpochs, 0);
  }

  /** The longest run that is expected to take no more; at least {@link #least}. */
  RunLength within(double seconds) {
    RunLength length = shortest();
    for (int step = 1; ; step++) {
      RunLength longer = searched(step);
      if (searchSeconds(longer) == 0) {
        // Nothing is trained to find a network: all the time is for training it.
        break;
      }
      if (parts.fixed() / 2 + searchSeconds(longer) > SEARCH * seconds) {
        break;
      }
      length = longer;
    }
    double left = seconds - parts.fixed() - searchSeconds(length);
    int retrain = (int) Math.max(1, left / parts.retrainEpoch());
    return new RunLength(length.warmupEpochs(), length.epochs(), retrain, length.randomSamples());
  }

  /** The lengths there are, shorter ones first. */
  private RunLength searched(int step) {
    if (!random) {
      return searching(architectureDelay + step, 1);
    }
    if (step < SAMPLE_EPOCHS) {
      return new RunLength(0, step, 1, 1);
    }
    int samples = step - SAMPLE_EPOCHS + 1;
    return new RunLength(0, samples * SAMPLE_EPOCHS, 1, samples);
  }

  private double searchSeconds(RunLength length) {
    return random
        ? length.randomSamples() * parts.draw() + length.epochs() * parts.sampleEpoch()
        : length.warmupEpochs() * parts.warmupEpoch() + length.epochs() * parts.jointEpoch();
  }

  /** What a run is expected to take. */
  double seconds(RunLength length) {
    return parts.fixed() + searchSeconds(length) + length.retrainEpochs() * parts.retrainEpoch();
  }
}
