package dev.sextant.nas.provider;

import dev.sextant.nas.method.Method;
import dev.sextant.nas.method.Recipe;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.method.SupernetKind;
import java.util.Map;

/** A combination of parts from outside, with numbers of its own. */
public final class GumbelMethod implements Method {
  @Override
  public String id() {
    return "test-gdas";
  }

  @Override
  public String summary() {
    return "Gumbel softmax within a budget of energy";
  }

  @Override
  public Recipe recipe() {
    return new Recipe.InSupernet<>(
        id(),
        SupernetKind.MULTI_PATH,
        new GumbelPolicy(),
        new EnergyCost(),
        new SquaredObjective());
  }

  @Override
  public String space() {
    return SupernetKind.MULTI_PATH.space();
  }

  @Override
  public SearchConfig config(Recipe recipe, double budget) {
    SearchConfig config = SearchConfig.of(recipe, budget);
    return config
        .withArchitecture(config.architecture().withRate(0.07))
        .withOptions(Map.of("test-gumbel.first-temperature", "5"));
  }
}
