package dev.sextant.nas.search;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.cells.CellParameters;
import dev.sextant.nas.cells.GenotypeRule;
import dev.sextant.nas.checkpoint.Checkpoint;
import dev.sextant.nas.cost.Costs;
import dev.sextant.nas.cost.Counts;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.data.Images;
import dev.sextant.nas.data.Split;
import dev.sextant.nas.method.BatchConfig;
import dev.sextant.nas.method.DescentConfig;
import dev.sextant.nas.method.PublishedMethod;
import dev.sextant.nas.method.Recipe;
import dev.sextant.nas.method.Regularization;
import dev.sextant.nas.method.Retraining;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.method.SearchImages;
import dev.sextant.nas.method.SupernetKind;
import dev.sextant.nas.method.TeacherConfig;
import dev.sextant.nas.method.TrainingConfig;
import dev.sextant.nas.method.WeightSteps;
import dev.sextant.nas.objective.Objectives;
import dev.sextant.nas.policy.ArchitectureSteps;
import dev.sextant.nas.policy.Policies;
import dev.sextant.nas.policy.PolicyProvider;
import dev.sextant.nas.run.StageName;
import dev.sextant.nas.space.CellNetworkSpace;
import dev.sextant.nas.space.CellNetworks;
import dev.sextant.nas.space.CellSpace;
import dev.sextant.nas.space.Genotype;
import dev.sextant.nas.stage.Passes;
import dev.sextant.nas.stage.TrainingStage;
import dev.sextant.nas.supernet.GateMode;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Architecture.Input;
import dev.sextant.runtime.Weights;
import dev.sextant.runtime.layer.Cell.Kind;
import dev.sextant.runtime.layer.Cell.Op;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Searches of small cells on a few small images. */
@Tag("long")
final class CellSearchTest {
  private static final ImageDataset DATA = data(8, 120);
  private static final List<Op> OPS =
      List.of(
          new Op(Kind.ZERO, 0),
          new Op(Kind.MAX_POOL, 3),
          new Op(Kind.IDENTITY, 0),
          new Op(Kind.SEPARABLE, 3));

  @TempDir Path directory;

  /** Two classes of square images, bright above and bright below. */
  private static ImageDataset data(int size, int count) {
    Rng rng = new Rng(1);
    int pixelCount = size * size;
    byte[] pixels = new byte[count * pixelCount];
    int[] labels = new int[count];
    for (int i = 0; i < count; i++) {
      labels[i] = i % 2;
      for (int j = 0; j < pixelCount; j++) {
        int half = 2 * j / pixelCount;
        pixels[i * pixelCount + j] = (byte) (rng.nextInt(150) + (half == labels[i] ? 100 : 0));
      }
    }
    Images images = Images.of(size, size, 1, pixels, labels);
    return ImageDataset.of("halves", List.of("above", "below"), images, images);
  }

  private static CellNetworkSpace space(boolean partial) {
    Input input = new Input(DATA.height(), DATA.width(), DATA.channels());
    CellSpace cells =
        new CellSpace(input, DATA.classes(), 2, OPS, partial ? 8 : 4, 3, partial ? 4 : 1, partial);
    return new CellNetworkSpace("tiny", cells, 16, 8);
  }

  /** With a lambda of NaN the controller's, which aims at the budget. */
  private static SearchConfig config(
      boolean partial, boolean secondOrder, double lambda, double budget) {
    return config(Policies.DARTS, partial, secondOrder, lambda, budget);
  }

  private static SearchConfig config(
      PolicyProvider<?, ?> policy,
      boolean partial,
      boolean secondOrder,
      double lambda,
      double budget) {
    boolean fixed = !Double.isNaN(lambda);
    SearchConfig config =
        SearchConfig.of(
                Recipe.of(
                    (partial ? PublishedMethod.LA_PC_DARTS : PublishedMethod.LA_DARTS).id(),
                    partial ? SupernetKind.PARTIAL_CELLS : SupernetKind.CELLS,
                    policy,
                    Costs.MACS,
                    Objectives.ADDITIVE),
                budget)
            .withSeed(3)
            .withImages(new SearchImages(1, 0.5), new BatchConfig(6, "none", 0))
            .withRetraining(new Retraining(1, 0.05, false, Regularization.NONE, TeacherConfig.NONE))
            .withRandomSamples(0);
    return config
        .withWeights(
            new WeightSteps(0, 0, 2, 0.05, 0, false, WeightSteps.Optimizer.SGD),
            new DescentConfig(0.9, 3e-4, 5))
        .withArchitecture(new ArchitectureSteps(0, 1, 0.1, 1, 20, GateMode.RECOMPUTE, secondOrder))
        .withBudget(config.budget().withLambda(fixed ? lambda : 0.2, fixed));
  }

  private static SupernetStage<?> stage(Backend backend, boolean partial, SearchConfig config) {
    CellNetworkSpace space = space(partial);
    Pricing pricing = Pricing.of(Counts.MACS, space);
    if (!(config.recipe() instanceof Recipe.InSupernet<?, ?> recipe)) {
      throw new IllegalArgumentException("no supernet");
    }
    return new SupernetStage<>(
        new Assembly<>(config, recipe, backend, space, pricing, pricing::of),
        DATA,
        Split.stratified(DATA.train(), 0.5, 0),
        Passes.of(backend, space),
        (event, fields) -> {});
  }

  private static void run(SupernetStage<?> stage, int steps) {
    for (int i = 0; i < steps; i++) {
      stage.step();
    }
  }

  @ParameterizedTest
  @CsvSource({"darts,false", "darts,true", "reinforce,true", "controller,false"})
  void continuesFromACheckpointBitForBit(String policy, boolean partial) {
    try (Backend backend = Backend.cpu(1)) {
      SearchConfig config = config(Policies.ALL.named(policy), partial, !partial, 0.01, 1e6);
      List<float[]> uninterrupted;
      try (SupernetStage<?> stage = stage(backend, partial, config)) {
        run(stage, 5);
        uninterrupted = stage.alphaValues();
      }
      Path file = directory.resolve("checkpoint");
      try (SupernetStage<?> stage = stage(backend, partial, config)) {
        run(stage, 3);
        Checkpoint checkpoint = Checkpoint.empty(backend);
        stage.save(checkpoint);
        checkpoint.write(file);
      }
      try (SupernetStage<?> stage = stage(backend, partial, config)) {
        stage.load(Checkpoint.read(file, backend));
        assertEquals(3, stage.done());
        run(stage, 2);
        List<float[]> resumed = stage.alphaValues();
        assertEquals(uninterrupted.size(), resumed.size());
        for (int f = 0; f < resumed.size(); f++) {
          assertArrayEquals(uninterrupted.get(f), resumed.get(f));
        }
      }
      assertEquals(0, backend.memory().current(), backend.memory()::largestHolders);
    }
  }

  @Test
  void lambdaAndBudgetSteerTheCost() {
    double free = expectedMacs(config(false, false, 0, 1e6));
    double frugal = expectedMacs(config(false, false, 1, 1e5));
    assertTrue(frugal < 0.85 * free, frugal + " against " + free);
    double budget = 0.92 * free;
    double steered = expectedMacs(config(false, false, Double.NaN, budget));
    assertEquals(budget, steered, 0.05 * budget);
  }

  /** What DARTS trains its final network with, stopped after the first of two epochs. */
  @Test
  void trainsWithDropPathAndSecondClassifier() {
    ImageDataset data = data(32, 18);
    try (Backend backend = Backend.cpu(1)) {
      Path file = directory.resolve("checkpoint");
      Weights uninterrupted;
      try (TrainingStage stage = training(backend, data)) {
        stage.step();
        stage.step();
        stage.step();
        Checkpoint checkpoint = Checkpoint.empty(backend);
        stage.save(checkpoint);
        checkpoint.write(file);
        stage.step();
        uninterrupted = stage.trained();
      }
      try (TrainingStage stage = training(backend, data)) {
        stage.load(Checkpoint.read(file, backend));
        stage.step();
        Weights resumed = stage.trained();
        assertEquals(uninterrupted.entries().keySet(), resumed.entries().keySet());
        resumed
            .entries()
            .forEach(
                (name, entry) -> {
                  assertFalse(name.contains("auxiliary"), name);
                  assertArrayEquals(uninterrupted.get(name).values(), entry.values(), name);
                });
      }
      assertEquals(0, backend.memory().current(), backend.memory()::largestHolders);
      String message =
          assertThrows(SextantException.class, () -> training(backend, DATA)).getMessage();
      assertTrue(message.contains("a reduction cell that gives images of 8x8"), message);
    }
  }

  private static TrainingStage training(Backend backend, ImageDataset data) {
    Input input = new Input(data.height(), data.width(), data.channels());
    Architecture network = CellNetworks.small("v1", Genotype.DARTS_V1, input, 2, 4, 3);
    int[] images = IntStream.range(0, 18).toArray();
    TrainingConfig config =
        new TrainingConfig(
            1,
            2,
            0.05,
            new BatchConfig(6, "cifar", 0),
            new DescentConfig(0.9, 3e-4, 5),
            new Regularization(0, 0.3, 0.4));
    return new TrainingStage(
        new TrainingStage.Plan(StageName.TRAIN, network, images, new int[0], config),
        data,
        Passes.of(backend, network),
        (event, fields) -> {});
  }

  private static double expectedMacs(SearchConfig config) {
    try (Backend backend = Backend.cpu(1);
        SupernetStage<?> stage = stage(backend, false, config)) {
      while (stage.done() < stage.steps()) {
        stage.step();
      }
      // The rule of DARTS and the most probable decisions are the same cells.
      CellNetworkSpace space = space(false);
      CellParameters parameters = CellParameters.zeros(space(false).cells());
      parameters.setFactors(stage.alphaValues());
      Genotype rule = GenotypeRule.derive(parameters);
      Pricing pricing = Pricing.of(Counts.MACS, space);
      int[] decisions = stage.best();
      assertEquals(space.network(rule).macs(), space.derive(decisions).macs());
      assertEquals(space.network(rule).macs(), pricing.of(decisions));
      return stage.expectedCost();
    }
  }
}
