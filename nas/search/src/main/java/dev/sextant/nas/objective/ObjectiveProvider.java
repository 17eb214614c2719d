package dev.sextant.nas.objective;

import dev.sextant.nas.provider.Provider;

/**
 * An objective by name: {@code --objective NAME}.
 *
 * @param <O> {@link Loss} where it has a gradient, which any policy can follow, else {@link Reward}
 */
public interface ObjectiveProvider<O extends Objective> extends Provider {
  /** The class of what {@link #objective} makes: {@code Loss.class} or {@code Reward.class}. */
  Class<O> type();

  /** The trade-off to start from where none is given. */
  double lambda();

  /** What reports call the trade-off. */
  default String symbol() {
    return "λ";
  }

  /** Whether lambda may be moved in a search so that the budget is met; else it stays. */
  default boolean isControlled() {
    return false;
  }

  /** The objective of a search. */
  O objective(ObjectiveRequest request);

  /** The same for a policy that follows rewards, where these are another form of it. */
  default Objective reward(ObjectiveRequest request) {
    return objective(request);
  }
}
