package dev.sextant.nas.truth;

import dev.sextant.nas.cost.Cost;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.layer.Skip;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.function.ToDoubleFunction;

/**
 * What a search found, by the accuracies of a {@link TruthTable} among the networks that cost no
 * more than its budget. Accuracies are shares of 1.
 *
 * @param accuracy of the network found; NaN where the table lacks it
 * @param best of the networks within the budget
 * @param median of those that cost 95 to 100 % of it, NaN where there are fewer than {@value #FEW}
 * @param rank of the network found, from 1; 0 where the table lacks it
 * @param within how many networks of the table are within the budget
 * @param spearman of the search's scores with the accuracies of those at 95 to 100 %; NaN where
 *     there are few or the search scores no networks
 * @param byScore of the network that the search's scores hold for the best of the table's within
 *     the budget, which tells of a table that lacks many; NaN where the search scores no networks
 * @param baselines what no search gives: the best of 1, 5 and 20 networks drawn within the budget
 *     and trained, on average, and the network of most layers, multiply-adds and parameters there
 */
public record Judgement(
    double accuracy,
    double best,
    double median,
    int rank,
    int within,
    double spearman,
    double byScore,
    SequencedMap<String, Double> baselines) {
  /** Below the budget, what counts as near. */
  private static final double NEAR = 0.05;

  private static final int FEW = 5;

  private record Known(int[] decisions, double cost, double accuracy) {}

  /**
   * {@return the judgement of one network}
   *
   * @param table that judges
   * @param space of the table's networks
   * @param cost of networks
   * @param budget that networks may cost
   * @param found decisions of the network found
   * @param score by which the search took it; NaN where it scores no networks
   */
  public static Judgement of(
      TruthTable table,
      SearchSpace space,
      Cost cost,
      double budget,
      int[] found,
      ToDoubleFunction<int[]> score) {
    // Costs of the network found and of the table's come from the same sum; rounding apart.
    double most = budget * (1 + 1e-9);
    List<Known> within = new ArrayList<>();
    for (int[] decisions : table.networks()) {
      double of = cost.of(decisions);
      if (of <= most) {
        within.add(new Known(decisions, of, table.accuracy(decisions)));
      }
    }
    List<Known> near = within.stream().filter(known -> known.cost >= (1 - NEAR) * budget).toList();
    double accuracy = table.has(found) ? table.accuracy(found) : Double.NaN;
    double[] sorted = within.stream().mapToDouble(Known::accuracy).sorted().toArray();
    double[] nearby = near.stream().mapToDouble(Known::accuracy).toArray();
    boolean few = near.size() < FEW;
    int rank = 1 + (int) Arrays.stream(sorted).filter(other -> other > accuracy).count();
    return new Judgement(
        accuracy,
        sorted.length == 0 ? Double.NaN : sorted[sorted.length - 1],
        few ? Double.NaN : median(nearby),
        table.has(found) ? rank : 0,
        within.size(),
        few
            ? Double.NaN
            : spearman(
                near.stream().mapToDouble(known -> score.applyAsDouble(known.decisions)).toArray(),
                nearby),
        byScore(within, score),
        baselines(within, sorted, space));
  }

  private static double byScore(List<Known> within, ToDoubleFunction<int[]> score) {
    double highest = Double.NaN;
    double accuracy = Double.NaN;
    for (Known known : within) {
      double of = score.applyAsDouble(known.decisions);
      if (of > highest || Double.isNaN(highest)) {
        highest = of;
        accuracy = known.accuracy;
      }
    }
    return Double.isNaN(highest) ? Double.NaN : accuracy;
  }

  private static SequencedMap<String, Double> baselines(
      List<Known> within, double[] sorted, SearchSpace space) {
    SequencedMap<String, Double> baselines = new LinkedHashMap<>();
    for (int draws : new int[] {1, 5, 20}) {
      baselines.put("best of " + draws + " drawn", bestOf(sorted, draws));
    }
    SequencedMap<String, ToDoubleFunction<Architecture>> priors = new LinkedHashMap<>();
    priors.put(
        "most layers",
        network -> network.layers().stream().filter(layer -> !(layer instanceof Skip)).count());
    priors.put("most multiply-adds", Architecture::macs);
    priors.put("most parameters", Architecture::parameters);
    priors.forEach(
        (name, prior) ->
            baselines.put(
                name,
                within.stream()
                    .max(
                        Comparator.comparingDouble(
                            known -> prior.applyAsDouble(space.derive(known.decisions))))
                    .map(Known::accuracy)
                    .orElse(Double.NaN)));
    return baselines;
  }

  /** The mean of the largest of so many draws with replacement. */
  private static double bestOf(double[] sorted, int draws) {
    double mean = 0;
    for (int i = 0; i < sorted.length; i++) {
      double largest =
          Math.pow((i + 1.0) / sorted.length, draws) - Math.pow((double) i / sorted.length, draws);
      mean += largest * sorted[i];
    }
    return sorted.length == 0 ? Double.NaN : mean;
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  /** {@return accuracy lost against the best within the budget; NaN where it is not known} */
  public double gap() {
    return best - accuracy;
  }

  /**
   * {@return Spearman's correlation of ranks, equal values sharing the mean of theirs; NaN where
   * all of either are equal, or a value is not known}
   *
   * @param a values
   * @param b as many others
   */
  static double spearman(double[] a, double[] b) {
    double[] x = ranks(a);
    double[] y = ranks(b);
    if (Arrays.stream(a).anyMatch(Double::isNaN)) {
      return Double.NaN;
    }
    double mean = (a.length - 1) / 2.0;
    double products = 0;
    double xs = 0;
    double ys = 0;
    for (int i = 0; i < x.length; i++) {
      products += (x[i] - mean) * (y[i] - mean);
      xs += (x[i] - mean) * (x[i] - mean);
      ys += (y[i] - mean) * (y[i] - mean);
    }
    return products / Math.sqrt(xs * ys);
  }

  private static double[] ranks(double[] values) {
    double[] ranks = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      for (double other : values) {
        ranks[i] += other < values[i] ? 1 : other == values[i] ? 0.5 : 0;
      }
      ranks[i] -= 0.5;
    }
    return ranks;
  }
}
