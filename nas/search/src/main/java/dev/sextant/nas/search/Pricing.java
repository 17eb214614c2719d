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

  /** A network drawn among those within the tolerance of the budget: uniformly, without limits. */
  int[] sample(double budget, double tolerance, boolean ceiling, Rng rng);

  /** Whether a network keeps what limits there are besides the budget. */
  default boolean allows(int[] decisions) {
    return true;
  }

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

  /**
   * Prices of networks that may not exceed limits by other costs.
   *
   * @param priced chains or cells
   */
  record Limited(Pricing priced, Limits limits) implements Pricing {
    /** Networks drawn before one is taken by chance preferences instead. */
    private static final int DRAWN = 200;

    static Pricing of(Pricing priced, Limits limits) {
      return limits.isEmpty() ? priced : new Limited(priced, limits);
    }

    @Override
    public boolean allows(int[] decisions) {
      return limits.allow(decisions);
    }

    @Override
    public CostModel model() {
      return priced.model();
    }

    @Override
    public double of(int[] decisions) {
      return priced.of(decisions);
    }

    @Override
    public double expected(double[][] probabilities) {
      return priced.expected(probabilities);
    }

    @Override
    public double minimum() {
      return priced.minimum();
    }

    @Override
    public double maximum() {
      return priced.maximum();
    }

    @Override
    public int[] mostProbable(double[][] preferences) {
      return priced.mostProbable(preferences);
    }

    /** Exactly, where {@link Derivation} is; of cells as far as a search by moves finds it. */
    @Override
    public int @Nullable [] mostProbable(double[][] preferences, double low, double high) {
      return switch (priced) {
        case OfChain chain -> {
          int[] best = null;
          double bestScore = Double.NEGATIVE_INFINITY;
          for (List<Derivation.Ceiling> way : limits.ways()) {
            int[] found = Derivation.mostProbable(preferences, chain.cost, low, high, way);
            if (found != null && logProbability(preferences, found) > bestScore) {
              best = found;
              bestScore = logProbability(preferences, found);
            }
          }
          yield best;
        }
        case OfCells cells -> limited(cells).mostProbable(preferences, low, high);
        case Limited _ -> throw new IllegalStateException("limits of limits");
      };
    }

    private static double logProbability(double[][] preferences, int[] decisions) {
      double sum = 0;
      for (int d = 0; d < decisions.length; d++) {
        sum += Math.log(Math.max(preferences[d][decisions[d]], 1e-300));
      }
      return sum;
    }

    /** Cells beyond the limits cost more than any budget. */
    private GenotypeSearch limited(OfCells cells) {
      return new GenotypeSearch(
          cells.space.cells(),
          decisions -> {
            double[] costs = cells.costs(decisions);
            for (int i = 0; i < costs.length; i++) {
              if (!limits.allow(decisions.get(i))) {
                costs[i] = Double.MAX_VALUE;
              }
            }
            return costs;
          });
    }

    /**
     * Uniformly as long as a few hundred draws hold one that keeps the limits; where these are
     * narrow, the most probable one by preferences that are drawn.
     */
    @Override
    public int[] sample(double budget, double tolerance, boolean ceiling, Rng rng) {
      for (int i = 0; i < DRAWN; i++) {
        int[] decisions = priced.sample(budget, tolerance, ceiling, rng);
        if (limits.allow(decisions)) {
          return decisions;
        }
      }
      int[] options = limits.space().options();
      for (double window = tolerance; ; window *= 2) {
        double[][] preferences = new double[options.length][];
        for (int d = 0; d < options.length; d++) {
          preferences[d] = new double[options[d]];
          for (int j = 0; j < options[d]; j++) {
            preferences[d][j] = Math.exp(rng.nextGaussian());
          }
        }
        double low = ceiling ? 0 : budget * (1 - window);
        int[] found = mostProbable(preferences, low, ceiling ? budget : budget * (1 + window));
        if (found != null) {
          return found;
        }
        if (ceiling || window > 1) {
          throw new SextantException(
              "max: no network within the budget keeps all limits any more, now that latencies have"
                  + " been measured");
        }
      }
    }

    @Override
    public Pricing corrected(int[] decisions, double measured, double ratio) {
      return new Limited(priced.corrected(decisions, measured, ratio), limits);
    }
  }
}
