package dev.sextant.nas.search;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.cost.Costs;
import dev.sextant.nas.cost.Counts;
import dev.sextant.nas.data.DataOptions;
import dev.sextant.nas.data.Datasets;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.method.BatchConfig;
import dev.sextant.nas.method.DescentConfig;
import dev.sextant.nas.method.Regularization;
import dev.sextant.nas.method.RunLength;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.method.Shrinking;
import dev.sextant.nas.method.TrainingConfig;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.SearchResult;
import dev.sextant.nas.run.SearchSetup;
import dev.sextant.nas.run.TrainingSetup;
import dev.sextant.nas.shrink.Alternatives;
import dev.sextant.nas.space.Space;
import dev.sextant.nas.train.TrainedModel;
import dev.sextant.nas.train.TrainingRun;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Weights;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A trained network of seconds is shrunk to two budgets of multiply-adds. */
class ShrinkRunTest {
  private static final String DATA = "builtin:150";

  private static final Architecture NETWORK =
      Architecture.parse(
          """
          {"format": "sextant-architecture/1", "name": "tiny", "classes": 10,
           "input": {"height": 28, "width": 28, "channels": 1},
           "layers": [
             {"op": "conv", "kernel": 3, "stride": 2, "out": 8, "norm": "batch", "act": "relu6"},
             {"op": "mbconv", "kernel": 5, "expand": 6, "stride": 2, "out": 8},
             {"op": "mbconv", "kernel": 5, "expand": 6, "out": 8},
             {"op": "global-avg-pool"}, {"op": "linear", "out": 10}]}
          """,
          "tiny");

  @TempDir private static Path folder;
  private static TrainedModel teacher;

  private static class Silent implements Progress {
    @Override
    public void step(String stage, long done, long steps, String status, long peakBytes) {}

    @Override
    public void message(String text) {}
  }

  @BeforeAll
  static void train() {
    ImageDataset data = Datasets.open(DATA);
    TrainingSetup setup =
        new TrainingSetup(
            DATA,
            DataOptions.DEFAULT,
            NETWORK,
            new TrainingConfig(
                0,
                4,
                0.05,
                new BatchConfig(16, "none", 0),
                DescentConfig.DEFAULT,
                Regularization.NONE),
            Device.CPU,
            1);
    Path directory = folder.resolve("teacher");
    try (TrainingRun run =
        TrainingRun.start(RunDirectory.create(directory), setup, data, 60, new Silent())) {
      run.run();
    }
    teacher = TrainedModel.read(directory);
  }

  private static SearchRun start(Path directory, Progress progress) {
    Space space = Alternatives.space(NETWORK);
    double budget = 0.6 * NETWORK.macs();
    SearchConfig preset =
        new Shrinking(Costs.ALL.named("macs"), teacher.weights().checksum()).config(budget);
    SearchConfig config =
        preset
            .withImages(preset.images(), new BatchConfig(16, "none", 0))
            .withLength(new RunLength(0, 2, 1, 0))
            .withBudget(preset.budget().withFront(List.of(0.8 * NETWORK.macs()), 0));
    SearchSetup setup =
        new SearchSetup(DATA, DataOptions.DEFAULT, space, config, false, Device.CPU, 1, 1, 1);
    return SearchRun.start(
        RunDirectory.create(directory),
        setup,
        teacher,
        Counts.MACS,
        Datasets.open(DATA),
        0,
        progress);
  }

  /** Ends the run after so many steps of all its stages, each of which has left a checkpoint. */
  private static final class Stopping extends Silent {
    private int left;

    Stopping(int steps) {
      left = steps;
    }

    @Override
    public void step(String stage, long done, long steps, String status, long peakBytes) {
      if (left-- == 0) {
        throw new SextantException("stopped");
      }
    }
  }

  @Test
  void networksAreWithinTheirBudgetsAndAStoppedRunEndsInTheSameBits() throws IOException {
    Path whole = folder.resolve("whole");
    SearchResult result;
    try (SearchRun run = start(whole, new Silent())) {
      result = run.run();
    }
    SearchResult.Found original = result.original();
    assertNotNull(original);
    assertEquals(NETWORK.macs(), original.predictedCost());
    assertEquals(NETWORK.sha256(), original.architecture().sha256());
    assertTrue(result.found().architecture().macs() <= 0.6 * NETWORK.macs());
    assertTrue(result.others().getFirst().architecture().macs() <= 0.8 * NETWORK.macs());
    Weights weights = Weights.read(whole.resolve("weights-2.safetensors"));
    assertEquals(teacher.classNames(), TrainedModel.read(whole).classNames());
    assertEquals(
        teacher.weights().metadata().get("mean"), weights.metadata().get("mean"), "as it saw them");
    assertEquals(18, Files.readAllLines(whole.resolve("scores.csv")).size());
    assertTrue(Files.readString(whole.resolve("report.html")).contains("Beside the network given"));
    for (int steps : new int[] {3, 18, 19, 25}) {
      Path stopped = folder.resolve("stopped-" + steps);
      try (SearchRun run = start(stopped, new Stopping(steps))) {
        assertThrows(SextantException.class, run::run);
      }
      try (SearchRun run = SearchRun.resume(new RunDirectory(stopped), 60, new Silent())) {
        run.run();
      }
      for (String file :
          List.of(
              "scores.csv",
              "architecture.json",
              "weights.safetensors",
              "architecture-2.json",
              "weights-2.safetensors")) {
        assertArrayEquals(
            Files.readAllBytes(whole.resolve(file)),
            Files.readAllBytes(stopped.resolve(file)),
            file + " after " + steps);
      }
    }
  }

  /** The teacher is one of the run's files, and another's is not taken for it. */
  @Test
  void anotherTeacherIsRefused() throws IOException {
    Path directory = folder.resolve("other");
    try (SearchRun run = start(directory, new Stopping(2))) {
      assertThrows(SextantException.class, run::run);
    }
    Path file = directory.resolve("teacher.safetensors");
    Weights.random(NETWORK, 1).write(file);
    String message = message(directory);
    assertTrue(message.contains("are not the weights of the run"), message);
    Files.write(file, new byte[] {1, 2, 3}, StandardOpenOption.TRUNCATE_EXISTING);
    assertTrue(message(directory).contains("truncated"), message(directory));
  }

  private static String message(Path directory) {
    return String.valueOf(
        assertThrows(
                SextantException.class,
                () -> SearchRun.resume(new RunDirectory(directory), 60, new Silent()))
            .getMessage());
  }
}
