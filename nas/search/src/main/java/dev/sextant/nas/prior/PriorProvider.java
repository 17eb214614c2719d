package dev.sextant.nas.prior;

import dev.sextant.nas.provider.Provider;

/** A training-free score of networks, by name: {@code --prior NAME}. */
public interface PriorProvider extends Provider {
  /**
   * {@return the score of a network, the higher the more is expected of it; only its order and its
   * deviation over networks count} Takes nothing from the network that outlives the call.
   *
   * @param network with fresh weights
   */
  double score(PriorRequest network);
}
