package dev.sextant.nas.search;

import dev.sextant.nas.cells.CellCost;
import dev.sextant.nas.cells.CellCounts;
import dev.sextant.nas.cells.CellFactors;
import dev.sextant.nas.cells.GenotypeSearch;
import dev.sextant.nas.cost.CostModel;
import dev.sextant.nas.cost.Counts;
import dev.sextant.nas.cost.ExpectedCost;
import dev.sextant.nas.cost.LatencyTable;
import dev.sextant.nas.cost.LayerPrices;
import dev.sextant.nas.cost.LinearCost;
import dev.sextant.nas.cost.PredictedLatency;
import dev.sextant.nas.policy.Derivation;
import dev.sextant.nas.space.CellNetworkSpace;
import dev.sextant.nas.space.Factors;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.nas.space.Space;
import dev.sextant.runtime.Architecture;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What networks of a run's space cost, as far as is known, and which of them are within a window.
 * Immutable.
 */
sealed interface Pricing {
  /** Where costs come from, with all corrections. */
  CostModel model();

  /** The cost of one network. */
  double of(int[] decisions);

  /** The expected cost of networks drawn by these probabilities ({@link Factors#probabilities}). */
  double expected(double[][] probabilities);

  /** The cheapest network's cost. */
  double minimum();

  /** The dearest network's cost. */
  double maximum();

  /** The most probable network, whatever it costs. */
  int[] mostProbable(double[][] preferences);

  /** The most probable network within a window, or null where none was found. */
  int @Nullable [] mostProbable(double[][] preferences, double low, double high);

  /** A network drawn uniformly among those within the tolerance of the budget. */
  int[] sample(double budget, double tolerance, boolean ceiling, Rng rng);

  /** The same with predictions corrected by what a network measured. */
  default Pricing corrected(int[] decisions, double measured) {
    return corrected(decisions, measured, measured / of(decisions));
  }

  /** The same with predictions that many times as large; that of a measured network is known. */
  Pricing corrected(int[] decisions, double measured, double ratio);

  /**
   * The prices of a space's networks.
   *
   * @throws SextantException if the model does not price them
   */
  static Pricing of(CostModel model, SearchSpace space) {
    return switch (space) {
      case Space chain -> new OfChain(chain, model, model.costs(chain));
      case CellNetworkSpace cells ->
          new OfCells(cells, model, OfCells.costs(model, cells), Map.of());
    };
  }

  /** Costs that add up layer by layer. */
  record OfChain(Space space, CostModel model, ExpectedCost cost) implements Pricing {
    @Override
    public double of(int[] decisions) {
      return cost.of(decisions);
    }

    @Override
    public double expected(double[][] probabilities) {
      return cost.expected(probabilities);
    }

    @Override
    public double minimum() {
      return cost.minimum();
    }

    @Override
    public double maximum() {
      return cost.maximum();
    }

    @Override
    public int[] mostProbable(double[][] preferences) {
      return Derivation.mostProbable(preferences);
    }

    @Override
    public int @Nullable [] mostProbable(double[][] preferences, double low, double high) {
      return Derivation.mostProbable(preferences, cost, low, high);
    }

    @Override
    public int[] sample(double budget, double tolerance, boolean ceiling, Rng rng) {
      return RandomArchitectures.sample(cost, budget, tolerance, ceiling, rng);
    }

    @Override
    public Pricing corrected(int[] decisions, double measured, double ratio) {
      LatencyTable table = ((LatencyTable) model).corrected(ratio);
      return new OfChain(space, table, table.costs(space));
    }
  }

  /**
   * Costs of whole networks of cells.
   *
   * @param measured what networks were measured to take: no prediction is nearer
   */
  record OfCells(
      CellNetworkSpace space, CostModel model, CellCost cost, Map<List<Integer>, Double> measured)
      implements Pricing {
    private static final int DRAWN = 64;

    private static CellCost costs(CostModel model, CellNetworkSpace space) {
      return switch (model) {
        case PredictedLatency predicted -> predicted.costs(space.cells());
        case Counts counts ->
            CellCost.counted(
                space.cells(),
                new CellCounts(
                    space.cells(),
                    space.width(),
                    space.depth(),
                    counts == Counts.MACS ? Architecture::macs : Architecture::parameters));
        case LatencyTable _, LinearCost _, LayerPrices _ ->
            throw new SextantException(
                "the latency of a network of cells is no sum over layers (--cost predicted)");
      };
    }

    private GenotypeSearch search() {
      return new GenotypeSearch(space.cells(), this::costs);
    }

    private double[] costs(List<int[]> decisions) {
      double[] costs = cost.of(decisions);
      if (!measured.isEmpty()) {
        for (int i = 0; i < costs.length; i++) {
          costs[i] = measured.getOrDefault(key(decisions.get(i)), costs[i]);
        }
      }
      return costs;
    }

    private static List<Integer> key(int[] decisions) {
      return Arrays.stream(decisions).boxed().toList();
    }

    @Override
    public double of(int[] decisions) {
      return search().cost(decisions);
    }

    /** About: the mean of {@value #DRAWN} networks, always drawn by the same random numbers. */
    @Override
    public double expected(double[][] probabilities) {
      CellFactors factors = new CellFactors(space.cells());
      Rng rng = new Rng(0);
      List<int[]> drawn = new ArrayList<>();
      for (int i = 0; i < DRAWN; i++) {
        int[] options = new int[probabilities.length];
        factors.draw(probabilities, rng, options);
        drawn.add(factors.decisions(options));
      }
      return Arrays.stream(costs(drawn)).average().orElseThrow();
    }

    @Override
    public double minimum() {
      return search().minimum();
    }

    @Override
    public double maximum() {
      return search().maximum();
    }

    @Override
    public int[] mostProbable(double[][] preferences) {
      return search().mostProbable(preferences);
    }

    @Override
    public int @Nullable [] mostProbable(double[][] preferences, double low, double high) {
      return search().mostProbable(preferences, low, high);
    }

    @Override
    public int[] sample(double budget, double tolerance, boolean ceiling, Rng rng) {
      double low = ceiling ? 0 : budget * (1 - tolerance);
      return search().sample(low, ceiling ? budget : budget * (1 + tolerance), rng);
    }

    @Override
    public Pricing corrected(int[] decisions, double ms, double ratio) {
      PredictedLatency scaled = ((PredictedLatency) model).corrected(ratio);
      Map<List<Integer>, Double> known = new HashMap<>(measured);
      known.put(key(decisions), ms);
      return new OfCells(space, scaled, scaled.costs(space.cells()), Map.copyOf(known));
    }
  }
}
