package dev.sextant.nas.search;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.cost.ExpectedCost;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.method.PublishedMethod;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.SearchResult;
import dev.sextant.nas.run.SearchSetup;
import dev.sextant.nas.space.Space;
import dev.sextant.runtime.Architecture;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Searches of a chain that forks, gone through and stopped on the way. */
@Tag("long")
class TreeRunTest {
  @TempDir private Path folder;

  private static SearchSetup setup(PublishedMethod method) {
    ImageDataset data = TinyRun.data();
    Space space =
        Space.named("proxyless-tree-small")
            .withInput(
                new Architecture.Input(data.height(), data.width(), data.channels()),
                data.classes());
    ExpectedCost cost = TinyRun.table(space).costs(space);
    double budget = (cost.minimum() + cost.maximum()) / 2;
    return TinyRun.setup(TinyRun.config(3, method.recipe(), budget), space);
  }

  private static SearchResult run(Path path, SearchSetup setup, Progress progress) {
    RunDirectory directory = new RunDirectory(path);
    try (SearchRun run =
        TinyRun.start(directory, setup, progress == Progress.NONE ? 1e9 : 0, progress)) {
      return run.run();
    }
  }

  /** The compiled network is as accurate as its evaluation in training says: it forks too. */
  @ParameterizedTest
  @EnumSource(value = PublishedMethod.class, names = "PROXYLESS_R")
  void aStoppedSearchEndsWithTheSameBits(PublishedMethod method) throws Exception {
    SearchSetup setup = setup(method);
    Path whole = folder.resolve("whole");
    SearchResult result = run(whole, setup, Progress.NONE);
    double budget = setup.config().budget().cost();
    assertTrue(Math.abs(result.found().predictedCost() / budget - 1) < 0.03, result::toString);
    assertEquals(setup.space().layers(), result.found().architecture().layers().size());

    Path stopped = folder.resolve("stopped");
    assertThrows(StopAfter.Stopped.class, () -> run(stopped, setup, new StopAfter(17)));
    try (SearchRun resumed = SearchRun.resume(new RunDirectory(stopped), 1e9, Progress.NONE)) {
      resumed.run();
    }
    for (String file : new String[] {"architecture.json", "weights.safetensors"}) {
      assertArrayEquals(
          Files.readAllBytes(whole.resolve(file)), Files.readAllBytes(stopped.resolve(file)), file);
    }
  }

  @Test
  void aSupernetThatCannotForkSaysSo() {
    RuntimeException e =
        assertThrows(
            RuntimeException.class,
            () -> run(folder.resolve("tunas"), setup(PublishedMethod.TUNAS), Progress.NONE));
    assertTrue(String.valueOf(e.getMessage()).contains("multi-path"), e.getMessage());
  }
}
