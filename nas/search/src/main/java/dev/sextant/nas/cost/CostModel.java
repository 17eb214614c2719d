package dev.sextant.nas.cost;

import dev.sextant.nas.space.Space;

/** Where the costs of a space's networks come from. Immutable. */
public sealed interface CostModel permits LatencyTable, LinearCost, Counts, PredictedLatency {
  /**
   * The costs of a space's networks.
   *
   * @throws dev.sextant.tensor.SextantException if a layer of the space has no price
   */
  ExpectedCost costs(Space space);

  /** What it counts. */
  CostUnit unit();
}
