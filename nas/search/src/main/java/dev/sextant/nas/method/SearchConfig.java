package dev.sextant.nas.method;

import dev.sextant.nas.policy.ArchitectureSteps;
import dev.sextant.nas.policy.Policies;
import dev.sextant.nas.provider.Bounds;
import dev.sextant.nas.provider.Options;
import dev.sextant.nas.provider.Provider;
import dev.sextant.nas.supernet.GateMode;
import dev.sextant.tensor.SextantException;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;

/**
 * The settings of a search: what {@code run.json} keeps, besides data, space and latency table, to
 * repeat it.
 *
 * <pre>{@code
 * SearchConfig config =
 *     PublishedMethod.TUNAS.config(2.0)   // its own numbers, within 2 ms
 *         .withSeed(1)
 *         .withRetraining(Retraining.DEFAULT.withEpochs(100));
 * }</pre>
 *
 * @param seed of every random number but the validation split's
 * @param recipe what the search is made of
 * @param images which of the training images the search sees
 * @param batches how they come, in search and training
 * @param weights the weight steps of the search
 * @param descent how weights follow their gradients, in search and training
 * @param architecture the architecture steps
 * @param budget what networks may cost
 * @param retraining of the network found
 * @param randomSamples networks that random search trains, which is the baseline (0 for none) or
 *     the search
 * @param options values of providers' own options, by {@code PROVIDER.NAME}
 */
public record SearchConfig(
    long seed,
    Recipe recipe,
    SearchImages images,
    BatchConfig batches,
    WeightSteps weights,
    DescentConfig descent,
    ArchitectureSteps architecture,
    Budget budget,
    Retraining retraining,
    int randomSamples,
    SequencedMap<String, String> options) {
  /** Share of the images held out where networks look for objects. */
  public static final double DETECTION_FRACTION = 0.1;

  /** Images of a step where networks look for objects. */
  public static final int DETECTION_BATCH = 16;

  /** Rate of alphas that follow rewards, where networks look for objects. */
  public static final double DETECTION_RATE = 5e-3;

  /** Networks of random search where no number is given. */
  public static final int RANDOM_SAMPLES = 3;

  /**
   * {@return the numbers that suit small images and minutes, and those that the parts of a recipe
   * bring}
   *
   * @param recipe the parts of the search
   * @param budget in the unit of the recipe's cost
   */
  public static SearchConfig of(Recipe recipe, double budget) {
    boolean cells = recipe.hasCells();
    return new SearchConfig(
        0,
        recipe,
        SearchImages.DEFAULT,
        BatchConfig.DEFAULT,
        WeightSteps.DEFAULT.withOneCosine(recipe.hasOneCosine()),
        DescentConfig.DEFAULT.withClip(cells ? DescentConfig.CELL_CLIP : 0),
        recipe.steps(),
        new Budget(budget, false, recipe.lambda(), false, 0),
        Retraining.DEFAULT,
        RANDOM_SAMPLES,
        new LinkedHashMap<>());
  }

  /**
   * {@return the same for networks that look for objects, by TuNAS's numbers (Bender et al., 2020,
   * appendix E.3)} A tenth of the images is held out, and rewards move alphas at {@value
   * #DETECTION_RATE} at first. Batches have {@value #DETECTION_BATCH} images: they hold objects
   * enough, and minutes hold more steps then.
   */
  public SearchConfig forDetection() {
    boolean rewarded =
        recipe instanceof Recipe.InSupernet<?, ?> searched
            && (searched.policy() == Policies.CONTROLLER
                || searched.policy() == Policies.REINFORCE);
    SearchConfig held =
        withImages(
            new SearchImages(images.share(), DETECTION_FRACTION, images.size()),
            new BatchConfig(DETECTION_BATCH, batches.augmentation(), batches.labelSmoothing()));
    return rewarded ? held.withArchitecture(architecture.withRate(DETECTION_RATE)) : held;
  }

  /** Checks what the parts do not check of each other. */
  public SearchConfig {
    present("recipe", recipe);
    present("images, batches, weights or descent", images, batches, weights, descent);
    present("architecture, budget or retraining", architecture, budget, retraining);
    Bounds.atLeast("random-samples", randomSamples, 0);
    options =
        options == null
            ? new LinkedHashMap<>()
            : Collections.unmodifiableSequencedMap(new LinkedHashMap<>(options));
    Options.check(options, recipe.providers());
    if (architecture.delayEpochs() >= weights.epochs()) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "quiet-epochs: %d leaves no architecture step in %d epochs",
              architecture.delayEpochs(),
              weights.epochs()));
    }
    boolean several = !budget.others().isEmpty();
    boolean scores = recipe instanceof Recipe.Scored<?>;
    boolean shrinks = recipe instanceof Shrinking;
    if (several && !scores && !shrinks || budget.front() > 0 && !scores) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: a search by %s is for one budget (--method front serves all)",
              several ? "budget" : "front",
              recipe.method()));
    }
    if (budget.finalists() > 1
        && (recipe.hasCells() || !(recipe instanceof Recipe.InSupernet<?, ?>))) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "finalists: %d, but a search by %s has no single networks in a supernet to take the"
                  + " most probable of",
              budget.finalists(),
              recipe.method()));
    }
    switch (recipe) {
      case Recipe.Random random -> {
        if (randomSamples < 1 && random.prior() == null) {
          throw new SextantException("random-samples: 0 leaves nothing to search among");
        }
      }
      case Recipe.Scored<?> _ -> {}
      case Shrinking _ -> {
        boolean limited = !budget.limits().isEmpty();
        if (!budget.ceiling() || limited || !retraining.inheritWeights() || randomSamples > 0) {
          throw new SextantException(
              "shrink: a budget is the most that a network may cost and its one limit, its training"
                  + " goes on from the weights it has, and there is no random search beside it");
        }
      }
      case Recipe.InSupernet<?, ?> searched -> check(searched, architecture, weights, retraining);
    }
  }

  private static void check(
      Recipe.InSupernet<?, ?> recipe,
      ArchitectureSteps architecture,
      WeightSteps weights,
      Retraining retraining) {
    if (recipe.policy() == Policies.GATES_REINFORCE && architecture.gates() == GateMode.TWO_PATH) {
      throw new SextantException(
          "gates two-path with policy gates-reinforce: two-path steps move two alphas alone, and"
              + " rewards move all (--gates recompute)");
    }
    if (recipe.hasCells() && weights.optimizer() != WeightSteps.Optimizer.SGD) {
      throw new SextantException(
          String.format(
                  Locale.ROOT,
                  "optimizer %s with cells: their weights are trained by SGD, which second-order"
                      + " steps look",
                  weights.optimizer())
              + " ahead");
    }
    if (recipe.hasCells() && (retraining.epochs() == 0 || retraining.keepsWhatWasLearnt())) {
      throw new SextantException(
          "retrain-epochs: a supernet of cells has no weights to keep, its norms no scales; the"
              + " network found is trained from the beginning (--from-scratch, without"
              + " --teacher-weight)");
    }
  }

  /** Refuses a part that a file lacks. */
  static void present(String names, Object... parts) {
    for (Object part : parts) {
      if (Objects.isNull(part)) {
        throw new SextantException(names + " is missing");
      }
    }
  }

  /**
   * {@return how a single network is trained for that long, from that seed}
   *
   * @param epochs passes over the training images
   * @param trainingSeed of first weights, order of images and augmentation
   */
  public TrainingConfig training(int epochs, long trainingSeed) {
    return new TrainingConfig(
        trainingSeed, epochs, retraining.rate(), batches, descent, retraining.regularization());
  }

  /**
   * {@return the values of a provider's own options}
   *
   * @param provider one of the recipe's
   */
  public Options optionsOf(Provider provider) {
    return Options.of(provider, options);
  }

  /**
   * {@return the same search by another seed}
   *
   * @param other the seed
   */
  public SearchConfig withSeed(long other) {
    return new SearchConfig(
        other,
        recipe,
        images,
        batches,
        weights,
        descent,
        architecture,
        budget,
        retraining,
        randomSamples,
        options);
  }

  /**
   * {@return the same with other images}
   *
   * @param other which images
   * @param otherBatches how they are put into batches
   */
  public SearchConfig withImages(SearchImages other, BatchConfig otherBatches) {
    return new SearchConfig(
        seed,
        recipe,
        other,
        otherBatches,
        weights,
        descent,
        architecture,
        budget,
        retraining,
        randomSamples,
        options);
  }

  /**
   * {@return the same with other weight steps}
   *
   * @param other the steps of the weights
   * @param otherDescent momentum, decay and clipping of these
   */
  public SearchConfig withWeights(WeightSteps other, DescentConfig otherDescent) {
    return new SearchConfig(
        seed,
        recipe,
        images,
        batches,
        other,
        otherDescent,
        architecture,
        budget,
        retraining,
        randomSamples,
        options);
  }

  /**
   * {@return the same with other architecture steps}
   *
   * @param other the architecture steps
   */
  public SearchConfig withArchitecture(ArchitectureSteps other) {
    return new SearchConfig(
        seed,
        recipe,
        images,
        batches,
        weights,
        descent,
        other,
        budget,
        retraining,
        randomSamples,
        options);
  }

  /**
   * {@return the same within another budget}
   *
   * @param other the budget
   */
  public SearchConfig withBudget(Budget other) {
    return new SearchConfig(
        seed,
        recipe,
        images,
        batches,
        weights,
        descent,
        architecture,
        other,
        retraining,
        randomSamples,
        options);
  }

  /**
   * {@return the same with the network found trained otherwise}
   *
   * @param other how the network found is trained
   */
  public SearchConfig withRetraining(Retraining other) {
    return new SearchConfig(
        seed,
        recipe,
        images,
        batches,
        weights,
        descent,
        architecture,
        budget,
        other,
        randomSamples,
        options);
  }

  /**
   * {@return the same beside so many networks of random search}
   *
   * @param other networks that random search trains, at least 0
   */
  public SearchConfig withRandomSamples(int other) {
    return new SearchConfig(
        seed,
        recipe,
        images,
        batches,
        weights,
        descent,
        architecture,
        budget,
        retraining,
        other,
        options);
  }

  /**
   * {@return the same with other values of providers' options}
   *
   * @param other by {@code PROVIDER.NAME}
   */
  public SearchConfig withOptions(Map<String, String> other) {
    return new SearchConfig(
        seed,
        recipe,
        images,
        batches,
        weights,
        descent,
        architecture,
        budget,
        retraining,
        randomSamples,
        new LinkedHashMap<>(other));
  }

  /**
   * {@return the same for another time}
   *
   * @param length epochs of each part of a run
   */
  public SearchConfig withLength(RunLength length) {
    return withWeights(weights.withEpochs(length.warmupEpochs(), length.epochs()), descent)
        .withRetraining(retraining.withEpochs(length.retrainEpochs()))
        .withRandomSamples(length.randomSamples());
  }

  /**
   * {@return the same steps, to be timed: architecture steps from the first joint epoch on, at a
   * rate of 0, so that a few of them need move nothing}
   *
   * @param length epochs of each part of a run
   */
  public SearchConfig timed(RunLength length) {
    return withArchitecture(architecture.withDelayEpochs(0).withRate(0)).withLength(length);
  }

  /** {@return the networks that random search trains: no more than the search has epochs} */
  public int drawnNetworks() {
    return Math.min(randomSamples, weights.warmupEpochs() + weights.epochs());
  }

  /**
   * {@return the epochs of a network of random search: those of the search shared out, so that both
   * see as many images}
   *
   * @param sample of the {@link #drawnNetworks}, from 1
   */
  public int drawnEpochs(int sample) {
    int total = weights.warmupEpochs() + weights.epochs();
    int samples = drawnNetworks();
    return total / samples + (sample <= total % samples ? 1 : 0);
  }
}
