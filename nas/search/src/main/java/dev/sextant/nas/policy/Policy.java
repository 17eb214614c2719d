package dev.sextant.nas.policy;

import dev.sextant.autograd.optim.Optimizer;
import dev.sextant.nas.objective.Objective;
import dev.sextant.nas.objective.Outcome;
import dev.sextant.tensor.Tensor;
import java.util.Collections;
import java.util.SequencedMap;

/**
 * Who picks candidates, and how it learns. Everything it needs to continue is in {@link #alphas},
 * {@link #tensors}, {@link #optimizers}, {@link #state} and the generator given to it; a run that
 * was stopped goes on from these to the same bits. Confined to the thread of its supernet.
 */
public interface Policy extends AutoCloseable {
  /**
   * Draws what the next weight step trains and sets the supernet to it.
   *
   * @param warmupLeft share of the warm-up that is still to come: 1 at the first step, 0 after it
   * @param progress share of the joint phase that is done: 0 in the warm-up, towards 1 at the end
   */
  void sample(double warmupLeft, double progress);

  /**
   * One architecture step.
   *
   * @param images the held-out images of the step, to be run as often as the policy needs
   * @param rate of the optimizer of the architecture parameters; at 0 the step still informs
   *     moments and baselines
   */
  void learn(HeldOut images, double rate);

  /**
   * What a weight step is to a policy that learns in it, by the same images: called between the
   * backward pass and the step of the weights. Others take no note.
   *
   * @param outcome of the weight step
   * @param rate of the optimizer of the architecture parameters; at 0 the step still informs
   *     moments
   */
  default void learnWithWeights(Outcome outcome, double rate) {}

  /** {@return the architecture parameters with their optimizer} */
  Alphas alphas();

  /** {@return probabilities of the options of each of the space's decisions} */
  double[][] probabilities();

  /**
   * {@return what to derive a network by: the options' probabilities, but for those of factors that
   * would not count (see {@link dev.sextant.nas.space.Factoring#preferences})}
   */
  double[][] preferences();

  /** {@return mean entropy of the independent factors, in nats} */
  default double meanEntropy() {
    return alphas().meanEntropy();
  }

  /** {@return how far the architecture parameters have come: 0 where nothing was learned} */
  default double movement() {
    double most = 0;
    for (double[] p : alphas().probabilities()) {
      for (double q : p) {
        most = Math.max(most, Math.abs(q - 1.0 / p.length));
      }
    }
    return most;
  }

  /** {@return expected cost of the networks it draws} */
  double expectedCost();

  /** {@return the objective with the trade-off in force} */
  Objective objective();

  /**
   * {@return tensors that the next step depends on besides the alphas, by name, for a checkpoint}
   */
  default SequencedMap<String, Tensor> tensors() {
    return Collections.emptyNavigableMap();
  }

  /** {@return optimizers besides that of the alphas, by name, for a checkpoint} */
  default SequencedMap<String, Optimizer> optimizers() {
    return Collections.emptyNavigableMap();
  }

  /** {@return numbers that the next step depends on besides these, for a checkpoint} */
  double[] state();

  /**
   * Continues from a checkpoint, after tensors and optimizers have what they had.
   *
   * @param saved as {@link #state} gave it
   */
  void restore(double[] saved);

  /** Frees alphas and moments. Idempotent. */
  @Override
  void close();
}
