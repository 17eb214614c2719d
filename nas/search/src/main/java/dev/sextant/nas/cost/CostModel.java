package dev.sextant.nas.cost;

import dev.sextant.nas.space.Space;
import java.nio.file.Path;
import java.util.List;

/** Where the costs of a space's networks come from. Immutable. */
public sealed interface CostModel
    permits LatencyTable, LinearCost, Counts, PredictedLatency, LayerPrices {
  /**
   * {@return the costs of a space's networks}
   *
   * @param space whose networks are to be priced
   * @throws dev.sextant.tensor.SextantException if a layer of the space has no price
   */
  ExpectedCost costs(Space space);

  /**
   * {@return what tells that the measurements it rests on were disturbed, a sentence each; none
   * where they can be relied on, or nothing was measured}
   */
  default List<String> doubts() {
    return List.of();
  }

  /** {@return what it counts} */
  CostUnit unit();

  /**
   * Keeps what it needs in the directory of a run, for {@link CostProvider#read}, each file as a
   * whole or not at all.
   *
   * @param directory of the run
   * @throws dev.sextant.tensor.SextantException if a file cannot be written
   */
  void keep(Path directory);
}
