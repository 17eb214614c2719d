package dev.sextant.nas.policy;

import dev.sextant.nas.cost.Cost;
import dev.sextant.nas.cost.DifferentiableCost;
import dev.sextant.nas.objective.Objective;
import dev.sextant.nas.space.Factoring;
import dev.sextant.nas.space.Factoring.Factor;
import dev.sextant.nas.supernet.Supernet;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Rng;
import java.util.Arrays;
import java.util.List;

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
    /** ProxylessNAS's: about the mean of the step itself as the baseline. */
    public static Config proxyless(int samples) {
      return new Config(samples, 0.01, false, false, Alphas.INITIAL_DEVIATION);
    }

    /** TuNAS's controller: alphas from 0, a slow baseline, warm-ups. */
    public static Config tunas(int samples) {
      return new Config(samples, 0.95, true, true, 0);
    }
  }

  private final Supernet supernet;
  private final Factoring factoring;
  private final Cost cost;
  private final DifferentiableCost expectation;
  private final Objective objective;
  private final Config config;
  private final Rng rng;
  private final Alphas alphas;
  private final Baseline baseline;
  private final int[] options;

  /**
   * A policy over a supernet's factors.
   *
   * @param cost of sampled networks
   * @param expectation tells what networks cost on average; the same cost where it has one
   */
  public Reinforce(
      Backend backend,
      Supernet supernet,
      Cost cost,
      DifferentiableCost expectation,
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
        new Alphas(backend, supernet.factoring(), config.deviation, rng));
  }

  /** The same on alphas that another policy moves too. */
  Reinforce(
      Supernet supernet,
      Cost cost,
      DifferentiableCost expectation,
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
    options = new int[factoring.factors().size()];
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
    return expectation.expected(probabilities());
  }

  @Override
  public Objective objective() {
    return objective;
  }

  /**
   * Draws a network. While it is cold, each operation is with that probability replaced by the mean
   * of all, and each number of filters by the largest, independently (TuNAS's op and filter
   * warm-up).
   */
  @Override
  public void sample(double cold) {
    Alphas.draw(alphas.current(), rng, options);
    if (config.warmups && cold > 0) {
      List<Factor> factors = factoring.factors();
      for (int f = 0; f < options.length; f++) {
        if (rng.nextDouble() < cold) {
          options[f] =
              switch (factors.get(f).kind()) {
                case OPERATION -> Factoring.ALL;
                case FILTERS -> factors.get(f).largest();
              };
        }
      }
    }
    supernet.select(options);
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
      Alphas.draw(p, rng, options);
      supernet.select(options);
      drawn[m] = factoring.decisions(options);
      rewards[m] = rewarding.reward(images.evaluate(), cost.of(drawn[m]));
    }
    double b = baseline.update(Arrays.stream(rewards).average().orElse(0));
    double[][] gradient = new double[p.length][];
    for (int f = 0; f < p.length; f++) {
      gradient[f] = new double[p[f].length];
    }
    for (int m = 0; m < config.samples; m++) {
      addScore(p, drawn[m], -(rewards[m] - b) / config.samples, gradient);
    }
    return gradient;
  }

  /** Adds factor x ∇ln p of a network: ∂ln p_j / ∂alpha_k = delta_jk - p_k. */
  private void addScore(double[][] p, int[] decisions, double factor, double[][] gradient) {
    for (int d = 0; d < decisions.length; d++) {
      int[] parts = factoring.parts(d, decisions[d]);
      for (int i = 0; i < parts.length; i++) {
        int f = factoring.first(d) + i;
        for (int k = 0; parts[i] >= 0 && k < p[f].length; k++) {
          gradient[f][k] += factor * ((k == parts[i] ? 1 : 0) - p[f][k]);
        }
      }
    }
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
