package dev.sextant.nas.policy;

import dev.sextant.nas.cells.ArchitectureCost;
import dev.sextant.nas.cost.Cost;
import dev.sextant.nas.cost.ExpectedCost;

/** The costs of the networks that a policy chooses among, in the unit of the search. */
public interface PolicyCosts {
  /** What a given network costs; measured, where the search asks for that. */
  Cost sampled();

  /**
   * What networks cost on average.
   *
   * @param probabilities of each decision's options
   */
  double expected(double[][] probabilities);

  /**
   * Costs that add up layer by layer, with the gradient of their expectation: for policies that say
   * they need {@link dev.sextant.nas.cost.CostDetail#EXPECTED} of a chain.
   */
  ExpectedCost layers();

  /** The expected cost of networks of cells, with its gradient: the same for cells. */
  ArchitectureCost cells();
}
