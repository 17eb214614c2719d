package dev.sextant.nas.method;

import dev.sextant.nas.cost.Costs;
import dev.sextant.nas.objective.Objective;
import dev.sextant.nas.objective.ObjectiveProvider;
import dev.sextant.nas.objective.Objectives;
import dev.sextant.nas.policy.Policies;
import dev.sextant.nas.policy.PolicyProvider;
import dev.sextant.nas.prior.PriorProvider;
import dev.sextant.nas.prior.Priors;
import dev.sextant.nas.space.CellNetworkSpace;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.nas.space.Space;
import dev.sextant.nas.supernet.Supernet;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The methods built in: those of papers with the parts that these give them, and front. */
public enum PublishedMethod implements Method {
  /** ProxylessNAS, gradient form (Cai et al., 2019, section 3.3.1). */
  PROXYLESS_G(
      "ProxylessNAS by gradients",
      SupernetKind.MULTI_PATH,
      Policies.GATES,
      Costs.LATENCY,
      Objectives.ADD_LINEAR),
  /** ProxylessNAS, REINFORCE form (section 3.3.2). */
  PROXYLESS_R(
      "ProxylessNAS by REINFORCE",
      SupernetKind.MULTI_PATH,
      Policies.REINFORCE,
      Costs.LATENCY,
      Objectives.SOFT),
  /** TuNAS (Bender et al., 2020). */
  TUNAS("TuNAS", SupernetKind.COLLAPSED, Policies.CONTROLLER, Costs.LATENCY, Objectives.ABSOLUTE),
  /** Single-Path NAS (Stamoulis et al., 2019). */
  SINGLE_PATH(
      "Single-Path NAS",
      SupernetKind.SUPERKERNEL,
      Policies.THRESHOLDS,
      Costs.LATENCY,
      Objectives.ADD_LOG),
  /** Latency-Aware DARTS (Xu et al., 2020) on DARTS. */
  LA_DARTS(
      "Latency-Aware DARTS",
      SupernetKind.CELLS,
      Policies.DARTS,
      Costs.PREDICTED,
      Objectives.ADDITIVE),
  /** The same on PC-DARTS. */
  LA_PC_DARTS(
      "Latency-Aware DARTS on PC-DARTS",
      SupernetKind.PARTIAL_CELLS,
      Policies.DARTS,
      Costs.PREDICTED,
      Objectives.ADDITIVE),
  /**
   * Scores of networks in a supernet whose paths are all trained alike, and the best of their fit:
   * of no paper, but of what several found to hold (single paths: Guo et al., 2020; equal training:
   * Chu et al., 2019; scores before training: Mellor et al., 2020).
   */
  FRONT("scores in a fairly trained supernet, for any number of budgets"),
  /** Random search among networks within the budget. */
  RANDOM("random search within the budget", null),
  /** The best of random networks within the budget by a training-free score: what is free. */
  PRIOR("the best of random networks by a training-free score", Priors.MACS);

  private final String summary;
  private final Recipe recipe;
  private final String space;

  PublishedMethod(String summary, @Nullable PriorProvider prior) {
    this.summary = summary;
    recipe = new Recipe.Random(id(), Costs.LATENCY, prior);
    space = SupernetKind.MULTI_PATH.space();
  }

  PublishedMethod(String summary) {
    this.summary = summary;
    recipe = new Recipe.Scored<>(id(), SupernetKind.MULTI_PATH, Priors.JACOBIAN, Costs.LATENCY);
    space = SupernetKind.MULTI_PATH.space();
  }

  <S extends Supernet, O extends Objective> PublishedMethod(
      String summary,
      SupernetKind<S> supernet,
      PolicyProvider<? super S, ? super O> policy,
      Costs cost,
      ObjectiveProvider<O> objective) {
    this.summary = summary;
    recipe = new Recipe.InSupernet<>(id(), supernet, policy, cost, objective);
    space = supernet.space();
  }

  @Override
  public String id() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  @Override
  public String summary() {
    return summary;
  }

  @Override
  public Recipe recipe() {
    return recipe;
  }

  /**
   * {@inheritDoc} Random search of cells has no table, but a predictor; widths are scored with
   * shared weights.
   */
  @Override
  public Recipe recipe(SearchSpace searched) {
    if (recipe instanceof Recipe.Random && searched instanceof CellNetworkSpace) {
      return recipe.withCost(Costs.PREDICTED);
    }
    if (recipe instanceof Recipe.Scored<?> scored
        && searched instanceof Space chain
        && !chain.widthChoices().isEmpty()) {
      return new Recipe.Scored<>(
          scored.method(), SupernetKind.COLLAPSED, scored.prior(), scored.cost());
    }
    return recipe;
  }

  /** {@inheritDoc} A search by scores takes the budget for a ceiling. */
  @Override
  public SearchConfig config(Recipe asked, double budget) {
    SearchConfig config = SearchConfig.of(asked, budget);
    return this == FRONT
        ? config
            .withWeights(config.weights().withEpochs(0, Recipe.Scored.EPOCHS), config.descent())
            .withBudget(config.budget().withCeiling(true))
        : config;
  }

  @Override
  public String space() {
    return space;
  }

  /** As the command line has it: {@code proxyless-g}. */
  @Override
  public String toString() {
    return id();
  }
}
