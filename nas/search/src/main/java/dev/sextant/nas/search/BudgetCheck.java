package dev.sextant.nas.search;

import dev.sextant.nas.cost.Cost;
import dev.sextant.nas.cost.CostModel;
import dev.sextant.nas.cost.CostProvider;
import dev.sextant.nas.cost.CostUnit;
import dev.sextant.nas.method.Budget;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.SearchSetup;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.nas.stage.Auxiliary;
import dev.sextant.tensor.SextantException;
import java.util.Arrays;
import java.util.Locale;

/** Whether a space has networks that a run may find, before anything is spent on it. */
public final class BudgetCheck {
  private BudgetCheck() {}

  /**
   * What the networks of a space cost.
   *
   * @param minimum of the cheapest
   * @param maximum of the dearest
   */
  public record Range(double minimum, double maximum) {}

  /**
   * {@return the range of the costs of a space's networks; of cells as far as a search by moves
   * finds it}
   *
   * @param model that prices networks of the space
   * @param space whose networks are priced
   * @throws SextantException if the model does not price them
   */
  public static Range costs(CostModel model, SearchSpace space) {
    Pricing pricing = Pricing.of(model, space);
    return new Range(pricing.minimum(), pricing.maximum());
  }

  /**
   * {@return what a run's networks cost, by what its directory holds}
   *
   * @param directory of the run
   * @param setup of the run
   * @throws SextantException if its prices are missing or damaged
   */
  public static Cost prices(RunDirectory directory, SearchSetup setup) {
    CostProvider costs = setup.config().recipe().cost();
    CostModel model = costs.read(directory.path(), setup.config().optionsOf(costs));
    return Pricing.of(model, setup.space())::of;
  }

  /**
   * Checks that some network of the space meets the budget and all limits.
   *
   * @param setup what the run is to do
   * @param model that prices networks of the space
   * @throws SextantException with the range of the space if none does
   */
  public static void check(SearchSetup setup, CostModel model) {
    Pricing cost = Pricing.of(model, setup.space());
    SearchConfig config = setup.config();
    config.budget().each().forEach(budget -> check(budget, cost, setup));
    Limits limits = Limits.of(setup);
    if (!limits.isEmpty()) {
      config.budget().each().forEach(budget -> NearestLimits.check(budget, cost, limits));
    }
    if (setup.space().detects() && config.retraining().teacher().weight() > 0) {
      throw new SextantException(
          "teacher-weight: a teacher's logits are of classes of images, "
              + setup.space().name()
              + " is for objects");
    }
    if (config.retraining().regularization().auxiliary() > 0) {
      Auxiliary.layer(setup.space().derive(cost.mostProbable(alike(setup.space().options()))));
    }
  }

  private static void check(Budget budget, Pricing cost, SearchSetup setup) {
    double minimum = cost.minimum();
    double maximum = cost.maximum();
    boolean tooLarge = budget.cost() > maximum * (1 + RunStages.TOLERANCE) && !budget.ceiling();
    if (budget.cost() < minimum || tooLarge) {
      CostUnit unit = cost.model().unit();
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "budget: no network of %s has %s; they have %s to %s%s",
              setup.space().name(),
              unit.format(budget.cost()),
              unit.format(minimum),
              unit.format(maximum),
              setup.config().recipe().cost().isMeasurable() ? " on this machine" : ""));
    }
  }

  private static double[][] alike(int[] options) {
    double[][] weights = new double[options.length][];
    for (int d = 0; d < options.length; d++) {
      weights[d] = new double[options[d]];
      Arrays.fill(weights[d], 1.0 / options[d]);
    }
    return weights;
  }
}
