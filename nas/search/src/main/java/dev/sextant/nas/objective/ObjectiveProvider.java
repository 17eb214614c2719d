package dev.sextant.nas.objective;

import dev.sextant.nas.provider.Provider;

/**
 * An objective by name: {@code --objective NAME}.
 *
 * @param <O> {@link Loss} where it has a gradient, which any policy can follow, else {@link Reward}
 */
public interface ObjectiveProvider<O extends Objective> extends Provider {
  /**
   * {@return the class of what {@link #objective} makes: {@code Loss.class} or {@code
   * Reward.class}}
   */
  Class<O> type();

  /** {@return the trade-off to start from where none is given} */
  double lambda();

  /** {@return what reports call the trade-off} */
  default String symbol() {
    return "λ";
  }

  /** {@return whether lambda may be moved in a search so that the budget is met; else it stays} */
  default boolean isControlled() {
    return false;
  }

  /**
   * {@return the objective of a search}
   *
   * @param request the trade-off to start from, the budget and the values of own options
   */
  O objective(ObjectiveRequest request);

  /**
   * {@return the same for a policy that follows rewards, where these are another form of it}
   *
   * @param request the trade-off to start from, the budget and the values of own options
   */
  default Objective reward(ObjectiveRequest request) {
    return objective(request);
  }
}
