package dev.sextant.nas.search;

import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.optim.Optimizer;
import dev.sextant.autograd.optim.RmsProp;
import dev.sextant.autograd.optim.Sgd;
import dev.sextant.nas.cost.Cost;
import dev.sextant.nas.cost.ExpectedCost;
import dev.sextant.nas.objective.Loss;
import dev.sextant.nas.objective.Objective;
import dev.sextant.nas.objective.StrengthController;
import dev.sextant.nas.policy.BinaryGates;
import dev.sextant.nas.policy.GatesAndRewards;
import dev.sextant.nas.policy.Policy;
import dev.sextant.nas.policy.Reinforce;
import dev.sextant.nas.policy.Thresholds;
import dev.sextant.nas.space.Space;
import dev.sextant.nas.supernet.CollapsedSupernet;
import dev.sextant.nas.supernet.MultiPathSupernet;
import dev.sextant.nas.supernet.SuperkernelSupernet;
import dev.sextant.nas.supernet.Supernet;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Rng;
import org.jspecify.annotations.Nullable;

/**
 * Puts together what the settings of a search name.
 *
 * @param expectation of a network's cost
 * @param cost of a sampled network
 */
record Assembly(SearchConfig config, Backend backend, ExpectedCost expectation, Cost cost) {
  /** TuNAS, Appendix E.1 (the released code has 1.0). */
  private static final float RMSPROP_EPSILON = 0.1f;

  /** The released code of Single-Path NAS. */
  private static final float SUPERKERNEL_RMSPROP_EPSILON = 1e-3f;

  private static final float RMSPROP_RHO = 0.9f;

  Supernet supernet(Space space) {
    Initializer init = new Initializer(backend, Rng.of(config.seed(), 11));
    return switch (config.recipe().supernet()) {
      case MULTI_PATH -> new MultiPathSupernet(space, init);
      case COLLAPSED -> new CollapsedSupernet(space, init);
      case SUPERKERNEL -> new SuperkernelSupernet(space, init);
      case CELLS, PARTIAL_CELLS, NONE ->
          throw new IllegalStateException("there is no supernet of a chain");
    };
  }

  Policy policy(Supernet supernet, Rng rng) {
    Objective objective = config.recipe().objective().of(config.strength(), config.budget());
    return switch (config.recipe().policy()) {
      case GATES -> gates(supernet, objective, rng);
      case GATES_REINFORCE ->
          new GatesAndRewards(
              gates(supernet, objective, rng),
              (MultiPathSupernet) supernet,
              cost,
              expectation,
              config.samples(),
              rng);
      case REINFORCE ->
          reinforce(supernet, objective, Reinforce.Config.proxyless(config.samples()), rng);
      case CONTROLLER ->
          reinforce(supernet, objective, Reinforce.Config.tunas(config.samples()), rng);
      case DARTS -> throw new IllegalStateException("mixtures are searched by their own stage");
      case THRESHOLDS ->
          new Thresholds(
              backend,
              (SuperkernelSupernet) supernet,
              expectation,
              (Loss) objective,
              controller(),
              rng);
      case UNIFORM -> throw new IllegalStateException("uniform networks are trained alone");
    };
  }

  private BinaryGates gates(Supernet supernet, Objective objective, Rng rng) {
    return new BinaryGates(
        backend,
        (MultiPathSupernet) supernet,
        config.gates(),
        expectation,
        (Loss) objective,
        controller(),
        rng);
  }

  private @Nullable StrengthController controller() {
    return config.fixedStrength() ? null : new StrengthController(config.budget());
  }

  private Reinforce reinforce(
      Supernet supernet, Objective objective, Reinforce.Config published, Rng rng) {
    return new Reinforce(backend, supernet, cost, expectation, objective, published, rng);
  }

  Optimizer optimizer(Supernet supernet) {
    float momentum = (float) config.momentum();
    float decay = (float) config.weightDecay();
    return switch (config.optimizer()) {
      case SGD ->
          new Sgd(backend, supernet.parameters(), new Sgd.Config(momentum, true, decay, false));
      case RMSPROP ->
          new RmsProp(
              backend,
              supernet.parameters(),
              new RmsProp.Config(RMSPROP_RHO, momentum, rmsPropEpsilon(), decay, true));
    };
  }

  private float rmsPropEpsilon() {
    return config.recipe().supernet() == Recipe.SupernetKind.SUPERKERNEL
        ? SUPERKERNEL_RMSPROP_EPSILON
        : RMSPROP_EPSILON;
  }
}
