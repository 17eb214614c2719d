package dev.sextant.nas.cost;

import dev.sextant.nas.provider.Options;
import dev.sextant.nas.provider.Provider;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A cost by name: {@code --cost NAME}. One from outside gives {@link LayerPrices}, from which the
 * search has the cost of every network, the expectation under any probabilities and its gradient.
 */
public interface CostProvider extends Provider {
  /** {@return the unit of its costs and of the budget} */
  CostUnit unit();

  /**
   * {@return what it tells of networks that are chains of layers, or null if it is not for them}
   */
  default @Nullable CostDetail ofChains() {
    return CostDetail.LAYERS;
  }

  /** {@return what it tells of networks of cells, or null if it is not for them} */
  default @Nullable CostDetail ofCells() {
    return null;
  }

  /**
   * {@return whether it predicts the latency that a run can measure on this machine: then the
   * networks found are measured against the budget, and predictions corrected, unless the user gave
   * a table}
   */
  default boolean isMeasurable() {
    return false;
  }

  /** {@return whether each network that a policy draws is measured instead of predicted} */
  default boolean measuresSamples() {
    return false;
  }

  /**
   * {@return the costs of a new run: from a file of the user's, or measured}
   *
   * @param request what the costs are made from
   * @throws dev.sextant.tensor.SextantException if the file is missing, damaged, or of another
   *     space
   */
  CostModel model(CostRequest request);

  /**
   * {@return the costs of a run that is continued: what {@link CostModel#keep} left in its
   * directory}
   *
   * @param directory of the run
   * @param options of the run, the same as when it began
   * @throws dev.sextant.tensor.SextantException if the file is missing or damaged
   */
  CostModel read(Path directory, Options options);
}
