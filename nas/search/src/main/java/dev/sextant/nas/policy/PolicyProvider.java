package dev.sextant.nas.policy;

import dev.sextant.nas.cost.CostDetail;
import dev.sextant.nas.objective.Objective;
import dev.sextant.nas.provider.Provider;
import dev.sextant.nas.supernet.Supernet;

/**
 * A policy by name: {@code --policy NAME}.
 *
 * @param <S> the supernet it sets: {@link dev.sextant.nas.supernet.MultiPathSupernet}, say
 * @param <O> {@link dev.sextant.nas.objective.Loss} if it follows gradients, or {@link Objective}
 *     if it follows the rewards of networks
 */
public interface PolicyProvider<S extends Supernet, O extends Objective> extends Provider {
  /** The class of the supernets it can set. */
  Class<S> supernet();

  /** {@code Loss.class} or {@code Objective.class}. */
  Class<O> objective();

  /** What it must be told of costs. */
  CostDetail cost();

  /** When it learns. */
  default LearningTurn turn() {
    return LearningTurn.AFTER_WEIGHTS;
  }

  /** The numbers of its architecture steps where no others are given. */
  default ArchitectureSteps steps() {
    return ArchitectureSteps.DEFAULT;
  }

  /**
   * Whether the weights' rate follows one cosine through warm-up and search, after linear growth,
   * where nothing else is asked for (TuNAS).
   */
  default boolean hasOneCosine() {
    return false;
  }

  /** The policy of a search, at its beginning. */
  Policy policy(PolicyRequest<S, O> request);
}
