package dev.sextant.nas.method;

import dev.sextant.nas.method.Recipe.CostKind;
import dev.sextant.nas.method.Recipe.ObjectiveKind;
import dev.sextant.nas.method.Recipe.PolicyKind;
import dev.sextant.nas.method.Recipe.SupernetKind;
import dev.sextant.nas.space.CellNetworkSpace;
import dev.sextant.nas.space.SearchSpace;

/** A published method: a preset of supernet, policy, cost and objective. */
public enum Method {
  /** ProxylessNAS, gradient form (Cai et al., 2019, section 3.3.1). */
  PROXYLESS_G(
      SupernetKind.MULTI_PATH, PolicyKind.GATES, CostKind.LATENCY, ObjectiveKind.ADD_LINEAR),
  /** ProxylessNAS, REINFORCE form (section 3.3.2). */
  PROXYLESS_R(SupernetKind.MULTI_PATH, PolicyKind.REINFORCE, CostKind.LATENCY, ObjectiveKind.SOFT),
  /** TuNAS (Bender et al., 2020). */
  TUNAS(SupernetKind.COLLAPSED, PolicyKind.CONTROLLER, CostKind.LATENCY, ObjectiveKind.ABSOLUTE),
  /** Single-Path NAS (Stamoulis et al., 2019). */
  SINGLE_PATH(
      SupernetKind.SUPERKERNEL, PolicyKind.THRESHOLDS, CostKind.LATENCY, ObjectiveKind.ADD_LOG),
  /** Latency-Aware DARTS (Xu et al., 2020) on DARTS. */
  LA_DARTS(SupernetKind.CELLS, PolicyKind.DARTS, CostKind.PREDICTED, ObjectiveKind.ADDITIVE),
  /** The same on PC-DARTS. */
  LA_PC_DARTS(
      SupernetKind.PARTIAL_CELLS, PolicyKind.DARTS, CostKind.PREDICTED, ObjectiveKind.ADDITIVE),
  /** Random search among networks within the budget. */
  RANDOM(SupernetKind.NONE, PolicyKind.UNIFORM, CostKind.LATENCY, ObjectiveKind.ACCURACY);

  private final SupernetKind supernet;
  private final PolicyKind policy;
  private final CostKind cost;
  private final ObjectiveKind objective;

  Method(SupernetKind supernet, PolicyKind policy, CostKind cost, ObjectiveKind objective) {
    this.supernet = supernet;
    this.policy = policy;
    this.cost = cost;
    this.objective = objective;
  }

  /** Its supernet, policy, cost and objective. */
  public Recipe recipe() {
    return new Recipe(this, supernet, policy, cost, objective);
  }

  /** The same for a space: random search of cells has no table, but a predictor. */
  public Recipe recipe(SearchSpace space) {
    boolean ofCells = this == RANDOM && space instanceof CellNetworkSpace;
    return new Recipe(this, supernet, policy, ofCells ? CostKind.PREDICTED : cost, objective);
  }

  /** As the command line has it: {@code proxyless-g}. */
  @Override
  public String toString() {
    return Recipe.word(this);
  }
}
