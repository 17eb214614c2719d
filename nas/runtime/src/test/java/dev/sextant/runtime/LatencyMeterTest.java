package dev.sextant.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.runtime.clock.ClockSpeed;
import dev.sextant.runtime.layer.Linear;
import dev.sextant.runtime.layer.MbConv;
import dev.sextant.runtime.layer.Skip;
import dev.sextant.runtime.layer.Zero;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.time.Duration;
import java.util.Arrays;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("long")
class LatencyMeterTest {
  private static final LatencyMeter QUICK =
      new LatencyMeter(0.02, Duration.ofMillis(300), Duration.ofSeconds(1), Duration.ofSeconds(1));

  private static void busyWait(long nanos) {
    long end = System.nanoTime() + nanos;
    while (System.nanoTime() < end) {
      Thread.onSpinWait();
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {5_000, 200_000, 1_000_000})
  void measuresABusyWait(long nanos) {
    Latency latency = QUICK.measure(() -> busyWait(nanos));
    assertEquals(nanos / 1e6, latency.medianMs(), 0.05 * nanos / 1e6, latency.toString());
    assertTrue(latency.p90Ms() >= latency.medianMs() && latency.p99Ms() >= latency.p90Ms());
    assertTrue(latency.count() >= 20, latency.toString());
  }

  @Test
  void stopsAtTheLimitWhereNothingIsStable() {
    Rng rng = new Rng(1);
    LatencyMeter strict =
        new LatencyMeter(1e-9, Duration.ofMillis(50), Duration.ofMillis(200), Duration.ZERO);
    long start = System.nanoTime();
    Latency latency = strict.measure(() -> busyWait(100_000 + rng.nextInt(1_000_000)));
    assertTrue(System.nanoTime() - start < 2_000_000_000L);
    assertTrue(latency.relativeInterval() > 1e-9);
    assertTrue(latency.count() > 20);
  }

  @Test
  void aRunLongerThanEveryLimitIsStillMeasured() {
    LatencyMeter meter = new LatencyMeter(0.02, Duration.ZERO, Duration.ZERO, Duration.ZERO);
    Latency latency = meter.measure(() -> busyWait(3_000_000));
    assertEquals(1, latency.count());
    assertTrue(latency.medianMs() >= 3);
  }

  @Test
  void theSummaryIsThatOfOrderStatistics() {
    double[] samples = new double[120];
    Arrays.setAll(samples, i -> i < 100 ? 100 - i : 1e9);
    Latency latency = LatencyMeter.summary(samples, 100, new double[0], 0);
    assertEquals(50.5, latency.medianMs());
    assertEquals(90, latency.p90Ms());
    assertEquals(99, latency.p99Ms());
    assertEquals(100, latency.count());
    // Ranks 40 and 61 of 100 (Conover, 1999): 95 % of binomial(100, 1/2) lies between them.
    assertEquals(20 / 50.5, latency.relativeInterval(), 1.1 / 50.5);
  }

  @Test
  void aDisturbedSampleCountsInThePercentilesAlone() {
    double[] samples = new double[40];
    Arrays.setAll(samples, i -> i < 20 ? 100 + i : 1000);
    double[] undisturbed = Arrays.copyOf(samples, 20);
    Latency latency = LatencyMeter.summary(samples, 40, undisturbed, 20);
    assertEquals(109.5, latency.medianMs());
    assertEquals(20, latency.count());
    assertEquals(1000, latency.p90Ms());
    assertEquals(559.5, LatencyMeter.summary(samples, 40, undisturbed, 19).medianMs());
  }

  /** The interval must hold the true median in 95 % of repetitions, give or take chance. */
  @Test
  void theIntervalCoversTheMedian() {
    Rng rng = new Rng(2);
    int covered = 0;
    int repetitions = 2000;
    for (int repetition = 0; repetition < repetitions; repetition++) {
      double[] samples = new double[60];
      Arrays.setAll(samples, i -> Math.exp(rng.nextGaussian()));
      Arrays.sort(samples);
      double[] interval = LatencyMeter.interval(samples);
      covered += interval[0] <= 1 && 1 <= interval[1] ? 1 : 0;
    }
    assertEquals(0.955, covered / (double) repetitions, 0.03);
  }

  /** Two slow rounds agree, but the clock or others at work keep them from counting. */
  @Test
  void steadyWaitsNoLongerThanItsPatience() {
    LatencyMeter patient =
        new LatencyMeter(1e-9, Duration.ZERO, Duration.ZERO, Duration.ofMillis(200));
    int[] rounds = {0};
    long start = System.nanoTime();
    Latency least =
        patient.steady(
            () -> {
              busyWait(1_000_000);
              return new Latency(10.0 - rounds[0]++ % 7, 20, 30, 40, 0.001);
            });
    assertTrue(System.nanoTime() - start < 2_000_000_000L);
    assertEquals(4, least.medianMs());
    assertTrue(rounds[0] >= LatencyMeter.MAX_ROUNDS, "rounds: " + rounds[0]);
  }

  @Test
  void theClockIsNeverFasterThanItsFastest() {
    double least = Double.POSITIVE_INFINITY;
    for (int i = 0; i < 30; i++) {
      double slowdown = ClockSpeed.slowdown();
      assertTrue(slowdown >= 1 && slowdown < 100, "slowdown " + slowdown);
      least = Math.min(least, slowdown);
    }
    assertEquals(1, least, 0.3);
  }

  @Test
  void refusesAGoalThatCannotBe() {
    assertThrows(
        SextantException.class,
        () -> new LatencyMeter(0, Duration.ZERO, Duration.ZERO, Duration.ZERO));
    assertThrows(
        SextantException.class,
        () -> new LatencyMeter(Double.NaN, Duration.ZERO, Duration.ZERO, Duration.ZERO));
    assertThrows(
        SextantException.class,
        () -> new LatencyMeter(0.02, Duration.ofMillis(-1), Duration.ZERO, Duration.ZERO));
  }

  @Test
  void profilesLayersAndNetworks() {
    LatencyProfile profile = new LatencyProfile(dev.sextant.tensor.Device.CPU, 1, QUICK);
    Shape image = Shape.of(1, 16, 16, 16);
    assertEquals(Latency.NOTHING, profile.layer(new Skip(), image));
    assertEquals(Latency.NOTHING, profile.layer(new Zero(), image));
    Latency narrow = profile.layer(new MbConv(3, 1, 1, 16, Activation.RELU6, 0, true), image);
    Latency wide = profile.layer(new MbConv(7, 1, 6, 16, Activation.RELU6, 0.25, true), image);
    assertTrue(
        0 < narrow.medianMs() && 2 * narrow.medianMs() < wide.medianMs(),
        narrow + " against " + wide);
    assertTrue(profile.network(CompiledModelTest.small(), 2).medianMs() > 0);
    assertThrows(SextantException.class, () -> profile.layer(new Linear(3), image));
  }

  /** Work that becomes faster again and again, each time well after the last. */
  @Test
  void warmingUpGoesOnForAsLongAsRunsBecomeFaster() {
    long start = System.nanoTime();
    int[] runs = new int[1];
    LatencyMeter.untilCompiled(
        () -> {
          runs[0]++;
          long since = (System.nanoTime() - start) / 1_000_000;
          long ms = since < 200 ? 40 : since < 450 ? 20 : 10;
          try {
            Thread.sleep(ms);
          } catch (InterruptedException e) {
            throw new IllegalStateException(e);
          }
        });
    long lasted = (System.nanoTime() - start) / 1_000_000;
    // Rounds of 100 ms: the last gain after 450 ms, then at least three without.
    assertTrue(lasted >= 700, lasted + " ms");
    assertTrue(runs[0] >= 10, runs[0] + " runs");
  }
}
