package dev.sextant.nas.method;

import dev.sextant.nas.cost.CostUnit;
import dev.sextant.nas.objective.Loss;
import dev.sextant.nas.objective.Objective;
import dev.sextant.nas.objective.Reward;
import dev.sextant.nas.space.CellNetworkSpace;
import dev.sextant.nas.space.Factoring;
import dev.sextant.nas.space.NestedChoice;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.nas.space.Space;
import dev.sextant.nas.supernet.MultiPathSupernet;
import dev.sextant.tensor.SextantException;
import java.util.Locale;

/**
 * The four choices that a search is: each method is one combination, and every other that means
 * something works too.
 *
 * @param method whose combination it was before any of the four was given another
 */
public record Recipe(
    Method method,
    SupernetKind supernet,
    PolicyKind policy,
    CostKind cost,
    ObjectiveKind objective) {
  /** How candidates hold weights. */
  public enum SupernetKind {
    /** Each candidate its own ({@link dev.sextant.nas.supernet.MultiPathSupernet}). */
    MULTI_PATH,
    /** Shared by the candidates ({@link dev.sextant.nas.supernet.CollapsedSupernet}). */
    COLLAPSED,
    /** Mixtures of all ops on every edge of a cell ({@link dev.sextant.nas.cells.CellSupernet}). */
    CELLS,
    /** The same on a part of the channels, with weights of the edges (PC-DARTS). */
    PARTIAL_CELLS,
    /** Inside the largest ({@link dev.sextant.nas.supernet.SuperkernelSupernet}). */
    SUPERKERNEL,
    /** None: sampled networks are trained one by one. */
    NONE;

    /** Whether it holds cells rather than a chain of layers. */
    public boolean hasCells() {
      return this == CELLS || this == PARTIAL_CELLS;
    }

    @Override
    public String toString() {
      return word(this);
    }
  }

  /** Who picks, and how it learns. */
  public enum PolicyKind {
    /** Binary gates and their gradients. */
    GATES,
    /** REINFORCE as in ProxylessNAS: several networks a step, their mean reward as the baseline. */
    REINFORCE,
    /** The sum of both gradients. */
    GATES_REINFORCE,
    /** REINFORCE as in TuNAS: a slow baseline, warm-ups of operations and filters. */
    CONTROLLER,
    /** The gradient through mixtures of ops, of first or second order. */
    DARTS,
    /** Thresholds of a superkernel's parts, trained with the weights. */
    THRESHOLDS,
    /** Every network within the budget is as likely as another. */
    UNIFORM;

    /** Whether it follows a gradient of the objective. */
    public boolean followsGradients() {
      return opensPaths() || this == THRESHOLDS || this == DARTS;
    }

    /** Whether it follows rewards of networks that it draws, whatever these are. */
    private boolean drawsNetworks() {
      return this == REINFORCE || this == CONTROLLER;
    }

    /** Whether it is not for cells. */
    private boolean needsChain() {
      return !drawsNetworks() && this != DARTS;
    }

    /** Whether it needs candidates with weights of their own. */
    private boolean opensPaths() {
      return this == GATES || this == GATES_REINFORCE;
    }

    /** Whether it learns in the weight steps, and makes none of its own. */
    public boolean learnsWithWeights() {
      return this == THRESHOLDS;
    }

    @Override
    public String toString() {
      return word(this);
    }
  }

  /** What a network costs. */
  public enum CostKind {
    /** Latency by a table of layers. */
    LATENCY,
    /** Latency by a linear model of one space. */
    LINEAR,
    /** Multiply-adds. */
    MACS,
    /** Trained scalars. */
    PARAMETERS,
    /** Latency measured of each sampled network; expectations by a table of layers. */
    MEASURED,
    /** Latency by a predictor of cells (LPM), on sampled sub-networks. */
    PREDICTED;

    /** Whether it needs a latency table, or a predictor in its place. */
    public boolean hasTable() {
      return this == LATENCY || this == MEASURED || this == PREDICTED;
    }

    /** What it counts. */
    public CostUnit unit() {
      return switch (this) {
        case LATENCY, LINEAR, MEASURED, PREDICTED -> CostUnit.MILLISECONDS;
        case MACS -> CostUnit.MACS;
        case PARAMETERS -> CostUnit.PARAMETERS;
      };
    }

    @Override
    public String toString() {
      return word(this);
    }
  }

  /** How accuracy or loss and cost are one number. */
  public enum ObjectiveKind {
    /** CE + lambda2 E. */
    ADDITIVE,
    /** CE + lambda (E / T - 1). */
    ADD_LINEAR,
    /** CE + lambda ln E. */
    ADD_LOG,
    /** alpha CE (ln E / ln T)^beta. */
    MUL_LOG,
    /** Q + beta |E / T - 1|; with -CE in the place of Q for policies that follow gradients. */
    ABSOLUTE,
    /** Q (E / T)^beta. */
    SOFT,
    /** Q min((E / T)^beta, 1). */
    HARD,
    /** Q alone: all networks are within the budget. */
    ACCURACY;

    /** Whether it is a reward, whose trade-off stays as it is. */
    public boolean isReward() {
      return this == ABSOLUTE || this == SOFT || this == HARD || this == ACCURACY;
    }

    /** Whether it has a gradient, or one with cross-entropy in the place of accuracy. */
    public boolean hasGradient() {
      return !isReward() || this == ABSOLUTE;
    }

    /** The trade-off to start from where none is given. */
    public double defaultStrength() {
      return switch (this) {
        case ADDITIVE, ADD_LINEAR, ADD_LOG, MUL_LOG -> 0.2;
        case ABSOLUTE, SOFT, HARD -> -0.1;
        case ACCURACY -> 0;
      };
    }

    private Objective of(double strength, double budget, boolean differentiable) {
      return switch (this) {
        case ADDITIVE -> new Loss.Additive(strength / budget);
        case ADD_LINEAR -> new Loss.AddLinear(strength, budget);
        case ADD_LOG -> new Loss.AddLog(strength);
        case MUL_LOG ->
            new Loss.MulLog(
                Loss.MulLog.PUBLISHED_ALPHA, strength, budget, Loss.MulLog.PUBLISHED_TARGET);
        case ABSOLUTE ->
            differentiable
                ? new Loss.Absolute(strength, budget)
                : new Reward.Absolute(strength, budget);
        case SOFT -> new Reward.Soft(strength, budget);
        case HARD -> new Reward.Hard(strength, budget);
        case ACCURACY -> throw new IllegalStateException("accuracy alone is no objective");
      };
    }

    @Override
    public String toString() {
      return word(this);
    }
  }

  /** Refuses combinations that mean nothing, with the reason. */
  public Recipe {
    if (method == null || supernet == null || policy == null || cost == null || objective == null) {
      throw new SextantException(
          "method, supernet, policy, cost or objective is not one of those there are");
    }
    boolean alone = supernet == SupernetKind.NONE;
    if (alone != (policy == PolicyKind.UNIFORM) || alone != (objective == ObjectiveKind.ACCURACY)) {
      throw new SextantException(
          ("supernet %s with policy %s and objective %s: networks drawn uniformly are trained"
                  + " without a supernet and compared by accuracy alone (--method random)")
              .formatted(supernet, policy, objective));
    }
    if (supernet.hasCells() ? policy.needsChain() : policy == PolicyKind.DARTS) {
      throw new SextantException(
          ("supernet %s with policy %s: ops of cells learn by the gradient through their mixtures,"
                  + " and nothing else does, or by rewards (--method la-darts, or --supernet cells"
                  + " --policy reinforce)")
              .formatted(supernet, policy));
    }
    boolean counted = cost == CostKind.MACS || cost == CostKind.PARAMETERS;
    if (supernet.hasCells()
        && cost != CostKind.PREDICTED
        && !(policy.drawsNetworks() ? counted : cost == CostKind.MACS)) {
      throw new SextantException(
          ("policy %s with cost %s: networks of cells have a latency by a predictor, or"
                  + " multiply-adds (--cost predicted or macs)")
              .formatted(policy, cost));
    }
    if (cost == CostKind.PREDICTED && !alone && !supernet.hasCells()) {
      throw new SextantException(
          ("policy %s with cost predicted: the predictor is one of cells; a chain of layers has a"
                  + " table (--cost latency)")
              .formatted(policy));
    }
    if ((policy == PolicyKind.THRESHOLDS) != (supernet == SupernetKind.SUPERKERNEL)) {
      throw new SextantException(
          ("policy %s with supernet %s: thresholds are of the parts of superkernels, and nothing"
                  + " else opens these (--method single-path, or --supernet collapsed)")
              .formatted(policy, supernet));
    }
    if (policy.opensPaths() && supernet != SupernetKind.MULTI_PATH) {
      throw new SextantException(
          ("policy %s with supernet %s: a gate opens a candidate with weights of its own"
                  + " (--supernet multi-path)")
              .formatted(policy, supernet));
    }
    if (policy.followsGradients() && !objective.hasGradient()) {
      throw new SextantException(
          ("policy %s with objective %s: it follows gradients, and accuracy has none (--objective"
                  + " add-linear or absolute, or --policy reinforce)")
              .formatted(policy, objective));
    }
    if (policy == PolicyKind.THRESHOLDS && (cost == CostKind.MEASURED || cost == CostKind.LINEAR)) {
      throw new SextantException(
          ("policy thresholds with cost %s: a superkernel's cost is found from the ratios of its"
                  + " candidates' costs, of which this tells none (--cost latency)")
              .formatted(cost));
    }
    if (policy == PolicyKind.GATES && cost == CostKind.MEASURED) {
      throw new SextantException(
          ("policy gates with cost measured: gates follow the gradient of an expected cost, which"
              + " a measurement does not have (--cost latency, or --policy reinforce)"));
    }
    if (policy == PolicyKind.UNIFORM && cost == CostKind.MEASURED) {
      throw new SextantException(
          "policy uniform with cost measured: networks are drawn by a predicted cost and measured"
              + " anyway (--cost latency)");
    }
  }

  /** The objective for a budget, in the unit of the cost. */
  public Objective objective(double strength, double budget) {
    return objective.of(strength, budget, policy.followsGradients());
  }

  /**
   * Checks that a space is what the parts are for.
   *
   * @throws SextantException if it is not, with what to give instead
   */
  public void checkSpace(SearchSpace space) {
    switch (space) {
      case Space chain -> {
        if (supernet.hasCells() || cost == CostKind.PREDICTED) {
          throw new SextantException(
              "supernet %s and cost %s with space %s: it is a chain of layers (--space darts-small)"
                  .formatted(supernet, cost, chain.name()));
        }
        checkChain(chain);
      }
      case CellNetworkSpace cells -> checkCells(cells);
    }
  }

  /** What a supernet cannot hold is known before anything is measured. */
  private void checkChain(Space chain) {
    switch (supernet) {
      case MULTI_PATH -> MultiPathSupernet.check(chain);
      case COLLAPSED -> Factoring.grid(chain);
      case SUPERKERNEL -> NestedChoice.of(chain);
      case CELLS, PARTIAL_CELLS, NONE -> {}
    }
  }

  private void checkCells(CellNetworkSpace space) {
    boolean partial = space.cells().partial() > 1 || space.cells().edgeNormalized();
    SupernetKind fitting = partial ? SupernetKind.PARTIAL_CELLS : SupernetKind.CELLS;
    if (supernet != SupernetKind.NONE && supernet != fitting) {
      throw new SextantException(
          "supernet %s with space %s: its cells have %s (--supernet %s)"
              .formatted(
                  supernet,
                  space.name(),
                  partial ? "partial channels or edge weights" : "all channels",
                  fitting));
    }
    if (cost == CostKind.LATENCY || cost == CostKind.MEASURED || cost == CostKind.LINEAR) {
      throw new SextantException(
          ("cost %s with space %s: the latency of a network of cells is no sum over layers (--cost"
                  + " predicted)")
              .formatted(cost, space.name()));
    }
  }

  /** A constant as the command line has it: {@code multi-path}. */
  public static String word(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
