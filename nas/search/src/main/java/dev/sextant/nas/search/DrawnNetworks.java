package dev.sextant.nas.search;

import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.method.Budget;
import dev.sextant.nas.method.Recipe;
import dev.sextant.nas.prior.PriorProvider;
import dev.sextant.nas.score.PriorScores;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.runtime.Architecture;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Rng;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * Networks within a budget that no search has found, and which measure within it, if that counts.
 *
 * @param pricing as it is now
 * @param correct told of prices corrected by a measurement
 * @param measure latency in ms, or null where predictions stand
 */
record DrawnNetworks(
    SearchSpace space,
    Budget budget,
    Supplier<Pricing> pricing,
    Consumer<Pricing> correct,
    @Nullable ToDoubleFunction<Architecture> measure) {
  /** How far from the budget a network may measure; so often another one is taken. */
  private static final double MEASURED_TOLERANCE = 0.02;

  private static final int DRAWS = 8;

  /** Sets of new weights that a score is the mean over. */
  private static final int WEIGHTS = 3;

  /** A random network. */
  int[] draw(Rng rng) {
    return first(() -> sample(rng));
  }

  private int[] sample(Rng rng) {
    return pricing.get().sample(budget.cost(), RunStages.TOLERANCE, budget.ceiling(), rng);
  }

  /** Of random networks, the first of those that score best. */
  int[] best(
      PriorProvider prior, Backend backend, ImageDataset data, int[] images, int batch, long seed) {
    PriorScores scores = new PriorScores(prior, space, backend, data, images, batch);
    Rng rng = Rng.of(seed, 42);
    List<int[]> networks = new ArrayList<>();
    List<Double> of = new ArrayList<>();
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < Recipe.Random.SCORED; i++) {
      networks.add(sample(rng));
      of.add(scores.of(networks.get(i), WEIGHTS, Rng.of(seed, 43, i)));
      order.add(i);
    }
    order.sort(Comparator.comparing(of::get, Comparator.reverseOrder()));
    Iterator<Integer> next = order.iterator();
    return first(() -> networks.get(next.next()));
  }

  /** The first of a few that measures within the budget, or the nearest of them. */
  private int[] first(Supplier<int[]> next) {
    int[] best = new int[0];
    double bestError = Double.POSITIVE_INFINITY;
    for (int i = 0; i < DRAWS; i++) {
      int[] decisions = next.get();
      if (measure == null) {
        return decisions;
      }
      double measured = measure.applyAsDouble(space.derive(decisions));
      double error = measured / budget.cost() - 1;
      error = budget.ceiling() ? Math.max(0, error) : Math.abs(error);
      if (error < bestError) {
        best = decisions;
        bestError = error;
      }
      if (bestError <= MEASURED_TOLERANCE) {
        break;
      }
      correct.accept(pricing.get().corrected(decisions, measured));
    }
    return best;
  }
}
