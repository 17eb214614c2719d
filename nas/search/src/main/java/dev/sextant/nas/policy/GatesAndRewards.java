package dev.sextant.nas.policy;

import dev.sextant.nas.cost.Cost;
import dev.sextant.nas.cost.DifferentiableCost;
import dev.sextant.nas.objective.Loss;
import dev.sextant.nas.supernet.MultiPathSupernet;
import dev.sextant.tensor.Rng;
import java.util.Arrays;

/**
 * Binary gates' gradient (eq. 4) and REINFORCE (eq. 8) as one update rule, which ProxylessNAS
 * suggests (section 3.3.2): both lower the same loss, and Adam takes the sum of the two gradients.
 */
public final class GatesAndRewards implements Policy {
  private final BinaryGates gates;
  private final Reinforce rewards;

  /** Gates at their beginning, and rewards of sampled networks. */
  GatesAndRewards(PolicyRequest<MultiPathSupernet, Loss> request) {
    this(
        new BinaryGates(request),
        request.supernet(),
        request.costs().sampled(),
        request.costs().layers(),
        request.steps().samples(),
        request.rng());
  }

  /**
   * Adds rewards of sampled networks to gates, which this closes too.
   *
   * @param gates the policy that learns from gates' gradients
   * @param supernet that is set to each network drawn
   * @param cost of the networks drawn
   * @param expectation expected cost, with its gradient
   * @param samples networks drawn in each step
   * @param rng the run's generator
   */
  public GatesAndRewards(
      BinaryGates gates,
      MultiPathSupernet supernet,
      Cost cost,
      DifferentiableCost expectation,
      int samples,
      Rng rng) {
    this.gates = gates;
    rewards =
        new Reinforce(
            supernet,
            cost,
            expectation::expected,
            gates.objective(),
            Reinforce.Config.proxyless(samples),
            rng,
            gates.alphas());
  }

  @Override
  public void sample(double warmupLeft, double progress) {
    gates.sample(warmupLeft, progress);
  }

  @Override
  public void learn(HeldOut images, double rate) {
    double[][] gradient = gates.gradient(images);
    double[][] ofRewards = rewards.gradient(images, gates.objective());
    for (int f = 0; f < gradient.length; f++) {
      for (int k = 0; k < gradient[f].length; k++) {
        gradient[f][k] += ofRewards[f][k];
      }
    }
    gates.alphas().step(gradient, rate);
    gates.stepped(rate);
  }

  @Override
  public Alphas alphas() {
    return gates.alphas();
  }

  @Override
  public double[][] probabilities() {
    return gates.probabilities();
  }

  @Override
  public double[][] preferences() {
    return gates.preferences();
  }

  @Override
  public double expectedCost() {
    return gates.expectedCost();
  }

  @Override
  public Loss objective() {
    return gates.objective();
  }

  @Override
  public double[] state() {
    double[] ofRewards = rewards.state();
    double[] ofGates = gates.state();
    double[] state = Arrays.copyOf(ofRewards, ofRewards.length + ofGates.length);
    System.arraycopy(ofGates, 0, state, ofRewards.length, ofGates.length);
    return state;
  }

  @Override
  public void restore(double[] saved) {
    int split = rewards.state().length;
    rewards.restore(Arrays.copyOf(saved, split));
    gates.restore(Arrays.copyOfRange(saved, split, saved.length));
  }

  @Override
  public void close() {
    gates.close();
  }
}
