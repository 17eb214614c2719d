package dev.sextant.nas.score;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * What is known of all networks of a space once some were scored: the negative held-out loss and
 * the training-free score, each in deviations from its mean over these networks and no worse than
 * two, added up and fitted. Two scores that go wrong in different ways rank better than either.
 */
public final class Ranking {
  /**
   * How much a longer look at one network counts against the fit, which averages over hundreds but
   * knows sums alone.
   */
  private static final double LOOK = 0.5;

  /**
   * A network that can do nothing at all says no more of its options than a poor one: with a longer
   * tail a fit predicts left-out networks worse.
   */
  private static final double WORST = -2;

  private final ScoreFit fit;
  private final double[] lossMeans;
  private final double lossDeviation;
  private final double priorMean;
  private final double priorDeviation;

  private Ranking(
      ScoreFit fit,
      double[] lossMeans,
      double lossDeviation,
      double priorMean,
      double priorDeviation) {
    this.fit = fit;
    this.lossMeans = lossMeans;
    this.lossDeviation = lossDeviation;
    this.priorMean = priorMean;
    this.priorDeviation = priorDeviation;
  }

  /**
   * Fits scores.
   *
   * @param networks decisions of each
   * @param losses on held-out images, that of network i on part i modulo {@code parts}
   * @param parts into which the images fall
   * @param priors training-free scores
   * @return the ranking
   */
  public static Ranking of(int[][] networks, double[] losses, int parts, double[] priors) {
    int n = networks.length;
    double[] lossMeans = new double[parts];
    for (int part = 0; part < parts; part++) {
      double sum = 0;
      int count = 0;
      for (int i = part; i < n; i += parts) {
        sum += losses[i];
        count++;
      }
      lossMeans[part] = count == 0 ? Double.NaN : sum / count;
    }
    double lossSquares = 0;
    double priorMean = 0;
    for (int i = 0; i < n; i++) {
      double centred = losses[i] - lossMeans[i % parts];
      lossSquares += centred * centred;
      priorMean += priors[i] / n;
    }
    double priorSquares = 0;
    for (double prior : priors) {
      priorSquares += (prior - priorMean) * (prior - priorMean);
    }
    double lossDeviation = Math.sqrt(lossSquares / n);
    double priorDeviation = Math.sqrt(priorSquares / n);
    double[] scores = new double[n];
    for (int i = 0; i < n; i++) {
      scores[i] =
          inDeviations(lossMeans[i % parts] - losses[i], lossDeviation)
              + inDeviations(priors[i] - priorMean, priorDeviation);
    }
    return new Ranking(
        ScoreFit.of(networks, scores), lossMeans, lossDeviation, priorMean, priorDeviation);
  }

  /** Where all are alike a score says nothing. */
  private static double inDeviations(double difference, double deviation) {
    return deviation > 0 ? Math.max(WORST, difference / deviation) : 0;
  }

  /** {@return the fit of both scores together} */
  public ScoreFit fit() {
    return fit;
  }

  /**
   * {@return the score of a network that was looked at}
   *
   * @param decisions of the network
   * @param look its held-out loss on each part of the images, and its training-free score
   */
  public double looked(int[] decisions, double[] look) {
    double better = 0;
    int parts = 0;
    for (int part = 0; part < lossMeans.length; part++) {
      if (!Double.isNaN(lossMeans[part])) {
        better += lossMeans[part] - look[part];
        parts++;
      }
    }
    double seen =
        inDeviations(better / parts, lossDeviation)
            + inDeviations(look[lossMeans.length] - priorMean, priorDeviation);
    return (1 - LOOK) * fit.of(decisions) + LOOK * seen;
  }

  /**
   * {@return the networks of the highest scores among those allowed, the best first}
   *
   * @param options how many options each decision has
   * @param score of a network
   * @param allowed whether a network costs what it may
   * @param probable an allowed network of great product of these preferences, or null if there is
   *     none: where the search begins in a space that is too large to look at all
   * @param count how many, at most
   */
  public List<int[]> best(
      int[] options,
      ToDoubleFunction<int[]> score,
      Predicate<int[]> allowed,
      Function<double[][], int @Nullable []> probable,
      int count) {
    double[][] preferences = fit.effects(options);
    for (double[] row : preferences) {
      for (int j = 0; j < row.length; j++) {
        row[j] = Math.exp(row[j]);
      }
    }
    List<int[]> starts = new ArrayList<>();
    int[] start = probable.apply(preferences);
    if (start != null) {
      starts.add(start);
    }
    return new BestNetworks(options, score, allowed).find(count, starts);
  }
}
