package dev.sextant.nas.predict;

import dev.sextant.tensor.SextantException;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * How far predictions are from measurements: the columns of Table 1 of Latency-Aware DARTS, and
 * those other papers report.
 *
 * @param absoluteMs mean absolute error in ms
 * @param relative mean absolute error divided by the measured latency
 * @param within5 share of predictions within ±5 % of the measured latency
 * @param within10 the same for ±10 %
 * @param spearman rank correlation; 0 where one side is constant
 */
public record PredictionError(
    double absoluteMs, double relative, double within5, double within10, double spearman) {
  /**
   * Compares predictions with measurements of the same networks.
   *
   * @param predicted in ms
   * @param measured in ms, of the same networks in the same order
   * @return how far they are apart
   * @throws SextantException if there are none or the numbers differ
   */
  public static PredictionError of(double[] predicted, double[] measured) {
    int count = measured.length;
    if (count == 0 || predicted.length != count) {
      throw new SextantException(
          "prediction error: %d predictions for %d measurements"
              .formatted(predicted.length, count));
    }
    double absolute = 0;
    double relative = 0;
    int within5 = 0;
    int within10 = 0;
    for (int i = 0; i < count; i++) {
      double error = Math.abs(predicted[i] - measured[i]);
      absolute += error;
      relative += error / measured[i];
      within5 += error <= 0.05 * measured[i] ? 1 : 0;
      within10 += error <= 0.1 * measured[i] ? 1 : 0;
    }
    return new PredictionError(
        absolute / count,
        relative / count,
        (double) within5 / count,
        (double) within10 / count,
        correlation(ranks(predicted), ranks(measured)));
  }

  /** Ranks from 0; equal values share the mean of theirs. */
  private static double[] ranks(double[] values) {
    Integer[] order = IntStream.range(0, values.length).boxed().toArray(Integer[]::new);
    Arrays.sort(order, Comparator.comparingDouble(i -> values[i]));
    double[] ranks = new double[values.length];
    for (int from = 0; from < order.length; ) {
      int to = from + 1;
      while (to < order.length && values[order[to]] == values[order[from]]) {
        to++;
      }
      for (int i = from; i < to; i++) {
        ranks[order[i]] = (from + to - 1) / 2.0;
      }
      from = to;
    }
    return ranks;
  }

  private static double correlation(double[] a, double[] b) {
    double meanA = Arrays.stream(a).average().orElse(0);
    double meanB = Arrays.stream(b).average().orElse(0);
    double ab = 0;
    double aa = 0;
    double bb = 0;
    for (int i = 0; i < a.length; i++) {
      ab += (a[i] - meanA) * (b[i] - meanB);
      aa += (a[i] - meanA) * (a[i] - meanA);
      bb += (b[i] - meanB) * (b[i] - meanB);
    }
    return aa == 0 || bb == 0 ? 0 : ab / Math.sqrt(aa * bb);
  }
}
