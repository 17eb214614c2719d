package dev.sextant.nas.truth;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.data.DataOptions;
import dev.sextant.nas.data.Datasets;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.method.BatchConfig;
import dev.sextant.nas.method.DescentConfig;
import dev.sextant.nas.method.Regularization;
import dev.sextant.nas.method.TrainingConfig;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.space.Space;
import dev.sextant.runtime.Architecture;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tables as they are written and read, and one that is made, stopped and made to its end. */
class TruthTableTest {
  @TempDir private Path folder;

  private static Space space() {
    return Space.parse(
        """
        {"format": "sextant-space/1", "name": "two", "classes": 10,
         "input": {"height": 28, "width": 28, "channels": 1},
         "layers": [
           {"op": "conv", "kernel": 3, "stride": 4, "out": 4, "norm": "batch", "act": "relu6"},
           {"choice": [{"op": "mbconv", "kernel": 3, "expand": 1, "act": "relu6"},
                       {"op": "skip"}], "out": 4, "stride": 1, "repeat": 2},
           {"op": "global-avg-pool"}, {"op": "linear", "out": 10}]}
        """,
        "two");
  }

  private TruthTable read(String text) throws IOException {
    return TruthTable.read(Files.writeString(folder.resolve("truth.csv"), text), space());
  }

  @Test
  void linesOfOneNetworkAreAveraged() throws IOException {
    TruthTable table =
        read("# how it was made\nnetwork,seed,accuracy\n0-1,1,80\n1-1,1,70\n0-1,2,84\n");
    assertEquals(0.82, table.accuracy(new int[] {0, 1}), 1e-12);
    assertEquals(0.70, table.accuracy(new int[] {1, 1}), 1e-12);
    assertFalse(table.has(new int[] {0, 0}));
    assertEquals(3, table.trainings());
    assertEquals(2, table.networks().size());
    // (2^2 + 2^2) / 1 degree of freedom.
    assertEquals(Math.sqrt(8) / 100, table.noise(), 1e-12);
  }

  @Test
  void digitsAndSharesOfOneAreTakenToo() throws IOException {
    TruthTable table = read("accuracy;network\n0,5;01\n0,25;\"1 1\"\n");
    assertEquals(0.5, table.accuracy(new int[] {0, 1}));
    assertEquals(0.25, table.accuracy(new int[] {1, 1}));
    assertTrue(Double.isNaN(table.noise()));
  }

  @ParameterizedTest
  @CsvSource({
    "0-2 80, line 2: network '0-2': decision 1 is 2",
    "0 80, line 2: network '0' has 1 decisions",
    "0-x 80, 'x' is not a whole number",
    "0-1 180, line 2: 180.0 is no accuracy",
    "0-1 good, line 2: accuracy: 'good' is not a number"
  })
  void whatIsWrongIsSaidWithItsLine(String line, String message) {
    SextantException thrown =
        assertThrows(
            SextantException.class,
            () -> read("network,accuracy\n" + line.replace(' ', ',') + "\n"));
    assertTrue(thrown.getMessage().contains(message), thrown.getMessage());
    assertTrue(thrown.getMessage().contains("truth.csv"), thrown.getMessage());
  }

  /** What was cut off in the midst of a line is trained again, what is whole is not. */
  @Test
  void aTableThatWasStoppedGoesOnToTheSame() throws IOException {
    ImageDataset data = Datasets.open("builtin:100", DataOptions.DEFAULT);
    Space sized =
        space()
            .withInput(
                new Architecture.Input(data.height(), data.width(), data.channels()),
                data.classes());
    TrainingConfig config =
        new TrainingConfig(
            0, 1, 0.1, BatchConfig.DEFAULT, DescentConfig.DEFAULT, Regularization.NONE);
    Path whole = folder.resolve("whole.csv");
    Path stopped = folder.resolve("stopped.csv");
    try (Backend backend = Backend.cpu(1)) {
      TruthTraining training = new TruthTraining(sized, data, config, backend, Progress.NONE);
      training.run(whole, "as a test", training.drawn(3), 2);
      List<String> lines = Files.readAllLines(whole);
      assertEquals(2 + 6, lines.size());
      Files.writeString(
          stopped, String.join("\n", lines.subList(0, 4)) + "\n" + lines.get(4).substring(0, 5));
      training.run(stopped, "as a test", training.drawn(3), 2);
      assertEquals(withoutSeconds(lines), withoutSeconds(Files.readAllLines(stopped)));
      SextantException thrown =
          assertThrows(
              SextantException.class,
              () -> training.run(whole, "another test", training.drawn(3), 2));
      assertTrue(thrown.getMessage().contains("other settings"), thrown.getMessage());
      training.run(whole, "as a test", List.of(training.drawn(4).getLast()), 1);
      assertEquals(0, backend.memory().current(), backend.memory()::largestHolders);
    }
    TruthTable table = TruthTable.read(whole, sized);
    assertEquals(4, table.networks().size());
    assertTrue(table.noise() >= 0);
  }

  private static List<String> withoutSeconds(List<String> lines) {
    return lines.stream().map(line -> line.replaceFirst(",[0-9.]+$", "")).toList();
  }
}
