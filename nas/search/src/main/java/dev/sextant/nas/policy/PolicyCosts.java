package dev.sextant.nas.policy;

import dev.sextant.nas.cells.ArchitectureCost;
import dev.sextant.nas.cost.Cost;
import dev.sextant.nas.cost.ExpectedCost;

/** The costs of the networks that a policy chooses among, in the unit of the search. */
public interface PolicyCosts {
  /** {@return what a given network costs; measured, where the search asks for that} */
  Cost sampled();

  /**
   * {@return what networks cost on average}
   *
   * @param probabilities of each decision's options
   */
  double expected(double[][] probabilities);

  /**
   * {@return costs that add up layer by layer, with the gradient of their expectation: for policies
   * that say they need {@link dev.sextant.nas.cost.CostDetail#EXPECTED} of a chain}
   */
  ExpectedCost layers();

  /** {@return the expected cost of networks of cells, with its gradient: the same for cells} */
  ArchitectureCost cells();
}
