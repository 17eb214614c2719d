package dev.sextant.nas.score;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * What is known of all networks of a space once some were scored: the negative held-out loss and
 * the training-free score, each in deviations of the better half from the median of the networks
 * drawn and no worse than two, each fitted, and the fits added up. Two scores that go wrong in
 * different ways rank better than either. Immutable.
 */
public final class Ranking {
  /**
   * How much a longer look at one network counts against the fits, which average over hundreds but
   * do not know everything about one.
   */
  private static final double LOOK = 0.5;

  /**
   * A network that can do nothing at all says no more of its options than a poor one: with a longer
   * tail a fit predicts left-out networks worse.
   */
  private static final double WORST = -2;

  private final int[][] networks;
  private final Standard[] losses;
  private final Standard priors;
  private final double[] lossScores;
  private final ScoreFit lossFit;
  private final ScoreFit priorFit;

  /**
   * What scores are counted from, and in: of the better half alone, since a few networks that can
   * do nothing have scores as far off as all others together.
   */
  private record Standard(double median, double deviation) {
    static Standard of(double[] scores) {
      double[] sorted = scores.clone();
      Arrays.sort(sorted);
      double median = sorted[sorted.length / 2];
      double squares = 0;
      int better = 0;
      for (int i = sorted.length / 2 + 1; i < sorted.length; i++) {
        squares += (sorted[i] - median) * (sorted[i] - median);
        better++;
      }
      return new Standard(median, Math.sqrt(squares / Math.max(1, better)));
    }

    /** Where all are alike a score says nothing. */
    double of(double score) {
      return deviation > 0 ? (score - median) / deviation : 0;
    }
  }

  private Ranking(
      int[][] networks,
      Standard[] losses,
      Standard priors,
      double[] lossScores,
      ScoreFit lossFit,
      ScoreFit priorFit) {
    this.networks = networks;
    this.losses = losses;
    this.priors = priors;
    this.lossScores = lossScores;
    this.lossFit = lossFit;
    this.priorFit = priorFit;
  }

  /**
   * Fits scores of networks drawn over the whole range of costs.
   *
   * @param networks decisions of each
   * @param losses on held-out images, that of network i on part i modulo {@code parts}
   * @param parts into which the images fall; those that no network has are left out
   * @param priors training-free scores
   * @return the ranking
   */
  public static Ranking of(int[][] networks, double[] losses, int parts, double[] priors) {
    int n = networks.length;
    Standard[] ofParts = new Standard[Math.min(parts, n)];
    double[] centred = new double[n];
    for (int part = 0; part < ofParts.length; part++) {
      int first = part;
      ofParts[part] =
          Standard.of(
              IntStream.range(0, n)
                  .filter(i -> i % parts == first)
                  .mapToDouble(i -> -losses[i])
                  .toArray());
    }
    for (int i = 0; i < n; i++) {
      centred[i] = -losses[i] - ofParts[i % parts].median;
    }
    double deviation = Standard.of(centred).deviation;
    for (int part = 0; part < ofParts.length; part++) {
      ofParts[part] = new Standard(ofParts[part].median, deviation);
    }
    Standard ofPriors = Standard.of(priors);
    double[] lossScores = new double[n];
    double[] priorScores = new double[n];
    for (int i = 0; i < n; i++) {
      lossScores[i] = Math.max(WORST, ofParts[i % parts].of(-losses[i]));
      priorScores[i] = Math.max(WORST, ofPriors.of(priors[i]));
    }
    return new Ranking(
        networks,
        ofParts,
        ofPriors,
        lossScores,
        ScoreFit.of(networks, lossScores),
        ScoreFit.of(networks, priorScores));
  }

  /**
   * {@return the ranking that knows of more networks, such as those that this one holds for the
   * best: a fit over the whole range says least where it is highest}
   *
   * @param others decisions of each
   * @param looks held-out losses of each, on every part of the images
   */
  public Ranking with(List<int[]> others, List<double[]> looks) {
    if (others.isEmpty()) {
      return this;
    }
    int[][] all = Arrays.copyOf(networks, networks.length + others.size());
    double[] scores = Arrays.copyOf(lossScores, all.length);
    for (int i = 0; i < others.size(); i++) {
      all[networks.length + i] = others.get(i);
      scores[networks.length + i] = Math.max(WORST, lossScore(looks.get(i)));
    }
    return new Ranking(all, losses, priors, scores, ScoreFit.of(all, scores), priorFit);
  }

  private double lossScore(double[] look) {
    double sum = 0;
    for (int part = 0; part < losses.length; part++) {
      sum += losses[part].of(-look[part]) / losses.length;
    }
    return sum;
  }

  /**
   * {@return the score of a network by the fits alone}
   *
   * @param decisions of the network
   */
  public double of(int[] decisions) {
    return lossFit.of(decisions) + priorFit.of(decisions);
  }

  /** {@return the fit of the held-out loss} */
  public ScoreFit lossFit() {
    return lossFit;
  }

  /** {@return the fit of the training-free score} */
  public ScoreFit priorFit() {
    return priorFit;
  }

  /**
   * {@return the score of a network that was looked at}
   *
   * @param decisions of the network
   * @param look its held-out loss on each part of the images
   * @param prior its training-free score
   */
  public double looked(int[] decisions, double[] look, double prior) {
    double seen = Math.max(WORST, lossScore(look)) + Math.max(WORST, priors.of(prior));
    return (1 - LOOK) * of(decisions) + LOOK * seen;
  }

  /**
   * {@return what each option adds to the score}
   *
   * @param options how many options each decision has
   */
  public double[][] effects(int[] options) {
    double[][] effects = lossFit.effects(options);
    double[][] ofPrior = priorFit.effects(options);
    for (int d = 0; d < effects.length; d++) {
      for (int j = 0; j < effects[d].length; j++) {
        effects[d][j] += ofPrior[d][j];
      }
    }
    return effects;
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
    double[][] preferences = effects(options);
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
