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
  /** {@return the class of the supernets it can set} */
  Class<S> supernet();

  /** {@return {@code Loss.class} or {@code Objective.class}} */
  Class<O> objective();

  /** {@return what it must be told of costs} */
  CostDetail cost();

  /** {@return when it learns} */
  default LearningTurn turn() {
    return LearningTurn.AFTER_WEIGHTS;
  }

  /** {@return the numbers of its architecture steps where no others are given} */
  default ArchitectureSteps steps() {
    return ArchitectureSteps.DEFAULT;
  }

  /**
   * {@return whether the weights' rate follows one cosine through warm-up and search, after linear
   * growth, where nothing else is asked for (TuNAS)}
   */
  default boolean hasOneCosine() {
    return false;
  }

  /**
   * {@return the policy of a search, at its beginning}
   *
   * @param request what the policy is made of
   */
  Policy policy(PolicyRequest<S, O> request);
}
