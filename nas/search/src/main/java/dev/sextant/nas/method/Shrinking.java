package dev.sextant.nas.method;

import dev.sextant.nas.cost.CostProvider;
import dev.sextant.nas.policy.ArchitectureSteps;
import dev.sextant.nas.provider.Provider;
import dev.sextant.tensor.SextantException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;

/**
 * The shrinking of a trained network: what can stand in the place of each of its layers is fitted
 * to the layer's output and scored by what becomes of the network's, and the best of all networks
 * within each budget is put together and trained on, with the given network as its teacher.
 *
 * @param cost what networks cost
 * @param teacher the SHA-256 of the weights' file of the network
 */
public record Shrinking(CostProvider cost, String teacher) implements Recipe {
  /** What reports call it. */
  public static final String METHOD = "shrink";

  /** Epochs of fitting. */
  public static final int EPOCHS = 2;

  /** Adam's rate, in fitting. */
  public static final double RATE = 2e-3;

  /** The rate of training the network found, which has learnt most already. */
  public static final double RETRAIN_RATE = 0.03;

  /** Of the teacher's logits, in training the network found; labels have the rest. */
  public static final TeacherConfig LEARNING = new TeacherConfig(0.8, 2);

  /** Checks that chains have a cost before they are measured. */
  public Shrinking {
    if (cost.measuresSamples() || cost.ofChains() == null) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s with cost %s: it asks what many networks cost (--cost latency)",
              METHOD,
              cost.id()));
    }
  }

  @Override
  public String method() {
    return METHOD;
  }

  /** {@inheritDoc} What the network was trained on. */
  @Override
  public int searchSize(int side) {
    return 0;
  }

  @Override
  public List<Provider> providers() {
    return List.of(cost);
  }

  /**
   * {@return the numbers that suit small images and minutes}
   *
   * @param budget the most that a network may cost, in the unit of the cost
   */
  public SearchConfig config(double budget) {
    return new SearchConfig(
        0,
        this,
        SearchImages.DEFAULT,
        BatchConfig.DEFAULT,
        WeightSteps.DEFAULT.withEpochs(0, EPOCHS).withRates(0, RATE, 0),
        DescentConfig.DEFAULT,
        ArchitectureSteps.DEFAULT,
        new Budget(budget, true, 0, false, 0),
        new Retraining(Retraining.EPOCHS, RETRAIN_RATE, true, Regularization.NONE, LEARNING),
        0,
        new LinkedHashMap<>());
  }

  @Override
  public Recipe withCost(CostProvider other) {
    return new Shrinking(other, teacher);
  }
}
