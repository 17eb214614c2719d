package dev.sextant.nas.compare;

import dev.sextant.nas.cost.CostModel;
import dev.sextant.nas.method.Recipe;
import dev.sextant.nas.run.SearchSetup;

/**
 * A method in a comparison.
 *
 * @param name of its runs, such as {@code proxyless-g}
 * @param setup of a run; seed and numbers of epochs are the comparison's to choose
 * @param model what networks of its space cost
 */
public record Entrant(String name, SearchSetup setup, CostModel model) {
  /** Whether it takes the best network by a training-free score. */
  boolean isPrior() {
    return setup.config().recipe() instanceof Recipe.Random random && random.prior() != null;
  }

  /** Whether it has no supernet. */
  boolean isRandom() {
    return setup.config().recipe() instanceof Recipe.Random;
  }
}
