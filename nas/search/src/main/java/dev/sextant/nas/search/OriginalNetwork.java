package dev.sextant.nas.search;

import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.method.Shrinking;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.Contestant;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.SearchResult;
import dev.sextant.nas.run.SearchSetup;
import dev.sextant.nas.space.Space;
import dev.sextant.nas.stage.RunResults;
import dev.sextant.nas.train.Evaluation;
import dev.sextant.nas.train.TrainedModel;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Weights;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The network that a run shrinks, beside which those that it finds are reported. */
record OriginalNetwork(RunDirectory directory, SearchSetup setup, RunResults results) {
  /** Begins the names of its results. */
  private static final String KEY = "original.";

  /** Keeps it in the directory of a run that begins. */
  static void keep(RunDirectory directory, TrainedModel original) {
    RunDirectory.write(directory.teacher(), original.architecture().toJson());
    original.weights().write(directory.teacherWeights());
  }

  /** The images as it knows them, where a run shrinks one; else themselves. */
  static ImageDataset seen(RunDirectory directory, SearchSetup setup, ImageDataset data) {
    if (!(setup.config().recipe() instanceof Shrinking shrinking)) {
      return data;
    }
    RunDirectory.requireWeights(directory.teacherWeights(), shrinking.teacher());
    return TrainedModel.of(Architecture.read(directory.teacher()), directory.teacherWeights())
        .fit(data);
  }

  private boolean isGiven() {
    return setup.config().recipe() instanceof Shrinking;
  }

  private int[] decisions() {
    return new int[((Space) setup.space()).options().length];
  }

  /** Measures it and evaluates it; nothing where the run shrinks none. */
  void judge(Pricing pricing, NetworkLatency latency, ImageDataset data) {
    if (isGiven()) {
      Architecture architecture = setup.space().derive(decisions());
      Weights weights = Weights.read(directory.teacherWeights());
      results.put(KEY + "predictedCost", pricing.of(decisions()));
      results.put(KEY + "measuredMs", latency.judged(architecture));
      results.put(
          KEY + "testAccuracy",
          Evaluation.of(architecture, weights, data.test(), setup.device(), setup.threads())
              .score());
    }
  }

  /** Says so where a network within a budget may not be the best by the scores. */
  void tellGap(double gap, int budget, Progress progress) {
    if (gap > 0) {
      results.put(Contestant.found(budget), "gap", gap);
      progress.message(
          String.format(
              Locale.ROOT,
              "gap       budget %d: a network whose scores sum up to %.3g less may exist",
              budget,
              gap));
    }
  }

  /** What was found of it, or null where the run shrinks none. */
  SearchResult.@Nullable Found result() {
    return isGiven()
        ? new SearchResult.Found(
            setup.space().derive(decisions()),
            results.number(KEY + "predictedCost"),
            results.number(KEY + "measuredMs"),
            results.number(KEY + "testAccuracy"),
            0)
        : null;
  }
}
