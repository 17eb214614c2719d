package dev.sextant.nas.search;

import dev.sextant.nas.cost.Cost;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.nas.workers.Sharing;
import dev.sextant.runtime.Architecture;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * The latency of each network on this machine, measured when it is first asked for. Runs that
 * follow it differ as clocks do.
 */
final class MeasuredCost implements Cost {
  private final SearchSpace space;
  private final ToDoubleFunction<Architecture> measure;
  private final Map<List<Integer>, Double> known = new HashMap<>();

  /** Costs by a measurement in milliseconds. */
  MeasuredCost(SearchSpace space, ToDoubleFunction<Architecture> measure) {
    this.space = space;
    this.measure = measure;
  }

  @Override
  public double of(int[] decisions) {
    List<Integer> key = Arrays.stream(decisions).boxed().toList();
    return known.computeIfAbsent(key, _ -> measure.applyAsDouble(space.derive(decisions)));
  }

  /** What the first of several workers measures, where there are others. */
  static Cost agreed(MeasuredCost own, @Nullable Sharing sharing) {
    return sharing == null
        ? own
        : decisions ->
            sharing.ofFirst(sharing.workers().rank() == 0 ? own.of(decisions) : Double.NaN);
  }
}
