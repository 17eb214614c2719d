package dev.sextant.nas.search;

import dev.sextant.nas.cost.CostProvider;
import dev.sextant.nas.cost.CostRequest;
import dev.sextant.nas.cost.CostUnit;
import dev.sextant.nas.cost.Costs;
import dev.sextant.nas.cost.MemoryUse;
import dev.sextant.nas.method.Limit;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.policy.Derivation.Ceiling;
import dev.sextant.nas.provider.Options;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.SearchSetup;
import dev.sextant.nas.space.LayerSum;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.nas.space.Space;
import dev.sextant.runtime.Architecture;
import dev.sextant.tensor.SextantException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.SequencedMap;
import java.util.function.ToDoubleFunction;

/**
 * What the networks of a run may cost besides the budget. Immutable.
 *
 * @param space of the networks
 * @param bounds in the order in which they were given
 */
record Limits(SearchSpace space, List<Bound> bounds) {
  private static final CostUnit BYTES = new CostUnit("memory", "bytes", true);

  /** Sums in another order differ by rounding. */
  private static final double ROUNDING = 1e-9;

  /**
   * One of them.
   *
   * @param limit as given
   * @param of what a network costs
   * @param sums none of which a network has to exceed the limit by, but one: as a sum over layers
   */
  record Bound(Limit limit, CostUnit unit, ToDoubleFunction<int[]> of, List<LayerSum> sums) {}

  /**
   * Those of a run.
   *
   * @throws SextantException if one is of no cost that adds up over layers, there are two of one
   *     cost, or networks of cells are limited by other than counts
   */
  static Limits of(SearchSetup setup) {
    SearchConfig config = setup.config();
    List<Bound> bounds = new ArrayList<>();
    List<String> costs = new ArrayList<>(List.of(config.recipe().cost().id()));
    for (Limit limit : config.budget().limits()) {
      if (costs.contains(limit.cost())) {
        throw new SextantException(
            String.format(
                Locale.ROOT, "max %s: there is a limit of this cost already", limit.cost()));
      }
      costs.add(limit.cost());
      bounds.add(bound(limit, setup));
    }
    return new Limits(setup.space(), List.copyOf(bounds));
  }

  private static Bound bound(Limit limit, SearchSetup setup) {
    SearchSpace space = setup.space();
    if (limit.cost().equals(Limit.MEMORY)) {
      if (!(space instanceof Space chain)) {
        throw new SextantException("max memory: networks of cells are no chains of layers");
      }
      List<LayerSum> sums = new ArrayList<>();
      for (double held : MemoryUse.activations(chain)) {
        sums.add(MemoryUse.within(chain, held));
      }
      return new Bound(
          limit, BYTES, decisions -> MemoryUse.of(space.derive(decisions)), List.copyOf(sums));
    }
    CostProvider cost = Costs.ALL.named(limit.cost());
    if (!(space instanceof Space chain)) {
      ToDoubleFunction<Architecture> count =
          switch (cost) {
            case Costs.MACS -> Architecture::macs;
            case Costs.PARAMETERS -> Architecture::parameters;
            default ->
                throw new SextantException(
                    String.format(
                        Locale.ROOT,
                        "max %s: networks of cells are limited by macs or parameters",
                        limit.cost()));
          };
      return new Bound(limit, cost.unit(), d -> count.applyAsDouble(space.derive(d)), List.of());
    }
    LayerSum sum = sum(limit, cost, chain, setup);
    return new Bound(limit, cost.unit(), sum::of, List.of(sum));
  }

  private static LayerSum sum(Limit limit, CostProvider cost, Space chain, SearchSetup setup) {
    if (cost instanceof Costs && cost != Costs.MACS && cost != Costs.PARAMETERS) {
      if (cost != Costs.LATENCY || limit.table() == null) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "max %s: a limit is of macs, parameters, memory, latency by a table"
                    + " (latency=2ms@TABLE), or a cost from outside",
                limit.cost()));
      }
    }
    String table = limit.table();
    return cost.model(
            new CostRequest(
                chain,
                table == null ? null : Path.of(table),
                Options.of(cost, setup.config().options()),
                new CostRequest.Measuring(
                    setup.device(), setup.latencyThreads(), setup.latencyBatch(), 0),
                setup.config().seed(),
                Progress.NONE))
        .costs(chain)
        .sum();
  }

  boolean isEmpty() {
    return bounds.isEmpty();
  }

  /** Whether a network keeps all of them. */
  boolean allow(int[] decisions) {
    return bounds.stream().allMatch(bound -> keeps(bound, decisions, 1));
  }

  private static boolean keeps(Bound bound, int[] decisions, double times) {
    return bound.of.applyAsDouble(decisions) <= times * bound.limit.most() * (1 + ROUNDING);
  }

  /** What a network has of each, by the cost's name. */
  SequencedMap<String, Double> of(int[] decisions) {
    SequencedMap<String, Double> values = new LinkedHashMap<>();
    bounds.forEach(bound -> values.put(bound.limit.cost(), bound.of.applyAsDouble(decisions)));
    return values;
  }

  /** The same limits, each so many times as high. */
  Limits times(double factor) {
    return new Limits(
        space,
        bounds.stream()
            .map(
                bound ->
                    new Bound(
                        new Limit(
                            bound.limit.cost(), factor * bound.limit.most(), bound.limit.table()),
                        bound.unit,
                        bound.of,
                        bound.sums))
            .toList());
  }

  /** A network in words, as in {@code 61,706 parameters}. */
  String words(int[] decisions) {
    List<String> words = new ArrayList<>();
    for (Bound bound : bounds) {
      words.add(bound.unit.format(bound.of.applyAsDouble(decisions)));
    }
    return String.join(", ", words);
  }

  /** Every way to keep all of them as ceilings of sums over layers: one sum of each. */
  List<List<Ceiling>> ways() {
    List<List<Ceiling>> ways = List.of(List.of());
    for (Bound bound : bounds) {
      List<List<Ceiling>> longer = new ArrayList<>();
      for (LayerSum sum : bound.sums) {
        if (sum.minimum() <= bound.limit.most() * (1 + ROUNDING)) {
          for (List<Ceiling> way : ways) {
            List<Ceiling> with = new ArrayList<>(way);
            with.add(new Ceiling(sum, bound.limit.most()));
            longer.add(with);
          }
        }
      }
      ways = longer;
    }
    return ways;
  }
}
