package dev.sextant.nas.search;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.cost.LatencyTable;
import dev.sextant.nas.method.PublishedMethod;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.space.Space;
import dev.sextant.runtime.Architecture;
import dev.sextant.tensor.Rng;
import java.util.Arrays;
import java.util.stream.DoubleStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Networks whose latencies are a function of what is predicted for them. */
class BudgetDerivationTest {
  private int measured;

  /**
   * Latencies that grow faster or more slowly with the prediction than it does, and are off
   * altogether: a few measurements end within a percent of the budget. Corrected by ratios alone
   * the error of the first row would not shrink: its latency is predicted squared.
   */
  @ParameterizedTest
  @CsvSource({"1, 2, 4", "1, 3, 5", "1.2, 2, 5", "0.7, 1, 2", "1.3, 0.4, 8", "1, 1, 1"})
  void networksMeasureTheBudget(double factor, double power, int measurements) {
    Space space = Space.named("proxyless-small");
    LatencyTable table = TinyRun.table(space);
    Pricing pricing = Pricing.of(table, space);
    double budget = 0.45 * pricing.minimum() + 0.55 * pricing.maximum();
    double middle = 0.9 * budget;
    SearchConfig config = TinyRun.config(1, PublishedMethod.PROXYLESS_G.recipe(), budget);
    Rng rng = new Rng(3);
    double[][] preferences =
        Arrays.stream(space.options())
            .mapToObj(options -> DoubleStream.generate(rng::nextDouble).limit(options).toArray())
            .toArray(double[][]::new);
    BudgetDerivation derivation = new BudgetDerivation(space, config.budget(), 0.01, Progress.NONE);
    BudgetDerivation.Derived derived =
        derivation.measured(
            (prices, low, high) -> prices.mostProbable(preferences, low, high),
            pricing,
            network -> {
              measured++;
              return latency(table, network, factor, power, middle);
            });
    double found = latency(table, space.derive(derived.decisions()), factor, power, middle);
    assertEquals(budget, found, 0.01 * budget);
    assertTrue(measured <= measurements, measured + " measured");
    assertEquals(budget, derived.pricing().of(derived.decisions()), 0.01 * budget);
  }

  private static double latency(
      LatencyTable table, Architecture network, double factor, double power, double middle) {
    return factor * middle * Math.pow(table.predict(network) / middle, power);
  }
}
