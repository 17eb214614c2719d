package dev.sextant.nas.search;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.cost.CostModel;
import dev.sextant.nas.cost.Counts;
import dev.sextant.nas.cost.ExpectedCost;
import dev.sextant.nas.cost.MemoryUse;
import dev.sextant.nas.method.Limit;
import dev.sextant.nas.method.PublishedMethod;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.RunFile;
import dev.sextant.nas.run.SearchResult;
import dev.sextant.nas.run.SearchSetup;
import dev.sextant.nas.space.Space;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.CompiledModel;
import dev.sextant.runtime.Weights;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Networks that keep limits besides the budget, by every kind of search. */
class LimitsTest {
  @TempDir private Path folder;

  private static final Space SPACE =
      (Space) TinyRun.space(TinyRun.data(), PublishedMethod.PROXYLESS_G.recipe());

  private static SearchConfig config(PublishedMethod method, double... shares) {
    ExpectedCost parameters = Counts.PARAMETERS.costs(SPACE);
    double most = parameters.minimum() + shares[0] * (parameters.maximum() - parameters.minimum());
    SearchConfig config = TinyRun.config(1, method.recipe());
    List<Limit> limits =
        List.of(new Limit("parameters", most, null), new Limit(Limit.MEMORY, shares[1], null));
    return config.withBudget(config.budget().withCeiling(true).withLimits(limits));
  }

  /** The network found, that of random search, and what the run notes of them. */
  @ParameterizedTest
  @EnumSource(
      value = PublishedMethod.class,
      names = {"PROXYLESS_G", "TUNAS", "FRONT", "RANDOM"})
  void networksKeepAllOfThem(PublishedMethod method) throws IOException {
    SearchConfig config = config(method, 0.5, 38_000);
    RunDirectory directory = new RunDirectory(folder.resolve("run"));
    SearchResult result;
    try (SearchRun run = TinyRun.start(directory, config, 1e9, Progress.NONE)) {
      result = run.run();
    }
    List<Limit> limits = config.budget().limits();
    assertKeeps(limits, result.found().architecture());
    if (result.random() != null) {
      assertKeeps(limits, result.random().architecture());
    }
    assertEquals(
        result.found().architecture().parameters(), result.limited().get("parameters"), 1e-9);
    assertTrue(Files.readString(directory.result()).contains("found.limited.memory"));
    assertTrue(Files.readString(directory.report()).contains("Limit of memory"));
    assertEquals(limits, new RunFile(directory).read().config().budget().limits());
  }

  private static void assertKeeps(List<Limit> limits, Architecture network) {
    assertTrue(network.parameters() <= limits.get(0).most(), network.parameters() + " parameters");
    double memory = MemoryUse.of(network);
    assertTrue(memory <= limits.get(1).most(), memory + " bytes");
  }

  @Test
  void aCompiledModelTakesNoMoreMemory() {
    SearchConfig config = TinyRun.config(1, PublishedMethod.PROXYLESS_G.recipe());
    RunDirectory directory = new RunDirectory(folder.resolve("whole"));
    try (SearchRun run =
        TinyRun.start(directory, config.withRandomSamples(0), 1e9, Progress.NONE)) {
      Architecture network = run.run().found().architecture();
      try (CompiledModel model =
          CompiledModel.compile(network, Weights.read(directory.weights()))) {
        long bytes = model.activationBytes() + model.weightBytes();
        assertTrue(bytes <= 1.1 * MemoryUse.of(network), bytes + " bytes");
      }
    }
  }

  @Test
  void whatCannotBeMetTogetherIsRefusedWithTheNearest() {
    // The dearest networks have the most parameters.
    SearchConfig config = config(PublishedMethod.PROXYLESS_G, 0.05, 1e9);
    SearchSetup setup = TinyRun.setup(config);
    CostModel model = TinyRun.model(setup);
    double dear = Pricing.of(model, SPACE).maximum();
    SearchSetup both =
        setup.with(
            TinyRun.config(1, config.recipe(), dear)
                .withBudget(
                    TinyRun.config(1, config.recipe(), dear)
                        .budget()
                        .withLimits(config.budget().limits())));
    String message =
        assertThrows(SextantException.class, () -> BudgetCheck.check(both, model)).getMessage();
    assertTrue(
        message.matches(
            "max: no network of tiny meets the budget of .* ms and all limits; the nearest has .*"
                + " ms, .* parameters, .* bytes"),
        message);
  }

  @Test
  void whatIsNoLimitIsRefused() {
    assertRefused(new Limit("latency", 1, null), "max latency");
    assertRefused(new Limit("macs", 1, null), "max: no network");
    assertRefused(new Limit("fame", 1, null), "fame");
  }

  private static void assertRefused(Limit limit, String part) {
    SearchConfig config = TinyRun.config(1, PublishedMethod.PROXYLESS_G.recipe());
    SearchSetup setup =
        TinyRun.setup(config.withBudget(config.budget().withLimits(List.of(limit))));
    String message =
        assertThrows(SextantException.class, () -> BudgetCheck.check(setup, TinyRun.model(setup)))
            .getMessage();
    assertTrue(message.contains(part), message);
  }
}
