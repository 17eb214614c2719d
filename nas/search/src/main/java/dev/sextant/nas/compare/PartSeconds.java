package dev.sextant.nas.compare;

import dev.sextant.tensor.SextantException;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;

/**
 * What the parts of a method's run take on this machine, in seconds; 0 for a part it does not have.
 *
 * @param fixed derivation, evaluation, measurement and files, once a run
 * @param warmupEpoch an epoch of weight steps alone
 * @param jointEpoch an epoch of weight and architecture steps
 * @param draw finding a random network that measures within the budget
 * @param sampleEpoch an epoch of training it
 * @param retrainEpoch an epoch of training the network found
 */
public record PartSeconds(
    double fixed,
    double warmupEpoch,
    double jointEpoch,
    double draw,
    double sampleEpoch,
    double retrainEpoch) {
  /** Checks the ranges. */
  public PartSeconds {
    for (double part :
        new double[] {fixed, warmupEpoch, jointEpoch, draw, sampleEpoch, retrainEpoch}) {
      if (!(part >= 0 && part < 1e9)) {
        throw new SextantException(
            String.format(Locale.ROOT, "methods: a part of %s seconds is out of range", part));
      }
    }
  }

  /** An epoch of each kind: what grows with a run. */
  double epochs() {
    return warmupEpoch + jointEpoch + sampleEpoch + retrainEpoch;
  }

  /** The least of each part: what was still compiling or disturbed the first time is not again. */
  static PartSeconds least(Stream<PartSeconds> timed) {
    PartSeconds[] all = timed.toArray(PartSeconds[]::new);
    return new PartSeconds(
        least(all, PartSeconds::fixed),
        least(all, PartSeconds::warmupEpoch),
        least(all, PartSeconds::jointEpoch),
        least(all, PartSeconds::draw),
        least(all, PartSeconds::sampleEpoch),
        least(all, PartSeconds::retrainEpoch));
  }

  private static double least(PartSeconds[] timed, ToDoubleFunction<PartSeconds> part) {
    return Stream.of(timed).mapToDouble(part).min().orElseThrow();
  }
}
