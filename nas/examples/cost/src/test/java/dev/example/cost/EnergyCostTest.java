package dev.example.cost;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.cost.CostModel;
import dev.sextant.nas.cost.CostProvider;
import dev.sextant.nas.cost.CostRequest;
import dev.sextant.nas.cost.Costs;
import dev.sextant.nas.cost.ExpectedCost;
import dev.sextant.nas.data.DataOptions;
import dev.sextant.nas.method.Methods;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.provider.Options;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.SearchResult;
import dev.sextant.nas.run.SearchSetup;
import dev.sextant.nas.search.SearchRun;
import dev.sextant.nas.space.Space;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Prices against sums by hand, and a search of seconds within a budget of energy. */
class EnergyCostTest {
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
              "out": 8, "stride": 1, "repeat": 2},
             {"op": "global-avg-pool"}, {"op": "linear", "out": 10}]}
          """,
          "tiny");

  private static final String TABLE =
      """
      layer,input,mJ
      CONV,28x28x1,3
      SMALL,14x14x8,2
      LARGE,14x14x8,7.5
      POOL,14x14x8,0.25
      LINEAR,8,0.5
      """;

  @TempDir private Path folder;

  /** What the prices call a layer. */
  private static String label(int position, int candidate) {
    return SPACE.positions().get(position).layers().get(candidate).label();
  }

  /** The prices without the lines that end so. */
  private Path table(String without) throws IOException {
    String text =
        TABLE
            .replace("CONV", label(0, 0))
            .replace("SMALL", label(1, 0))
            .replace("LARGE", label(1, 1))
            .replace("POOL", label(3, 0))
            .replace("LINEAR", label(4, 0));
    List<String> lines = text.lines().filter(line -> !line.endsWith(without)).toList();
    return Files.write(folder.resolve("prices.csv"), lines);
  }

  private static CostModel model(Path table) {
    CostProvider cost = Costs.ALL.named("energy");
    return cost.model(
        new CostRequest(
            SPACE,
            table,
            Options.of(cost, Map.of()),
            new CostRequest.Measuring(Device.parse("cpu"), 1, 1, 20),
            1,
            Progress.NONE));
  }

  @Test
  void pricesAddUp() throws IOException {
    ExpectedCost costs = model(table(",none")).costs(SPACE);
    double fixed = 3 + 0.25 + 0.5;
    assertEquals(fixed + 2 + 7.5, costs.of(new int[] {0, 1}));
    assertEquals(fixed, costs.minimum());
    assertEquals(fixed + 15, costs.maximum());
    double[][] probabilities = {{0.5, 0.5, 0}, {0, 0.2, 0.8}};
    assertEquals(fixed + 4.75 + 1.5, costs.expected(probabilities), 1e-12);
  }

  @Test
  void whatHasNoPriceIsRefused() throws IOException {
    CostModel lacking = model(table(",7.5"));
    assertEquals(
        "energy: layer %s on 14x14x8 has no price".formatted(label(1, 1)),
        assertThrows(SextantException.class, () -> lacking.costs(SPACE)).getMessage());
    Path damaged = Files.writeString(folder.resolve("x.csv"), "layer,input,mJ\na,1x1x1,much\n");
    assertEquals(
        damaged + ": line 2: mJ: 'much' is no energy",
        assertThrows(SextantException.class, () -> model(damaged)).getMessage());
    assertThrows(SextantException.class, () -> model(folder.resolve("none.csv")));
  }

  /** The prices a run began with are its own: the table may go. */
  @Test
  void aSearchStaysWithinItsBudget() throws IOException {
    assertTrue(SearchRun.class.getModule().isNamed(), "not on the module path");
    CostProvider energy = Costs.ALL.named("energy");
    SearchConfig method = Methods.ALL.named("proxyless-g").config(9);
    SearchConfig config = SearchConfig.of(method.recipe().withCost(energy), 9);
    config =
        config
            .withWeights(config.weights().withEpochs(1, 1), config.descent())
            .withRetraining(config.retraining().withEpochs(1))
            .withRandomSamples(0);
    Path table = table(",none");
    SearchSetup setup =
        new SearchSetup(
            DATA, DataOptions.DEFAULT, SPACE, config, true, Device.parse("cpu"), 1, 1, 1);
    RunDirectory directory = new RunDirectory(folder.resolve("run"));
    SearchRun.prepare(directory, setup, model(table));
    Files.delete(table);
    SearchResult result;
    try (SearchRun run = SearchRun.resume(directory, 1e9, Progress.NONE)) {
      result = run.run();
    }
    assertTrue(result.found().predictedCost() <= 9, result::toString);
    assertTrue(Files.readString(directory.report()).contains("mJ"));
    System.out.printf("cost: %.2f of 9 mJ%n", result.found().predictedCost());
  }
}
