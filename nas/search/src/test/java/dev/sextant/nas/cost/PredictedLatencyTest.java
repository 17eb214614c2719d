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
import java.util.Locale;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A predictor of cells as the cost of a run: on disk, corrected, and where it does not fit. */
@Tag("machine-text")
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

  /** What a measurement says about itself goes with it, into the predictor and through files. */
  @Test
  void doubtsAreKept() throws Exception {
    List<String> doubts = List.of("7 of 60 networks took longer", "\"java\", process 7, was busy");
    CellSamples good = samples(1);
    Path csv = directory.resolve("cells.csv");
    new CellSamples(DARTS, 1, good.genotypes(), good.ms(), doubts).write(csv);
    Path file = directory.resolve("predictor.safetensors");
    try (PredictedLatency trained =
        PredictedLatency.train(
            CellSamples.read(DARTS, csv), PredictorRecipe.DEFAULT.withEpochs(1), 1)) {
      assertEquals(doubts, trained.doubts());
      trained.corrected(2).write(file);
    }
    try (PredictedLatency read = PredictedLatency.read(file)) {
      assertEquals(doubts, read.doubts());
    }
    String text = Files.readString(csv);
    Files.writeString(
        csv,
        "# "
            + text.substring(1).lines().skip(1).findFirst().orElse("")
            + "\n"
            + text.substring(text.indexOf('\n') + 1));
    assertEquals(List.of(), CellSamples.read(DARTS, csv).doubts());
    Files.writeString(csv, text.replace("[", "{").replace("]", "}"));
    refused("cells.csv: line 1", () -> CellSamples.read(DARTS, csv));
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

  /** An edge from itself would be a bit of the next node, one that comes twice half of one. */
  @Test
  void refusesEdgesFromLaterNodes() throws Exception {
    Path csv = directory.resolve("cells.csv");
    String pair = "(identity from 0, identity from 1)";
    for (String from : new String[] {"5", "6", "31", "1"}) {
      String last = String.format(Locale.ROOT, "(identity from 1, identity from %s)", from);
      String cell = String.format(Locale.ROOT, "2%s 3%s 4%s 5%s", pair, pair, pair, last);
      Files.writeString(csv, "cell,ms\n\"" + cell + "\",1\n");
      refused(
          String.format(
              Locale.ROOT,
              "cells.csv: line 2: cell: node 5 has an edge from %s, which is no earlier",
              from),
          () -> CellSamples.read(DARTS, csv));
    }
    Files.writeString(csv, "cell,ms\n\"" + "2(identity from 0) ".repeat(100_000) + "\",1\n");
    refused(
        "cells.csv: line 2: cell: '2(identity from 0)' is no node 3",
        () -> CellSamples.read(DARTS, csv));
  }

  private static void refused(String part, Runnable action) {
    String message = assertThrows(SextantException.class, action::run).getMessage();
    assertTrue(message.contains(part), message);
  }
}
