package dev.sextant.nas.policy;

import dev.sextant.nas.cost.Cost;
import dev.sextant.nas.objective.Objective;
import dev.sextant.nas.space.Factors;
import dev.sextant.nas.supernet.SampledSupernet;
import dev.sextant.nas.supernet.Supernet;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Rng;
import java.util.Arrays;
import java.util.function.ToDoubleFunction;

/**
 * Alphas that follow rewards (Williams, 1992): ∇J = (1/M) sum over M sampled networks of (R - b)
 * ∇ln p (ProxylessNAS, eq. 8), all of a step's networks on one held-out batch. ln p counts the
 * factors that the network uses: those of a skipped layer have no part in it.
 */
public final class Reinforce implements Policy {
  /**
   * What the two published forms differ in.
   *
   * @param samples networks of one step, M
   * @param baselineMomentum weight of earlier steps in the baseline
   * @param debiased whether the baseline's average starts from 0, its weight divided out
   * @param warmups whether weight steps warm up operations and filters (TuNAS)
   * @param deviation of the initial alphas
   */
  public record Config(
      int samples, double baselineMomentum, boolean debiased, boolean warmups, double deviation) {
    /**
     * {@return ProxylessNAS's: about the mean of the step itself as the baseline}
     *
     * @param samples networks drawn in each step
     */
    public static Config proxyless(int samples) {
      return new Config(samples, 0.01, false, false, Alphas.INITIAL_DEVIATION);
    }

    /**
     * {@return TuNAS's controller: alphas from 0, a slow baseline, warm-ups}
     *
     * @param samples networks drawn in each step
     */
    public static Config tunas(int samples) {
      return new Config(samples, 0.95, true, true, 0);
    }
  }

  private final Supernet supernet;
  private final Factors factoring;
  private final Cost cost;
  private final ToDoubleFunction<double[][]> expectation;
  private final Objective objective;
  private final Config config;
  private final Rng rng;
  private final Alphas alphas;
  private final Baseline baseline;
  private final int[] options;

  /** A policy over a supernet's factors. */
  Reinforce(PolicyRequest<SampledSupernet, Objective> request, Config config) {
    this(
        request.backend(),
        request.supernet(),
        request.costs().sampled(),
        request.costs()::expected,
        request.objective(),
        config,
        request.rng());
  }

  /**
   * The same of these parts.
   *
   * @param backend of the supernet and of the alphas
   * @param supernet that is set to each network drawn
   * @param cost of sampled networks
   * @param expectation what networks cost on average, by {@link Factors#probabilities}
   * @param objective that gives each network's reward
   * @param config baseline, optimizer and number of samples
   * @param rng the run's generator, which networks are drawn from
   */
  public Reinforce(
      Backend backend,
      Supernet supernet,
      Cost cost,
      ToDoubleFunction<double[][]> expectation,
      Objective objective,
      Config config,
      Rng rng) {
    this(
        supernet,
        cost,
        expectation,
        objective,
        config,
        rng,
        new Alphas(
            backend, supernet.factoring().counts(), config.deviation, Alphas.PROXYLESS, rng));
  }

  /** The same on alphas that another policy moves too. */
  Reinforce(
      Supernet supernet,
      Cost cost,
      ToDoubleFunction<double[][]> expectation,
      Objective objective,
      Config config,
      Rng rng,
      Alphas alphas) {
    this.supernet = supernet;
    factoring = supernet.factoring();
    this.cost = cost;
    this.expectation = expectation;
    this.objective = objective;
    this.config = config;
    this.rng = rng;
    this.alphas = alphas;
    baseline = new Baseline(config.baselineMomentum, config.debiased);
    options = new int[alphas.size()];
  }

  @Override
  public Alphas alphas() {
    return alphas;
  }

  @Override
  public double[][] probabilities() {
    return factoring.probabilities(alphas.probabilities());
  }

  @Override
  public double[][] preferences() {
    return factoring.preferences(alphas.probabilities());
  }

  @Override
  public double expectedCost() {
    return expectation.applyAsDouble(probabilities());
  }

  @Override
  public Objective objective() {
    return objective;
  }

  /** Draws a network. In the warm-up, operations and filters are warmed up if they ever are. */
  @Override
  public void sample(double warmupLeft, double progress) {
    factoring.draw(alphas.current(), rng, options);
    if (config.warmups && warmupLeft > 0) {
      factoring.warmUp(warmupLeft, rng, options);
    }
    supernet.setOptions(options);
  }

  @Override
  public void learn(HeldOut images, double rate) {
    alphas.step(gradient(images, objective), rate);
  }

  /** -∇J by the alphas, for rewards of that objective. */
  double[][] gradient(HeldOut images, Objective rewarding) {
    double[][] p = alphas.current();
    int[][] drawn = new int[config.samples][];
    double[] rewards = new double[config.samples];
    for (int m = 0; m < config.samples; m++) {
      factoring.draw(p, rng, options);
      supernet.setOptions(options);
      drawn[m] = factoring.decisions(options);
      rewards[m] = rewarding.reward(images.evaluate(), cost.of(drawn[m]));
    }
    double b = baseline.update(Arrays.stream(rewards).average().orElse(0));
    double[][] gradient = new double[p.length][];
    for (int f = 0; f < p.length; f++) {
      gradient[f] = new double[p[f].length];
    }
    for (int m = 0; m < config.samples; m++) {
      factoring.addScore(p, drawn[m], -(rewards[m] - b) / config.samples, gradient);
    }
    return gradient;
  }

  @Override
  public double[] state() {
    return baseline.state();
  }

  @Override
  public void restore(double[] saved) {
    baseline.restore(saved);
  }

  @Override
  public void close() {
    alphas.close();
  }
}
