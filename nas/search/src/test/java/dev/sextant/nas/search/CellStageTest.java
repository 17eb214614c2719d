package dev.sextant.nas.search;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.cells.ArchitectureAdam;
import dev.sextant.nas.cells.CellNetworks;
import dev.sextant.nas.cells.CellSpace;
import dev.sextant.nas.cells.ExpectedMacs;
import dev.sextant.nas.cells.Genotype;
import dev.sextant.nas.data.DataOptions;
import dev.sextant.nas.data.Datasets;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.data.Split;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Architecture.Input;
import dev.sextant.runtime.Cell.Kind;
import dev.sextant.runtime.Cell.Op;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.SextantException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Searches of small cells on a few built-in images. */
final class CellStageTest {
  private static final ImageDataset DATA = Datasets.open("builtin:120", DataOptions.DEFAULT);
  private static final List<Op> OPS =
      List.of(
          new Op(Kind.ZERO, 0),
          new Op(Kind.MAX_POOL, 3),
          new Op(Kind.IDENTITY, 0),
          new Op(Kind.SEPARABLE, 3));

  @TempDir Path directory;

  private static CellSpace space(boolean partial) {
    Input input = new Input(DATA.height(), DATA.width(), DATA.channels());
    return new CellSpace(
        input, DATA.classes(), 2, OPS, partial ? 8 : 4, 3, partial ? 4 : 1, partial);
  }

  private static CellSearchConfig config(boolean secondOrder, double strength, double budget) {
    return new CellSearchConfig(
        6,
        2,
        0,
        0.05,
        0,
        0.9,
        3e-4,
        5,
        secondOrder,
        new ArchitectureAdam.Config(0.1, 0.5, 0.999, 1e-3),
        strength,
        budget,
        "light",
        3);
  }

  private static CellStage stage(Backend backend, boolean partial, CellSearchConfig config) {
    CellSpace space = space(partial);
    return new CellStage(
        space,
        config,
        rng -> ExpectedMacs.small(space, space.input(), 16, 8),
        DATA,
        Split.stratified(DATA.train(), 0.5, 0),
        new Classification(backend, space.input()),
        (event, fields) -> {});
  }

  private static void run(CellStage stage, int steps) {
    for (int i = 0; i < steps; i++) {
      stage.step();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void continuesFromACheckpointBitForBit(boolean partial) {
    try (Backend backend = Backend.cpu(1)) {
      CellSearchConfig config = config(!partial, 0.01, 0);
      double[] uninterrupted;
      try (CellStage stage = stage(backend, partial, config)) {
        run(stage, 5);
        uninterrupted = stage.parameters().values();
      }
      Path file = directory.resolve("checkpoint");
      try (CellStage stage = stage(backend, partial, config)) {
        run(stage, 3);
        Checkpoint checkpoint = Checkpoint.empty(backend);
        stage.save(checkpoint);
        checkpoint.write(file);
      }
      try (CellStage stage = stage(backend, partial, config)) {
        stage.load(Checkpoint.read(file, backend));
        assertEquals(3, stage.done());
        run(stage, 2);
        assertArrayEquals(uninterrupted, stage.parameters().values(), 0);
      }
      assertEquals(0, backend.memory().current(), backend.memory()::largestHolders);
    }
  }

  @Test
  void strengthAndBudgetSteerTheCost() {
    double free = expectedMacs(config(false, 0, 0));
    double frugal = expectedMacs(config(false, 1, 0));
    assertTrue(frugal < 0.85 * free, frugal + " against " + free);
    double budget = 0.92 * free;
    double steered = expectedMacs(config(false, 0, budget));
    assertEquals(budget, steered, 0.05 * budget);
  }

  /**
   * What DARTS trains its final network with; only one of images of 8x8 has a second classifier.
   */
  @Test
  void trainsWithDropPathAndSecondClassifier() {
    ImageDataset data = Datasets.open("builtin:80", DataOptions.DEFAULT.withImageSize(0));
    Input input = new Input(data.height(), data.width(), data.channels());
    Architecture network = CellNetworks.small("v1", Genotype.DARTS_V1, input, data.classes(), 4, 3);
    TrainingConfig config = new TrainingConfig(20, 2, 0.05, 0.9, 3e-4, 0, "cifar", 0, 0.3, 0, 5, 1);
    try (Backend backend = Backend.cpu(1);
        TrainingStage stage = training(backend, data, network, config)) {
      double first = Double.NaN;
      while (stage.done() < stage.steps()) {
        stage.step();
        first = Double.isNaN(first) ? loss(stage) : first;
      }
      assertTrue(loss(stage) < first, stage::status);
      TrainingConfig auxiliary =
          new TrainingConfig(20, 2, 0.05, 0.9, 3e-4, 0, "cifar", 0, 0.3, 0.4, 5, 1);
      String message =
          assertThrows(SextantException.class, () -> training(backend, data, network, auxiliary))
              .getMessage();
      assertTrue(message.contains("images of 8x8"), message);
    }
  }

  private static double loss(TrainingStage stage) {
    return Double.parseDouble(stage.status().split(" +")[1]);
  }

  private static TrainingStage training(
      Backend backend, ImageDataset data, Architecture network, TrainingConfig config) {
    int[] images = IntStream.range(0, 60).toArray();
    return new TrainingStage(
        new TrainingStage.Plan("train", network, images, new int[0], config),
        data,
        new Classification(backend, network.input()),
        (event, fields) -> {});
  }

  private static double expectedMacs(CellSearchConfig config) {
    try (Backend backend = Backend.cpu(1);
        CellStage stage = stage(backend, false, config)) {
      while (stage.done() < stage.steps()) {
        stage.step();
      }
      CellSpace space = space(false);
      CellNetworks.small(
          "found", stage.genotype(), space.input(), space.classes(), space.width(), space.cells());
      return stage.expectedCost();
    }
  }
}
