package dev.sextant.nas.search;

import dev.sextant.nas.cost.CostUnit;
import dev.sextant.nas.objective.Loss;
import dev.sextant.nas.objective.Objective;
import dev.sextant.nas.objective.Reward;
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
    /** Inside the largest ({@link dev.sextant.nas.supernet.SuperkernelSupernet}). */
    SUPERKERNEL,
    /** None: sampled networks are trained one by one. */
    NONE;

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
    /** Thresholds of a superkernel's parts, trained with the weights. */
    THRESHOLDS,
    /** Every network within the budget is as likely as another. */
    UNIFORM;

    /** Whether it follows a gradient of the objective. */
    boolean followsGradients() {
      return opensPaths() || this == THRESHOLDS;
    }

    /** Whether it needs candidates with weights of their own. */
    private boolean opensPaths() {
      return this == GATES || this == GATES_REINFORCE;
    }

    /** Whether it learns in the weight steps, and makes none of its own. */
    boolean learnsWithWeights() {
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
    MEASURED;

    /** Whether it needs a latency table. */
    public boolean hasTable() {
      return this == LATENCY || this == MEASURED;
    }

    /** What it counts. */
    public CostUnit unit() {
      return switch (this) {
        case LATENCY, LINEAR, MEASURED -> CostUnit.MILLISECONDS;
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
    /** Q + beta |E / T - 1|. */
    ABSOLUTE,
    /** Q (E / T)^beta. */
    SOFT,
    /** Q min((E / T)^beta, 1). */
    HARD,
    /** Q alone: all networks are within the budget. */
    ACCURACY;

    /** Whether it has a gradient. */
    boolean isLoss() {
      return this == ADDITIVE || this == ADD_LINEAR || this == ADD_LOG || this == MUL_LOG;
    }

    /** The trade-off to start from where none is given. */
    public double defaultStrength() {
      return switch (this) {
        case ADDITIVE, ADD_LINEAR, ADD_LOG, MUL_LOG -> 0.2;
        case ABSOLUTE, SOFT, HARD -> -0.1;
        case ACCURACY -> 0;
      };
    }

    /** The objective for a budget, in the unit of the cost. */
    Objective of(double strength, double budget) {
      return switch (this) {
        case ADDITIVE -> new Loss.Additive(strength / budget);
        case ADD_LINEAR -> new Loss.AddLinear(strength, budget);
        case ADD_LOG -> new Loss.AddLog(strength);
        case MUL_LOG ->
            new Loss.MulLog(
                Loss.MulLog.PUBLISHED_ALPHA, strength, budget, Loss.MulLog.PUBLISHED_TARGET);
        case ABSOLUTE -> new Reward.Absolute(strength, budget);
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
    if (policy.followsGradients() && !objective.isLoss()) {
      throw new SextantException(
          ("policy %s with objective %s: gates follow gradients, and accuracy has none"
                  + " (--objective add-linear, or --policy reinforce)")
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

  /** A constant as the command line has it: {@code multi-path}. */
  static String word(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
