package dev.sextant.nas.truth;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.method.PublishedMethod;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.SearchSetup;
import dev.sextant.nas.search.SearchRun;
import dev.sextant.nas.search.TinyRun;
import dev.sextant.nas.space.Decisions;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs of seconds, judged by a table that a formula gives. */
@Tag("long")
class JudgedRunTest {
  private static final double NEVER = 1e9;

  @TempDir private Path folder;

  private RunDirectory run(PublishedMethod method, List<Double> others) {
    SearchConfig config =
        TinyRun.config(1, method.recipe())
            .withRandomSamples(method == PublishedMethod.RANDOM ? 1 : 0);
    SearchSetup setup =
        TinyRun.setup(config.withBudget(config.budget().withCeiling(true).withFront(others, 0)));
    RunDirectory directory = RunDirectory.create(folder.resolve(method.id()));
    try (SearchRun run =
        SearchRun.start(
            directory, setup, TinyRun.model(setup), TinyRun.data(), NEVER, Progress.NONE)) {
      run.run();
    }
    return directory;
  }

  @Test
  void everyBudgetOfARunIsJudged() throws IOException {
    RunDirectory front = run(PublishedMethod.FRONT, List.of(0.28));
    int[] options =
        TinyRun.setup(TinyRun.config(1, PublishedMethod.FRONT.recipe())).space().options();
    StringBuilder text = new StringBuilder("network,accuracy\n");
    for (int number = 0; number < 100; number++) {
      text.append(Decisions.text(Decisions.at(options, number)));
      text.append(',').append(0.5 + 0.001 * number).append('\n');
    }
    Path truth = Files.writeString(folder.resolve("truth.csv"), text);
    List<JudgedRun> judged = JudgedRun.of(front, truth);
    assertEquals(2, judged.size());
    assertTrue(judged.get(0).judgement().within() < judged.get(1).judgement().within());
    for (JudgedRun run : judged) {
      Judgement judgement = run.judgement();
      assertEquals("front", run.method());
      assertTrue(judgement.rank() >= 1 && judgement.rank() <= judgement.within());
      assertEquals(judgement.best() - judgement.accuracy(), judgement.gap());
      // Not a number where few networks are near the budget.
      assertFalse(Math.abs(judgement.spearman()) > 1, "Spearman " + judgement.spearman());
      assertTrue(run.searchSeconds() > 0);
    }
    JudgedRun gates = JudgedRun.of(run(PublishedMethod.PROXYLESS_G, List.of()), truth).getFirst();
    assertEquals("proxyless-g", gates.method());
    assertEquals(judged.getFirst().judgement().within(), gates.judgement().within());
    assertTrue(Double.isNaN(spearmanOf(PublishedMethod.RANDOM, truth)));
  }

  private double spearmanOf(PublishedMethod method, Path truth) {
    return JudgedRun.of(run(method, List.of()), truth).getFirst().judgement().spearman();
  }

  @Test
  void aRunThatHasNotEndedIsRefused() throws IOException {
    SearchSetup setup = TinyRun.setup(TinyRun.config(1, PublishedMethod.FRONT.recipe()));
    RunDirectory directory = RunDirectory.create(folder.resolve("begun"));
    SearchRun.prepare(directory, setup, TinyRun.model(setup));
    Path truth = Files.writeString(folder.resolve("truth.csv"), "network,accuracy\n0-0-0,1\n");
    String message =
        assertThrows(SextantException.class, () -> JudgedRun.of(directory, truth)).getMessage();
    assertTrue(message.contains("has not ended"), message);
  }
}
