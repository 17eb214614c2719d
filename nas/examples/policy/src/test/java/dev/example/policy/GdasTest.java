package dev.example.policy;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.autograd.nn.Initializer;
import dev.sextant.nas.cells.ArchitectureCost;
import dev.sextant.nas.cost.Cost;
import dev.sextant.nas.cost.Costs;
import dev.sextant.nas.cost.Counts;
import dev.sextant.nas.cost.ExpectedCost;
import dev.sextant.nas.data.DataOptions;
import dev.sextant.nas.data.Datasets;
import dev.sextant.nas.method.Methods;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.objective.Loss;
import dev.sextant.nas.policy.ArchitectureSteps;
import dev.sextant.nas.policy.PolicyCosts;
import dev.sextant.nas.policy.PolicyRequest;
import dev.sextant.nas.provider.Options;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.SearchResult;
import dev.sextant.nas.run.SearchSetup;
import dev.sextant.nas.search.SearchRun;
import dev.sextant.nas.space.Space;
import dev.sextant.nas.supernet.MultiPathSupernet;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.Rng;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The temperature, and a search of seconds by the method's name, stopped and continued. */
class GdasTest {
  private static final String DATA = "builtin:300";
  private static final Space SPACE =
      Space.parse(
          """
          {"format": "sextant-space/1", "name": "tiny", "classes": 10,
           "input": {"height": 28, "width": 28, "channels": 1},
           "layers": [
             {"op": "conv", "kernel": 3, "stride": 2, "out": 8, "norm": "batch", "act": "relu6"},
             {"choice": [{"op": "mbconv", "kernel": 3, "expand": 2},
                         {"op": "mbconv", "kernel": 5, "expand": 3}, {"op": "skip"}],
              "out": 12, "stride": 2, "repeat": 3},
             {"op": "global-avg-pool"}, {"op": "linear", "out": 10}]}
          """,
          "tiny");

  @TempDir private Path folder;

  private static final class Stop extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  /** What a run of the chain asks of costs. */
  private record Macs(ExpectedCost layers) implements PolicyCosts {
    @Override
    public Cost sampled() {
      return layers;
    }

    @Override
    public double expected(double[][] probabilities) {
      return layers.expected(probabilities);
    }

    @Override
    public ArchitectureCost cells() {
      throw new UnsupportedOperationException("no cells");
    }
  }

  @Test
  void theTemperatureFallsAndSamplesHarden() {
    GumbelSoftmax provider = new GumbelSoftmax();
    Rng rng = new Rng(1);
    try (Backend backend = Backend.cpu(1);
        MultiPathSupernet supernet =
            new MultiPathSupernet(SPACE, new Initializer(backend, new Rng(2)))) {
      PolicyRequest<MultiPathSupernet, Loss> request =
          new PolicyRequest<>(
              backend,
              supernet,
              new Loss.AddLinear(0.1, 1e6),
              new Macs(Counts.MACS.costs(SPACE)),
              null,
              ArchitectureSteps.DEFAULT,
              () -> {
                throw new UnsupportedOperationException("no mixtures");
              },
              Options.of(provider, Map.of("gumbel-softmax.first-temperature", "5")),
              rng);
      try (GumbelSoftmaxPolicy policy = new GumbelSoftmaxPolicy(request)) {
        double softest = 1;
        double before = Double.POSITIVE_INFINITY;
        for (double progress : new double[] {0, 0.5, 1}) {
          policy.sample(0, progress);
          assertEquals(5 + (0.1 - 5) * progress, policy.temperature(), 1e-12);
          assertTrue(policy.temperature() < before);
          before = policy.temperature();
          double largest = meanLargest(policy);
          assertTrue(progress == 0 || largest > softest, largest + " after " + softest);
          softest = largest;
        }
        assertTrue(softest > 0.95, softest + " is not hard");
      }
    }
  }

  private static double meanLargest(GumbelSoftmaxPolicy policy) {
    double sum = 0;
    for (int i = 0; i < 100; i++) {
      sum += Arrays.stream(policy.draw()[0]).max().orElseThrow();
    }
    return sum / 100;
  }

  @Test
  void aStoppedSearchEndsInTheSameBits() throws Exception {
    assertTrue(SearchRun.class.getModule().isNamed(), "not on the module path");
    ExpectedCost macs = Counts.MACS.costs(SPACE);
    double budget = (macs.minimum() + macs.maximum()) / 2;
    RunDirectory whole = new RunDirectory(folder.resolve("whole"));
    SearchResult result;
    try (SearchRun run = start(whole, budget, 1e9, Progress.NONE)) {
      result = run.run();
    }
    assertEquals(budget, result.found().predictedCost(), 0.15 * budget);
    RunDirectory stopped = new RunDirectory(folder.resolve("stopped"));
    int stops = 0;
    SearchRun run = start(stopped, budget, 0, stopAfter(9));
    while (true) {
      try (SearchRun open = run) {
        open.run();
        break;
      } catch (Stop e) {
        stops++;
      }
      run = SearchRun.resume(stopped, 0, stopAfter(9));
    }
    assertTrue(stops > 2, stops + " stops");
    assertArrayEquals(
        Files.readAllBytes(whole.weights()), Files.readAllBytes(stopped.weights()), "weights");
    assertEquals(Files.readString(whole.architecture()), Files.readString(stopped.architecture()));
    System.out.printf(
        "policy: %.0f of %.0f multiply-adds, the same bits after %d stops%n",
        result.found().predictedCost(), budget, stops);
  }

  /** A budget of multiply-adds, so that nothing is measured. */
  private static SearchRun start(
      RunDirectory directory, double budget, double checkpointSeconds, Progress progress) {
    SearchConfig config =
        Methods.ALL
            .named("gdas")
            .config(Methods.ALL.named("gdas").recipe().withCost(Costs.MACS), budget);
    config =
        config
            .withWeights(config.weights().withEpochs(1, 2), config.descent())
            .withRetraining(config.retraining().withEpochs(1))
            .withRandomSamples(0);
    SearchSetup setup =
        new SearchSetup(
            DATA, DataOptions.DEFAULT, SPACE, config, false, Device.parse("cpu"), 1, 1, 1);
    return SearchRun.start(
        directory,
        setup,
        Counts.MACS,
        Datasets.open(DATA, DataOptions.DEFAULT),
        checkpointSeconds,
        progress);
  }

  private static Progress stopAfter(int steps) {
    return new Progress() {
      private int left = steps;

      @Override
      public void step(String stage, long done, long all, String status, long peakBytes) {
        if (--left == 0) {
          throw new Stop();
        }
      }

      @Override
      public void message(String text) {}
    };
  }
}
