package dev.sextant.nas.policy;

import dev.sextant.nas.cells.CellSupernet;
import dev.sextant.nas.cost.CostDetail;
import dev.sextant.nas.objective.Loss;
import dev.sextant.nas.objective.Objective;
import dev.sextant.nas.provider.Providers;
import dev.sextant.nas.supernet.MultiPathSupernet;
import dev.sextant.nas.supernet.SampledSupernet;
import dev.sextant.nas.supernet.SuperkernelSupernet;
import dev.sextant.nas.supernet.Supernet;
import java.util.List;
import java.util.function.Function;

/** The policies there are. */
public final class Policies {
  private record BuiltIn<S extends Supernet, O extends Objective>(
      String id,
      String summary,
      Class<S> supernet,
      Class<O> objective,
      CostDetail cost,
      LearningTurn turn,
      ArchitectureSteps steps,
      boolean hasOneCosine,
      Function<PolicyRequest<S, O>, Policy> form)
      implements PolicyProvider<S, O> {
    @Override
    public Policy policy(PolicyRequest<S, O> request) {
      return form.apply(request);
    }
  }

  /** Binary gates and their gradients. */
  public static final PolicyProvider<MultiPathSupernet, Loss> GATES =
      new BuiltIn<>(
          "gates",
          "binary gates, by their gradients (ProxylessNAS)",
          MultiPathSupernet.class,
          Loss.class,
          CostDetail.EXPECTED,
          LearningTurn.AFTER_WEIGHTS,
          ArchitectureSteps.DEFAULT,
          false,
          BinaryGates::new);

  /** REINFORCE as in ProxylessNAS: several networks a step, their mean reward as the baseline. */
  public static final PolicyProvider<SampledSupernet, Objective> REINFORCE =
      new BuiltIn<>(
          "reinforce",
          "REINFORCE, with the mean reward of a step as the baseline (ProxylessNAS)",
          SampledSupernet.class,
          Objective.class,
          CostDetail.SAMPLED,
          LearningTurn.AFTER_WEIGHTS,
          ArchitectureSteps.DEFAULT,
          false,
          request -> new Reinforce(request, Reinforce.Config.proxyless(request.steps().samples())));

  /** The sum of both gradients. */
  public static final PolicyProvider<MultiPathSupernet, Loss> GATES_REINFORCE =
      new BuiltIn<>(
          "gates-reinforce",
          "both gradients at once",
          MultiPathSupernet.class,
          Loss.class,
          CostDetail.SAMPLED,
          LearningTurn.AFTER_WEIGHTS,
          ArchitectureSteps.DEFAULT,
          false,
          GatesAndRewards::new);

  /** REINFORCE as in TuNAS: a slow baseline, warm-ups of operations and filters. */
  public static final PolicyProvider<SampledSupernet, Objective> CONTROLLER =
      new BuiltIn<>(
          "controller",
          "REINFORCE with a slow baseline, and warm-ups of operations and filters (TuNAS)",
          SampledSupernet.class,
          Objective.class,
          CostDetail.SAMPLED,
          LearningTurn.AFTER_WEIGHTS_IN_WARMUP_TOO,
          ArchitectureSteps.DEFAULT.withGrowth(ArchitectureSteps.CONTROLLER_GROWTH),
          true,
          request -> new Reinforce(request, Reinforce.Config.tunas(request.steps().samples())));

  /** The gradient through mixtures of ops, of first or second order. */
  public static final PolicyProvider<CellSupernet, Loss> DARTS =
      new BuiltIn<>(
          "darts",
          "the gradient through mixtures of ops on the edges of cells (DARTS)",
          CellSupernet.class,
          Loss.class,
          CostDetail.EXPECTED,
          LearningTurn.BEFORE_WEIGHTS,
          ArchitectureSteps.DEFAULT.withSamples(ArchitectureSteps.CELL_SAMPLES),
          false,
          Mixtures::new);

  /** Thresholds of a superkernel's parts, trained with the weights. */
  public static final PolicyProvider<SuperkernelSupernet, Loss> THRESHOLDS =
      new BuiltIn<>(
          "thresholds",
          "thresholds of a superkernel's parts, trained with the weights (Single-Path NAS)",
          SuperkernelSupernet.class,
          Loss.class,
          CostDetail.LAYERS,
          LearningTurn.WITH_WEIGHTS,
          ArchitectureSteps.DEFAULT.withRate(ArchitectureSteps.THRESHOLD_RATE),
          false,
          Thresholds::new);

  /** Those built in. */
  public static final List<PolicyProvider<?, ?>> BUILT_IN =
      List.of(GATES, REINFORCE, GATES_REINFORCE, CONTROLLER, DARTS, THRESHOLDS);

  /** All of them. */
  @SuppressWarnings({"unchecked", "rawtypes"}) // a class has no wildcards
  public static final Providers<PolicyProvider<?, ?>> ALL =
      new Providers<>("policy", (Class) PolicyProvider.class, BUILT_IN);

  private Policies() {}
}
