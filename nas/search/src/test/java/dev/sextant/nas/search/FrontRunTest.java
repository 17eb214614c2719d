package dev.sextant.nas.search;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import dev.sextant.nas.cost.Costs;
import dev.sextant.nas.csv.CsvTable;
import dev.sextant.nas.method.PublishedMethod;
import dev.sextant.nas.method.Recipe;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.method.SearchImages;
import dev.sextant.nas.method.SupernetKind;
import dev.sextant.nas.prior.Priors;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.RunFile;
import dev.sextant.nas.run.SearchResult;
import dev.sextant.runtime.json.JsonText;
import dev.sextant.tensor.SextantException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One search by scores for several budgets, and a front. */
@Tag("long")
class FrontRunTest {
  private static final double NEVER = 1e9;

  @TempDir private Path folder;

  private RunDirectory directory(String name) {
    return new RunDirectory(folder.resolve(name));
  }

  private static SearchConfig config() {
    SearchConfig config = TinyRun.config(1, PublishedMethod.FRONT.recipe());
    return config
        .withImages(new SearchImages(1, 0.2, 14), config.batches())
        .withBudget(config.budget().withCeiling(true).withFront(List.of(0.15, 0.28), 4))
        .withRandomSamples(0);
  }

  private static SearchResult run(RunDirectory directory, SearchConfig config) {
    try (SearchRun run = TinyRun.start(directory, config, NEVER, Progress.NONE)) {
      return run.run();
    }
  }

  /** Kills while networks are scored, while weights learn and while the best are looked at. */
  @Test
  void oneSearchServesSeveralBudgetsAndEndsInTheSameBitsAfterKills() throws Exception {
    RunDirectory whole = directory("whole");
    SearchResult result = run(whole, config());
    assertTrue(result.found().predictedCost() <= TinyRun.BUDGET);
    assertEquals(2, result.others().size());
    assertTrue(result.others().get(0).predictedCost() <= 0.15);
    assertTrue(result.others().get(1).predictedCost() > TinyRun.BUDGET);
    assertTrue(result.others().get(1).predictedCost() <= 0.28);
    assertTrue(Files.isRegularFile(whole.weights(3)));
    List<CsvTable.Row> front = CsvTable.parse(Files.readString(whole.front())).rows();
    assertTrue(front.size() > 1 && front.size() <= 4, front.size() + " on the front");
    for (int i = 1; i < front.size(); i++) {
      assertTrue(front.get(i).number("cost") > front.get(i - 1).number("cost"));
      assertTrue(front.get(i).number("score") > front.get(i - 1).number("score"));
      assertTrue(front.get(i).number("measured_ms") > 0);
    }
    // 24 drawn, then those that the fits hold for the best: at most 64 for each of three budgets.
    int scores = CsvTable.parse(Files.readString(whole.scores())).rows().size();
    assertTrue(scores > 24 && scores <= 24 + 3 * 64, scores + " scores");
    assertTrue(Files.readString(whole.report()).contains("Score over latency"));
    JsonObject peaks = JsonText.parse(Files.readString(whole.result()), "result");
    double training = peaks.get("weightStepPeakBytes").getAsDouble();
    double scoring = peaks.get("architectureStepPeakBytes").getAsDouble();
    assertTrue(scoring <= 1.05 * training, scoring + " bytes to score, " + training + " to train");
    RunDirectory stopped = directory("stopped");
    SearchRun run = TinyRun.start(stopped, config(), 0, new Stops());
    for (boolean ended = false; !ended; ) {
      try (SearchRun open = run) {
        open.run();
        ended = true;
      } catch (Stop e) {
        // Resumed below.
      }
      if (!ended) {
        run = SearchRun.resume(stopped, 0, new Stops());
      }
    }
    for (int budget = 1; budget <= 3; budget++) {
      assertArrayEquals(
          Files.readAllBytes(whole.weights(budget)), Files.readAllBytes(stopped.weights(budget)));
      assertArrayEquals(
          Files.readAllBytes(whole.architecture(budget)),
          Files.readAllBytes(stopped.architecture(budget)));
    }
    assertEquals(Files.readString(whole.scores()), Files.readString(stopped.scores()));
    assertEquals(config(), new RunFile(stopped).read().config());
  }

  private static final class Stop extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  private static final class Stops implements Progress {
    private int left = 11;

    @Override
    public void step(String stage, long done, long all, String status, long peakBytes) {
      if (--left == 0) {
        throw new Stop();
      }
    }

    @Override
    public void message(String text) {}
  }

  /** Shared weights, another cost and prior. */
  @Test
  void sharedWeightsAreScoredToo() {
    Recipe recipe = Recipe.scored("front", SupernetKind.COLLAPSED, Priors.DEPTH, Costs.MACS);
    SearchConfig config = TinyRun.config(1, recipe, 120_000);
    RunDirectory directory = directory("shared");
    SearchResult result =
        run(directory, config.withBudget(config.budget().withCeiling(true)).withRandomSamples(0));
    assertTrue(result.found().predictedCost() <= 120_000);
    assertEquals(recipe, new RunFile(directory).read().config().recipe());
  }

  @Test
  void whatMeansNothingIsRefused() {
    SearchConfig gates = TinyRun.config(1, PublishedMethod.PROXYLESS_G.recipe());
    assertMessage(
        "budget: a search by proxyless-g is for one budget",
        () -> gates.withBudget(gates.budget().withFront(List.of(0.3), 0)));
    assertMessage(
        "front: a search by proxyless-g",
        () -> gates.withBudget(gates.budget().withFront(List.of(), 3)));
    assertMessage(
        "supernet superkernel with method front: it draws no single networks",
        () -> Recipe.scored("front", SupernetKind.SUPERKERNEL, Priors.NONE, Costs.MACS));
    assertMessage(
        "supernet cells with method front: it scores chains",
        () -> Recipe.scored("front", SupernetKind.CELLS, Priors.NONE, Costs.MACS));
    assertMessage(
        "method front with cost measured",
        () -> PublishedMethod.FRONT.recipe().withCost(Costs.MEASURED));
  }

  private static void assertMessage(String begin, Runnable refused) {
    String message = assertThrows(SextantException.class, refused::run).getMessage();
    assertTrue(message.startsWith(begin), message);
  }
}
