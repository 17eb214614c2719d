package dev.sextant.nas.run;

import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.data.Split;
import dev.sextant.nas.method.Recipe;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.method.Shrinking;
import dev.sextant.nas.policy.LearningTurn;
import dev.sextant.nas.provider.Progress;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntUnaryOperator;

/**
 * How much work the stages of a run are beside one another, in forward passes of one image through
 * one network: enough to say how long the later ones take while an earlier one goes on.
 *
 * @param config of the run
 * @param searched what the search trains on
 * @param sampled what networks of random search are trained on
 * @param data what the networks found are trained on
 * @param samples networks of random search
 * @param sampleEpochs epochs of each, by its number from 1
 */
public record RunCourse(
    SearchConfig config,
    Split searched,
    Split sampled,
    ImageDataset data,
    int samples,
    IntUnaryOperator sampleEpochs) {
  /** A pass back takes about as long as two forward. */
  private static final double TRAINING = 3;

  /** The mixtures of an edge beside the two edges of a node that a network keeps. */
  private static final double MIXTURE = 8;

  /** Batches that one network is scored by. */
  private static final double SCORED = 4;

  /** {@return all stages in order} */
  public List<Progress.Stage> stages() {
    List<Progress.Stage> stages = new ArrayList<>();
    double training = TRAINING * data.train().count() * config.retraining().epochs();
    boolean random = config.recipe() instanceof Recipe.Random;
    if (!random) {
      add(stages, StageName.SEARCH, search());
      add(stages, StageName.RETRAIN, training);
      for (int i = 2; i <= config.budget().each().size(); i++) {
        add(stages, new StageName.Training(new Contestant.OnFront(i)), training);
      }
    }
    for (int i = 1; i <= samples; i++) {
      add(
          stages,
          StageName.sample(i),
          TRAINING * sampled.train().length * sampleEpochs.applyAsInt(i));
    }
    if (samples > 0) {
      add(stages, random ? StageName.RETRAIN : StageName.RANDOM_RETRAIN, training);
    }
    return stages;
  }

  private static void add(List<Progress.Stage> stages, StageName name, double work) {
    stages.add(new Progress.Stage(name.text(), work));
  }

  private double search() {
    int epochs = config.weights().epochs();
    int images = searched.train().length;
    double weights = TRAINING * images * (config.weights().warmupEpochs() + epochs);
    return switch (config.recipe()) {
      case Recipe.Random _ -> 0;
      // Every alternative of a layer is fitted and scored, beside the network that is given.
      case Shrinking _ -> 2 * weights;
      case Recipe.Scored<?> _ ->
          weights + 2 * SCORED * config.batches().size() * config.architecture().samples();
      case Recipe.InSupernet<?, ?> recipe -> {
        if (recipe.policy().turn() == LearningTurn.BEFORE_WEIGHTS) {
          yield MIXTURE * (weights + TRAINING * images * epochs);
        }
        double steps = (double) epochs / config.architecture().interval();
        yield weights + TRAINING * config.architecture().samples() * images * steps;
      }
    };
  }
}
