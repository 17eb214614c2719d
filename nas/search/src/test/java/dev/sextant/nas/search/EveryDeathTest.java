package dev.sextant.nas.search;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.cells.CellLatencies;
import dev.sextant.nas.cells.CellSamples;
import dev.sextant.nas.method.PublishedMethod;
import dev.sextant.nas.predict.LatencyPredictor;
import dev.sextant.nas.predict.PredictorRecipe;
import dev.sextant.nas.run.Deaths;
import dev.sextant.nas.run.Deaths.Death;
import dev.sextant.nas.space.CellSpace;
import dev.sextant.nas.space.Genotype;
import dev.sextant.nas.train.TrainingRun;
import dev.sextant.runtime.Architecture;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A process that dies at any call of the file system leaves a directory in which the same command
 * starts again, or resume goes on, to the same bits. Every call is tried; of deaths that leave the
 * same but for files that were not renamed yet, one goes on to the end and the others begin.
 */
@Tag("long")
@Execution(ExecutionMode.CONCURRENT)
class EveryDeathTest {
  @TempDir private Path folder;

  /** One method, whose files are those of all; {@code -Dsextant.fuzz} for every method. */
  static Stream<PublishedMethod> methods() {
    return Boolean.getBoolean("sextant.fuzz")
        ? Stream.of(PublishedMethod.values())
        : Stream.of(PublishedMethod.PROXYLESS_G);
  }

  @ParameterizedTest
  @MethodSource("methods")
  void aSearchGoesOn(PublishedMethod method) throws IOException {
    Deaths deaths =
        Deaths.of(
            folder,
            disk -> {
              try (SearchRun run = SmallRun.search(disk.resolve("run"), method)) {
                run.run();
              }
            });
    Path whole = folder.resolve("living").resolve("run");
    int ended = 0;
    for (Death death : deaths.deaths()) {
      Path path = death.folder().resolve("run");
      try (SearchRun run = SmallRun.search(path, method)) {
        if (!death.differs()) {
          continue;
        }
        run.run();
      }
      ended++;
      assertTrue(Deaths.same(whole, path, "architecture.json", "weights.safetensors"), "bits");
      assertEquals(SmallRun.events(whole), SmallRun.events(path), path.toString());
      assertEquals(List.of(), Deaths.temporaries(path));
      assertTrue(Files.exists(path.resolve("report.html")), path.toString());
    }
    System.out.println(method + ": " + deaths.calls() + " calls, " + ended + " went to the end");
    assertTrue(deaths.calls() > 100 && ended > 12, deaths.calls() + " calls, " + ended);
  }

  @Test
  void aTrainingGoesOn() throws IOException {
    Deaths deaths =
        Deaths.of(
            folder,
            disk -> {
              try (TrainingRun run = SmallRun.train(disk.resolve("run"))) {
                run.run();
              }
            });
    Path whole = folder.resolve("living").resolve("run");
    for (Death death : deaths.deaths()) {
      Path path = death.folder().resolve("run");
      try (TrainingRun run = SmallRun.train(path)) {
        if (!death.differs()) {
          continue;
        }
        run.run();
      }
      assertTrue(
          Deaths.same(whole, path, "architecture.json", "weights.safetensors", "events.jsonl"),
          path.toString());
      assertEquals(List.of(), Deaths.temporaries(path));
    }
    System.out.println("train: " + deaths.calls() + " calls");
    assertTrue(deaths.calls() > 50, deaths.calls() + " calls");
  }

  /** The files of {@code predictor} are the old ones or the new, and can be written again. */
  @Test
  void aPredictorIsWrittenAgain() throws IOException {
    CellSpace space = CellSpace.darts(new Architecture.Input(8, 8, 1), 10);
    List<Genotype> cells = new CellLatencies(space, 4, 3, 1, 1, 1).sample(12, 1);
    double[] ms = cells.stream().mapToDouble(cell -> 1 + cell.hashCode() % 7 * 0.1).toArray();
    CellSamples samples = new CellSamples(space, 1, cells, ms);
    try (LatencyPredictor predictor =
        LatencyPredictor.train(samples.encoded(), PredictorRecipe.DEFAULT.withEpochs(1), 1)) {
      String[] names = {"cells.csv", "predictor.safetensors"};
      Deaths deaths =
          Deaths.of(
              folder,
              disk -> {
                samples.write(disk.resolve(names[0]));
                predictor.write(disk.resolve(names[1]), Map.of("encoding", "a"));
              });
      Path whole = folder.resolve("living");
      for (Death death : deaths.deaths()) {
        List<String> there = new ArrayList<>(List.of(names));
        there.removeIf(name -> !Files.exists(death.folder().resolve(name)));
        assertTrue(Deaths.same(whole, death.folder(), there.toArray(String[]::new)));
        samples.write(death.folder().resolve(names[0]));
        predictor.write(death.folder().resolve(names[1]), Map.of("encoding", "a"));
        assertTrue(Deaths.same(whole, death.folder(), names));
        assertEquals(List.of(), Deaths.temporaries(death.folder()));
      }
      assertTrue(deaths.calls() > 6, deaths.calls() + " calls");
    }
  }
}
