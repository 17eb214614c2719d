package dev.sextant.nas.search;

import dev.sextant.nas.cells.ArchitectureCost;
import dev.sextant.nas.cells.ExpectedLatency;
import dev.sextant.nas.cells.ExpectedMacs;
import dev.sextant.nas.cost.Cost;
import dev.sextant.nas.cost.Counts;
import dev.sextant.nas.cost.ExpectedCost;
import dev.sextant.nas.cost.PredictedLatency;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.policy.PolicyCosts;
import dev.sextant.nas.space.CellNetworkSpace;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.tensor.Rng;

/**
 * What a policy is told of costs.
 *
 * @param cost of a sampled network
 * @param rng the policy's
 */
record SearchCosts(SearchConfig config, SearchSpace space, Pricing pricing, Cost cost, Rng rng)
    implements PolicyCosts {
  /** With what is added to predictions as an experiment. */
  @Override
  public Cost sampled() {
    double noise = config.budget().noiseMs();
    return noise > 0 && pricing.model() instanceof PredictedLatency
        ? decisions -> cost.of(decisions) + noise * rng.nextGaussian()
        : cost;
  }

  @Override
  public double expected(double[][] probabilities) {
    return pricing.expected(probabilities);
  }

  @Override
  public ExpectedCost layers() {
    return layers(pricing);
  }

  private static ExpectedCost layers(Pricing pricing) {
    return switch (pricing) {
      case Pricing.OfChain chain -> chain.cost();
      case Pricing.OfCells _ -> throw new IllegalStateException("networks of cells are no sums");
      case Pricing.Limited(Pricing priced, Limits _) -> layers(priced);
    };
  }

  @Override
  public ArchitectureCost cells() {
    if (!(space instanceof CellNetworkSpace networks)) {
      throw new IllegalStateException("a chain has no cells");
    }
    return switch (pricing.model()) {
      case PredictedLatency predicted ->
          new ExpectedLatency(
                  predicted.predictor(),
                  new ExpectedLatency.Config(
                      config.architecture().samples(),
                      ExpectedLatency.Gradient.SWAPPED,
                      config.budget().noiseMs()),
                  rng)
              .scaled(predicted.scale());
      case Counts _ ->
          ExpectedMacs.small(networks.cells(), networks.width(), networks.depth())
              .scaled(ExpectedMacs.UNIT);
      default -> throw new IllegalStateException("cells have no table of layers");
    };
  }
}
