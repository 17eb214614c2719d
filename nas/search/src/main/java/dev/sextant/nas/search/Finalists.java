package dev.sextant.nas.search;

import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.score.HeldOutLoss;
import dev.sextant.nas.space.Decisions;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.nas.supernet.Supernet;
import dev.sextant.tensor.Backend;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/**
 * The network taken of the most probable ones within a window of costs: that of the least loss on
 * held-out images, with the supernet's weights. Probabilities of a short search tell the ten best
 * networks from others sooner than from one another.
 */
final class Finalists {
  private final HeldOutLoss heldOut;
  private final int count;

  /** Of networks that were looked at. */
  private final Map<String, Double> losses = new HashMap<>();

  private Finalists(HeldOutLoss heldOut, int count) {
    this.heldOut = heldOut;
    this.count = count;
  }

  /** Those of a search, or null where the most probable network is taken. */
  static @Nullable Finalists of(
      SearchConfig config,
      Supernet supernet,
      SearchSpace space,
      Backend backend,
      ImageDataset data,
      int[] heldOut) {
    int count = config.budget().finalists();
    return count == 1
        ? null
        : new Finalists(
            new HeldOutLoss(supernet, space, backend, data, heldOut, config.batches().size()),
            count);
  }

  /** The best, or null where there is none in the window. */
  int @Nullable [] best(Pricing pricing, double[][] preferences, double low, double high) {
    int[] best = null;
    double least = Double.POSITIVE_INFINITY;
    for (int[] network : mostProbable(pricing, preferences, low, high, count)) {
      double loss = losses.computeIfAbsent(Decisions.text(network), _ -> loss(network));
      if (best == null || loss < least) {
        best = network;
        least = loss;
      }
    }
    return best;
  }

  private double loss(int[] network) {
    double sum = 0;
    for (int part = 0; part < heldOut.parts(); part++) {
      sum += heldOut.of(network, part).loss();
    }
    return sum / heldOut.parts();
  }

  /**
   * The best of those networks that decide as {@code network} does before {@code free}, and beyond
   * by what the preferences leave.
   */
  private record Part(int[] network, double score, double[][] preferences, int free) {}

  /**
   * The most probable networks in order, fewer where there are fewer (Lawler, 1972): what is left
   * without the best of a part falls into parts that differ from it in one decision first.
   */
  static List<int[]> mostProbable(
      Pricing pricing, double[][] preferences, double low, double high, int count) {
    PriorityQueue<Part> parts =
        new PriorityQueue<>(Comparator.comparingDouble(Part::score).reversed());
    add(parts, pricing, preferences, low, high, 0);
    List<int[]> found = new ArrayList<>();
    for (Part best = parts.poll(); best != null; best = parts.poll()) {
      found.add(best.network);
      if (found.size() == count) {
        break;
      }
      double[][] fixed = best.preferences.clone();
      for (int d = best.free; d < fixed.length; d++) {
        double[][] other = fixed.clone();
        other[d] = fixed[d].clone();
        other[d][best.network[d]] = 0;
        add(parts, pricing, other, low, high, d);
        double[] own = new double[fixed[d].length];
        own[best.network[d]] = fixed[d][best.network[d]];
        fixed[d] = own;
      }
    }
    return found;
  }

  private static void add(
      PriorityQueue<Part> parts,
      Pricing pricing,
      double[][] preferences,
      double low,
      double high,
      int free) {
    int[] network = pricing.mostProbable(preferences, low, high);
    if (network == null) {
      return;
    }
    double score = 0;
    for (int d = 0; d < network.length; d++) {
      double probability = preferences[d][network[d]];
      if (probability == 0) {
        // Derivation shuns what is not to be had rather than leave nothing.
        return;
      }
      score += Math.log(probability);
    }
    parts.add(new Part(network, score, preferences, free));
  }
}
