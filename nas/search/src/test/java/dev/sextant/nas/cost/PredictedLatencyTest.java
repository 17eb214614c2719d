package dev.sextant.nas.cost;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.cells.CellLatencies;
import dev.sextant.nas.cells.CellSamples;
import dev.sextant.nas.predict.PredictorRecipe;
import dev.sextant.nas.space.CellSpace;
import dev.sextant.nas.space.Genotype;
import dev.sextant.nas.space.Space;
import dev.sextant.runtime.Architecture.Input;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A predictor of cells as the cost of a run: on disk, corrected, and where it does not fit. */
final class PredictedLatencyTest {
  private static final CellSpace DARTS = CellSpace.darts(new Input(8, 8, 1), 10);

  @TempDir Path directory;

  private static CellSamples samples(int types) {
    List<Genotype> genotypes = new CellLatencies(DARTS, 4, 3, types, 1, 1).sample(60, 2);
    Rng rng = new Rng(4);
    double[] ms = genotypes.stream().mapToDouble(_ -> rng.uniform(0.1, 0.3)).toArray();
    return new CellSamples(DARTS, types, genotypes, ms);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void filesGiveTheSameBits(int types) throws Exception {
    CellSamples samples = samples(types);
    Path csv = directory.resolve("cells.csv");
    samples.write(csv);
    CellSamples read = CellSamples.read(DARTS, csv);
    assertEquals(samples.genotypes(), read.genotypes());
    assertArrayEquals(samples.ms(), read.ms());
    assertEquals(types, read.types());
    String header = Files.readAllLines(csv).getFirst();
    assertEquals(types == 1 ? "cell,ms" : "cell,reduction,ms", header);

    Path file = directory.resolve("predictor.safetensors");
    int[] cells = new int[28];
    for (int i = 0; i < 28; i += 14) {
      cells[i] = 4;
      cells[i + 1] = 1;
    }
    try (PredictedLatency trained =
        PredictedLatency.train(read, PredictorRecipe.DEFAULT.withEpochs(3), 1)) {
      PredictedLatency corrected = trained.corrected(1.25).corrected(1 / 3.0);
      double[] before = corrected.costs(DARTS).of(List.of(cells));
      assertEquals(trained.costs(DARTS).of(List.of(cells))[0] * 1.25 / 3, before[0], 1e-15);
      corrected.write(file);
      try (PredictedLatency again = PredictedLatency.read(file)) {
        assertArrayEquals(before, again.costs(DARTS).of(List.of(cells)));
        assertEquals(corrected.scale(), again.scale());
        assertEquals(trained.relativeError(), again.relativeError());
      }
    }
  }

  @Test
  void refusesWhatItIsNotMadeFor() throws Exception {
    CellSpace small = new CellSpace(DARTS.input(), 10, 3, CellSpace.DARTS_OPS, 16, 3, 1, false);
    try (PredictedLatency trained =
        PredictedLatency.train(samples(1), PredictorRecipe.DEFAULT.withEpochs(1), 1)) {
      refused("of 112 features", () -> trained.costs(small));
      refused("chain of layers", () -> trained.costs(Space.named("proxyless-small")));
    }
    CellSamples few = samples(2);
    refused(
        "at least 10",
        () ->
            PredictedLatency.train(
                new CellSamples(
                    DARTS, 2, few.genotypes().subList(0, 9), Arrays.copyOf(few.ms(), 9)),
                PredictorRecipe.DEFAULT,
                1));
    Path csv = directory.resolve("none.csv");
    Files.writeString(csv, "cell,ms\n");
    refused("no measured cells", () -> CellSamples.read(DARTS, csv));
    List<String> lines = new ArrayList<>(List.of("cell,reduction,ms"));
    lines.add("2(identity from 0),2(identity from 0),1");
    Files.write(csv, lines);
    refused("none.csv: line 2", () -> CellSamples.read(DARTS, csv));
  }

  private static void refused(String part, Runnable action) {
    String message = assertThrows(SextantException.class, action::run).getMessage();
    assertTrue(message.contains(part), message);
  }
}
