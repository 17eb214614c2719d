package dev.sextant.nas.search;

import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.optim.Optimizer;
import dev.sextant.autograd.optim.RmsProp;
import dev.sextant.autograd.optim.Sgd;
import dev.sextant.nas.cells.ArchitectureCost;
import dev.sextant.nas.cells.BilevelGradient;
import dev.sextant.nas.cells.CellParameters;
import dev.sextant.nas.cells.CellSupernet;
import dev.sextant.nas.cells.ExpectedLatency;
import dev.sextant.nas.cells.ExpectedMacs;
import dev.sextant.nas.cost.Cost;
import dev.sextant.nas.cost.Counts;
import dev.sextant.nas.cost.ExpectedCost;
import dev.sextant.nas.cost.LatencyTable;
import dev.sextant.nas.cost.LinearCost;
import dev.sextant.nas.cost.PredictedLatency;
import dev.sextant.nas.method.Recipe;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.objective.LambdaController;
import dev.sextant.nas.objective.Loss;
import dev.sextant.nas.objective.Objective;
import dev.sextant.nas.policy.BinaryGates;
import dev.sextant.nas.policy.GatesAndRewards;
import dev.sextant.nas.policy.Mixtures;
import dev.sextant.nas.policy.Policy;
import dev.sextant.nas.policy.Reinforce;
import dev.sextant.nas.policy.Thresholds;
import dev.sextant.nas.space.CellNetworkSpace;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.nas.space.Space;
import dev.sextant.nas.supernet.CollapsedSupernet;
import dev.sextant.nas.supernet.MultiPathSupernet;
import dev.sextant.nas.supernet.SuperkernelSupernet;
import dev.sextant.nas.supernet.Supernet;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Rng;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Puts together what the settings of a search name.
 *
 * @param pricing of the space's networks
 * @param cost of a sampled network
 */
record Assembly(
    SearchConfig config, Backend backend, SearchSpace space, Pricing pricing, Cost cost) {
  /** TuNAS, Appendix E.1 (the released code has 1.0). */
  private static final float RMSPROP_EPSILON = 0.1f;

  /** The released code of Single-Path NAS. */
  private static final float SUPERKERNEL_RMSPROP_EPSILON = 1e-3f;

  private static final float RMSPROP_RHO = 0.9f;

  Supernet supernet() {
    Initializer init = new Initializer(backend, Rng.of(config.seed(), 11));
    return switch (config.recipe().supernet()) {
      case MULTI_PATH -> new MultiPathSupernet(chain(), init);
      case COLLAPSED -> new CollapsedSupernet(chain(), init);
      case SUPERKERNEL -> new SuperkernelSupernet(chain(), init);
      case CELLS, PARTIAL_CELLS -> new CellSupernet(CellParameters.zeros(cells().cells()), init);
      case NONE -> throw new IllegalStateException("there is no supernet");
    };
  }

  private Space chain() {
    return (Space) space;
  }

  private CellNetworkSpace cells() {
    return (CellNetworkSpace) space;
  }

  /** Of networks whose layers add up. */
  private ExpectedCost expectation() {
    return ((Pricing.OfChain) pricing).cost();
  }

  /**
   * Who picks.
   *
   * @param mixtureGradient of the step being made, for a policy of mixtures
   */
  Policy policy(Supernet supernet, Rng rng, Supplier<BilevelGradient.Result> mixtureGradient) {
    Objective objective = config.recipe().objective(config.strength(), config.budget());
    return switch (config.recipe().policy()) {
      case GATES -> gates(supernet, objective, rng);
      case GATES_REINFORCE ->
          new GatesAndRewards(
              gates(supernet, objective, rng),
              (MultiPathSupernet) supernet,
              cost,
              expectation(),
              config.samples(),
              rng);
      case REINFORCE ->
          reinforce(supernet, objective, Reinforce.Config.proxyless(config.samples()), rng);
      case CONTROLLER ->
          reinforce(supernet, objective, Reinforce.Config.tunas(config.samples()), rng);
      case DARTS ->
          new Mixtures(
              backend,
              (CellSupernet) supernet,
              expectedCost(rng),
              (Loss) objective,
              controller(),
              mixtureGradient,
              rng);
      case THRESHOLDS ->
          new Thresholds(
              backend,
              (SuperkernelSupernet) supernet,
              expectation(),
              (Loss) objective,
              controller(),
              rng);
      case UNIFORM -> throw new IllegalStateException("uniform networks are trained alone");
    };
  }

  /** The expected cost of networks of cells, and its gradient. */
  private ArchitectureCost expectedCost(Rng rng) {
    return switch (pricing.model()) {
      case PredictedLatency predicted ->
          new ExpectedLatency(
                  predicted.predictor(),
                  new ExpectedLatency.Config(
                      config.samples(), ExpectedLatency.Gradient.SWAPPED, config.cells().noiseMs()),
                  rng)
              .scaled(predicted.scale());
      case Counts _ ->
          ExpectedMacs.small(cells().cells(), cells().width(), cells().depth())
              .scaled(ExpectedMacs.UNIT);
      case LatencyTable _, LinearCost _ ->
          throw new IllegalStateException("cells have no table of layers");
    };
  }

  private BinaryGates gates(Supernet supernet, Objective objective, Rng rng) {
    return new BinaryGates(
        backend,
        (MultiPathSupernet) supernet,
        config.gates(),
        expectation(),
        (Loss) objective,
        controller(),
        rng);
  }

  private @Nullable LambdaController controller() {
    return config.fixedStrength() || config.recipe().objective().isReward()
        ? null
        : new LambdaController(config.budget());
  }

  private Reinforce reinforce(
      Supernet supernet, Objective objective, Reinforce.Config published, Rng rng) {
    return new Reinforce(
        backend, supernet, noisy(rng), pricing::expected, objective, published, rng);
  }

  /** The cost of a sampled network, with what is added to predictions as an experiment. */
  private Cost noisy(Rng rng) {
    double noise = config.cells().noiseMs();
    return noise > 0 && config.recipe().cost() == Recipe.CostKind.PREDICTED
        ? decisions -> cost.of(decisions) + noise * rng.nextGaussian()
        : cost;
  }

  /** Of the weights; in a search of cells without Nesterov's look ahead, as DARTS. */
  Sgd.Config sgd() {
    return new Sgd.Config(
        (float) config.momentum(),
        !config.recipe().supernet().hasCells(),
        (float) config.weightDecay(),
        false);
  }

  Optimizer optimizer(Supernet supernet) {
    float momentum = (float) config.momentum();
    float decay = (float) config.weightDecay();
    return switch (config.optimizer()) {
      case SGD -> new Sgd(backend, supernet.parameters(), sgd());
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
