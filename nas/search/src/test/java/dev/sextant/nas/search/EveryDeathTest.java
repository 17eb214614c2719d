package dev.sextant.nas.search;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.sextant.nas.cells.CellLatencies;
import dev.sextant.nas.cells.CellSamples;
import dev.sextant.nas.data.DataOptions;
import dev.sextant.nas.data.Datasets;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.method.BatchConfig;
import dev.sextant.nas.method.DescentConfig;
import dev.sextant.nas.method.PublishedMethod;
import dev.sextant.nas.method.Regularization;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.method.TrainingConfig;
import dev.sextant.nas.predict.LatencyPredictor;
import dev.sextant.nas.predict.PredictorRecipe;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.Deaths;
import dev.sextant.nas.run.Deaths.Death;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.SearchSetup;
import dev.sextant.nas.run.TrainingSetup;
import dev.sextant.nas.space.CellSpace;
import dev.sextant.nas.space.Genotype;
import dev.sextant.nas.train.TrainingRun;
import dev.sextant.runtime.Architecture;
import dev.sextant.tensor.Device;
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
  private static final String DATA = "builtin:48";

  @TempDir private Path folder;

  /** One method, whose files are those of all; {@code -Dsextant.fuzz} for every method. */
  static Stream<PublishedMethod> methods() {
    return Boolean.getBoolean("sextant.fuzz")
        ? Stream.of(PublishedMethod.values())
        : Stream.of(PublishedMethod.PROXYLESS_G);
  }

  private static SearchSetup search(PublishedMethod method) {
    SearchConfig config = TinyRun.config(1, method.recipe());
    return new SearchSetup(
        DATA,
        DataOptions.DEFAULT,
        TinyRun.space(data(), config.recipe()),
        config
            .withWeights(config.weights().withEpochs(0, 1), config.descent())
            .withRandomSamples(method == PublishedMethod.RANDOM ? 1 : 0),
        true,
        Device.CPU,
        1,
        1,
        1);
  }

  private static ImageDataset data() {
    return Datasets.open(DATA, DataOptions.DEFAULT);
  }

  /** The command again where no run has begun, else resume. */
  private static SearchRun open(Path path, SearchSetup setup) {
    RunDirectory directory = new RunDirectory(path);
    if (Files.exists(directory.run())) {
      return SearchRun.resume(directory, 0, Progress.NONE);
    }
    RunDirectory.create(path);
    return SearchRun.start(directory, setup, TinyRun.model(setup), data(), 0, Progress.NONE);
  }

  @ParameterizedTest
  @MethodSource("methods")
  void aSearchGoesOn(PublishedMethod method) throws IOException {
    SearchSetup setup = search(method);
    Deaths deaths =
        Deaths.of(
            folder,
            disk -> {
              try (SearchRun run = open(disk.resolve("run"), setup)) {
                run.run();
              }
            });
    Path whole = folder.resolve("living").resolve("run");
    int ended = 0;
    for (Death death : deaths.deaths()) {
      Path path = death.folder().resolve("run");
      try (SearchRun run = open(path, setup)) {
        if (!death.differs()) {
          continue;
        }
        run.run();
      }
      ended++;
      assertTrue(Deaths.same(whole, path, "architecture.json", "weights.safetensors"), "bits");
      assertEquals(events(whole), events(path), path.toString());
      assertEquals(List.of(), Deaths.temporaries(path));
      assertTrue(Files.exists(path.resolve("report.html")), path.toString());
    }
    System.out.println(method + ": " + deaths.calls() + " calls, " + ended + " went to the end");
    assertTrue(deaths.calls() > 100 && ended > 12, deaths.calls() + " calls, " + ended);
  }

  /** Without what a clock said. */
  private static List<JsonObject> events(Path path) throws IOException {
    return Files.readAllLines(path.resolve("events.jsonl")).stream()
        .map(line -> JsonParser.parseString(line).getAsJsonObject())
        .peek(event -> event.remove("measuredMs"))
        .toList();
  }

  private static TrainingRun train(Path path) {
    RunDirectory directory = new RunDirectory(path);
    if (Files.exists(directory.run())) {
      return TrainingRun.resume(directory, 0, Progress.NONE);
    }
    RunDirectory.create(path);
    SearchSetup searched = search(PublishedMethod.PROXYLESS_G);
    Architecture network = searched.space().derive(new int[searched.space().options().length]);
    TrainingConfig config =
        new TrainingConfig(
            1,
            2,
            0.1,
            new BatchConfig(24, "light", 0.1),
            DescentConfig.DEFAULT,
            Regularization.NONE);
    return TrainingRun.start(
        directory,
        new TrainingSetup(DATA, DataOptions.DEFAULT, network, config, Device.CPU, 1),
        data(),
        0,
        Progress.NONE);
  }

  @Test
  void aTrainingGoesOn() throws IOException {
    Deaths deaths =
        Deaths.of(
            folder,
            disk -> {
              try (TrainingRun run = train(disk.resolve("run"))) {
                run.run();
              }
            });
    Path whole = folder.resolve("living").resolve("run");
    for (Death death : deaths.deaths()) {
      Path path = death.folder().resolve("run");
      try (TrainingRun run = train(path)) {
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
