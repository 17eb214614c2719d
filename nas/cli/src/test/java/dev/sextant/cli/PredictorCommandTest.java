package dev.sextant.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.predict.LatencyPredictor;
import dev.sextant.runtime.Weights;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("long")
class PredictorCommandTest {
  @TempDir Path directory;

  /** A command on networks of microseconds. */
  private static Command run(Object... arguments) {
    List<Object> all =
        new ArrayList<>(List.of("predictor", "--input", "8x8x1", "--width", "4", "--depth", "3"));
    all.addAll(List.of(arguments));
    return Command.run(all.toArray());
  }

  @Test
  void measuresTrainsWritesAndReadsBack() throws IOException {
    Path csv = directory.resolve("cells.csv");
    Path lpm = directory.resolve("lpm.safetensors");
    String measured = run("--measure", 12, "--save", csv, "--epochs", 2).succeeded();
    assertTrue(measured.contains("9 to train on, 3 to test"), measured);
    assertEquals(13, Files.readAllLines(csv).size());
    run("--csv", csv, "--train", "4,9", "--out", lpm).succeeded();
    assertEquals("darts-normal-cell", Weights.read(lpm).metadata().get("encoding"));
    try (LatencyPredictor predictor = LatencyPredictor.read(lpm)) {
      assertEquals(112, predictor.width());
    }
  }

  @Test
  void refusesWhatItCannotDo() throws IOException {
    Path csv = directory.resolve("cells.csv");
    Files.writeString(csv, "cell,ms\n2(separable 4x4 from 0),1\n");
    run("--csv", csv).refused("cells.csv: line 2: separable: kernel 4");
    run("--measure", 3).refused("--measure: 3 is not at least 10");
    run("--measure", 30, "--device", "phone").refused("--device: names a column");
    run("--csv", csv, "--measure", 30).refused("--measure");
    run().refused("--csv");
  }
}
