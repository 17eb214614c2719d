package dev.sextant.nas.run;

import dev.sextant.runtime.Architecture;
import java.util.List;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * What a run found.
 *
 * @param found by the search
 * @param random what random search found for the same budget, or null without a baseline
 * @param search how the supernet's search ended, or null where there is no supernet
 * @param others found for further budgets, in their order
 * @param limited what the network found has of each cost that is limited besides the budget, by the
 *     cost's name
 * @param original the network that was shrunk, or null where none was given
 */
public record SearchResult(
    Found found,
    @Nullable Found random,
    @Nullable Search search,
    List<Found> others,
    SequencedMap<String, Double> limited,
    @Nullable Found original) {
  /** Begins the names of what a network has of a cost that is limited. */
  public static final String LIMITED = "limited.";

  /**
   * The end of a search in a supernet; costs in the unit of the search's cost.
   *
   * @param expectedCost average cost of the networks that the policy draws (ProxylessNAS, eq. 6)
   * @param argmaxCost cost of the most probable network (TuNAS, Table 11)
   * @param lambda lambda, lambda2 or beta
   * @param constrained whether the most probable network missed the budget, so that the most
   *     probable one within it was taken
   * @param weightStepPeakBytes most activations and workspace held at once in a weight step
   * @param architectureStepPeakBytes the same in an architecture step
   */
  public record Search(
      double expectedCost,
      double argmaxCost,
      double lambda,
      boolean constrained,
      long weightStepPeakBytes,
      long architectureStepPeakBytes) {}

  /**
   * A trained network.
   *
   * @param architecture the network
   * @param predictedCost in the unit of the search's cost
   * @param measuredMs median latency on this machine
   * @param testAccuracy share of test images classified right, by the compiled model
   * @param seconds it took to find and train
   */
  public record Found(
      Architecture architecture,
      double predictedCost,
      double measuredMs,
      double testAccuracy,
      double seconds) {}
}
