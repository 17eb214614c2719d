package dev.sextant.nas.search;

import dev.sextant.runtime.Architecture;
import org.jspecify.annotations.Nullable;

/**
 * What a run found.
 *
 * @param found by the search
 * @param random what random search found for the same budget, or null without a baseline
 * @param expectedMs expected latency of the supernet at the end (ProxylessNAS, eq. 6)
 * @param strength lambda, lambda2 or beta at the end
 * @param constrained whether the most probable network missed the budget, so that the most probable
 *     one within it was taken
 * @param weightStepPeakBytes most activations and workspace held at once in a weight step
 * @param architectureStepPeakBytes the same in an architecture step
 */
public record SearchResult(
    Found found,
    @Nullable Found random,
    double expectedMs,
    double strength,
    boolean constrained,
    long weightStepPeakBytes,
    long architectureStepPeakBytes) {
  /**
   * A trained network.
   *
   * @param predictedMs by the latency table
   * @param measuredMs median on this machine
   * @param testAccuracy share of test images classified right, by the compiled model
   * @param seconds it took to find and train
   */
  public record Found(
      Architecture architecture,
      double predictedMs,
      double measuredMs,
      double testAccuracy,
      double seconds) {}
}
