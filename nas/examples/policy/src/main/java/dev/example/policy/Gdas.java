package dev.example.policy;

import dev.sextant.nas.cost.Costs;
import dev.sextant.nas.method.Method;
import dev.sextant.nas.method.Recipe;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.method.SupernetKind;
import dev.sextant.nas.objective.Objectives;

/** GDAS within a budget, which the published method does not have. */
public final class Gdas implements Method {
  @Override
  public String id() {
    return "gdas";
  }

  @Override
  public String summary() {
    return "GDAS within a budget";
  }

  @Override
  public Recipe recipe() {
    return new Recipe.InSupernet<>(
        id(), SupernetKind.MULTI_PATH, new GumbelSoftmax(), Costs.LATENCY, Objectives.ADD_LINEAR);
  }

  @Override
  public String space() {
    return SupernetKind.MULTI_PATH.space();
  }

  /** {@inheritDoc} An architecture step after each weight step (algorithm 1). */
  @Override
  public SearchConfig config(Recipe recipe, double budget) {
    SearchConfig config = SearchConfig.of(recipe, budget);
    return config.withArchitecture(config.architecture().withInterval(1));
  }
}
