package dev.sextant.nas.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.Gson;
import dev.sextant.nas.data.DataOptions;
import dev.sextant.nas.data.Datasets;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.method.BatchConfig;
import dev.sextant.nas.method.DescentConfig;
import dev.sextant.nas.method.Regularization;
import dev.sextant.nas.method.TrainingConfig;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.TrainingSetup;
import dev.sextant.nas.space.CellNetworks;
import dev.sextant.nas.space.Genotype;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Architectures;
import dev.sextant.runtime.Weights;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Trainings that go on from the weights of a network of other classes. */
class TransferTest {
  private static final String DATA = "builtin:150";

  private static final Architecture NETWORK =
      Architecture.parse(
          """
          {"format": "sextant-architecture/1", "name": "tiny", "classes": 4,
           "input": {"height": 28, "width": 28, "channels": 1},
           "layers": [
             {"op": "conv", "kernel": 3, "stride": 2, "out": 8, "norm": "batch", "act": "relu6"},
             {"op": "mbconv", "kernel": 3, "expand": 3, "stride": 2, "out": 8},
             {"op": "global-avg-pool"}, {"op": "linear", "out": 4}]}
          """,
          "tiny");

  @TempDir private Path folder;

  private static final class Stopping implements Progress {
    private final long at;

    Stopping(long at) {
      this.at = at;
    }

    @Override
    public void step(String stage, long done, long steps, String status, long peakBytes) {
      if (done == at) {
        throw new SextantException("stopped");
      }
    }

    @Override
    public void message(String text) {}
  }

  /** Of four other classes, and images of another brightness. */
  private static Weights source() {
    Map<String, String> metadata = new LinkedHashMap<>();
    metadata.put("mean", "0.25");
    metadata.put("deviation", "0.5");
    metadata.put("classes", "[\"a\",\"b\",\"c\",\"d\"]");
    return new Weights(Weights.random(NETWORK, 3).entries(), metadata);
  }

  private static TrainingSetup setup(Architecture network, Weights from, int frozen) {
    ImageDataset data = Datasets.open(DATA);
    return new TrainingSetup(
        DATA,
        DataOptions.DEFAULT,
        network.withInput(network.input(), data.classes()),
        new TrainingConfig(
            0,
            2,
            0.05,
            new BatchConfig(32, "light", 0.1),
            new DescentConfig(0.9, 0.01, 0),
            Regularization.NONE),
        Device.CPU,
        1,
        data.classNames(),
        new TrainingSetup.Start("elsewhere", from.checksum(), frozen));
  }

  private TrainingRun start(String name, TrainingSetup setup, Weights from, Progress progress) {
    return TrainingRun.start(
        RunDirectory.create(folder.resolve(name)), setup, from, Datasets.open(DATA), 0, progress);
  }

  private Weights trained(String name, int frozen) {
    Weights from = source();
    try (TrainingRun run = start(name, setup(NETWORK, from, frozen), from, new Stopping(-1))) {
      run.run();
    }
    return Weights.read(folder.resolve(name).resolve("weights.safetensors"));
  }

  /** Neither trained nor decayed, nor do batch norms' statistics move; all else does. */
  @Test
  void whatIsFrozenStaysToTheBit() {
    Weights from = source();
    Weights trained = trained("frozen", 2);
    Weights whole = trained("whole", 0);
    from.entries()
        .forEach(
            (name, entry) -> {
              if (!name.startsWith("layers.3.")) {
                assertArrayEquals(entry.values(), trained.get(name).values(), name);
                assertFalse(Arrays.equals(entry.values(), whole.get(name).values()), name);
              }
            });
    assertEquals(10, trained.get("layers.3.bias").shape().size());
    float[] bias = trained.get("layers.3.bias").values();
    assertFalse(Arrays.equals(new float[bias.length], bias), "the classifier has learnt");
    assertEquals("0.25", trained.metadata().get("mean"), "pixels as it saw them before");
    assertNotEquals(from.metadata().get("classes"), trained.metadata().get("classes"));
  }

  @Test
  void aStoppedOneEndsInTheSameBitsAndKeepsItsFiles() throws IOException {
    Weights from = source();
    trained("one", 1);
    TrainingSetup setup = setup(NETWORK, from, 1);
    // The first step leaves no checkpoint; the fifth four.
    for (int step : new int[] {1, 5}) {
      String name = "stopped-" + step;
      try (TrainingRun run = start(name, setup, from, new Stopping(step))) {
        assertThrows(SextantException.class, run::run);
      }
      RunDirectory directory = new RunDirectory(folder.resolve(name));
      try (TrainingRun run = TrainingRun.resume(directory, 60, new Stopping(-1))) {
        run.run();
      }
      assertArrayEquals(
          Files.readAllBytes(folder.resolve("one").resolve("weights.safetensors")),
          Files.readAllBytes(directory.weights()),
          name);
    }
    RunDirectory damaged = new RunDirectory(folder.resolve("stopped-5"));
    new Weights(from.entries(), Map.of("mean", "0")).write(damaged.start());
    String message =
        String.valueOf(
            assertThrows(
                    SextantException.class, () -> TrainingRun.resume(damaged, 60, new Stopping(-1)))
                .getMessage());
    assertTrue(message.contains("are not the weights of the run"), message);
  }

  /** Its logits are of the same classes: the classifier is taken over as well. */
  @Test
  void theClassifierStaysWhereTheClassesDo() {
    Architecture ten = NETWORK.withInput(NETWORK.input(), 10);
    ImageDataset data = Datasets.open(DATA);
    Weights from =
        new Weights(
            Weights.random(ten, 3).entries(),
            Map.of("classes", new Gson().toJson(data.classNames())));
    assertTrue(Transfer.keepsClassifier(from, data.classNames()));
    assertFalse(Transfer.keepsClassifier(from, data.classNames().reversed()));
    TrainingSetup setup = setup(ten, from, 3);
    TrainingSetup none =
        new TrainingSetup(
            DATA,
            DataOptions.DEFAULT,
            setup.architecture(),
            new TrainingConfig(
                0,
                0,
                0.05,
                setup.config().batches(),
                setup.config().descent(),
                Regularization.NONE),
            Device.CPU,
            1,
            data.classNames(),
            setup.start());
    try (TrainingRun run = start("ten", none, from, new Stopping(-1))) {
      run.run();
    }
    Weights kept = Weights.read(folder.resolve("ten").resolve("weights.safetensors"));
    assertArrayEquals(from.get("layers.3.weight").values(), kept.get("layers.3.weight").values());
  }

  /** A cell behind what is frozen reads the layer before the last frozen one too. */
  @Test
  void cellsGoOnFromTwoFrozenLayers() {
    Architecture cells = CellNetworks.small("cells", Genotype.DARTS_V2, NETWORK.input(), 10, 4, 3);
    Weights from = Weights.random(cells, 1);
    try (TrainingRun run = start("cells", setup(cells, from, 2), from, new Stopping(-1))) {
      run.run();
    }
    Weights trained = Weights.read(folder.resolve("cells").resolve("weights.safetensors"));
    int moved = 0;
    for (String name : from.entries().keySet()) {
      boolean same = Arrays.equals(from.get(name).values(), trained.get(name).values());
      if (name.startsWith("layers.0.") || name.startsWith("layers.1.")) {
        assertTrue(same, name);
      } else {
        moved += same ? 0 : 1;
      }
    }
    assertTrue(moved > 20);
  }

  @Test
  void whatDoesNotFitIsNamed() {
    Architecture larger = Architectures.named("proxyless-cpu").withInput(NETWORK.input(), 1000);
    Weights other = Weights.random(larger, 1);
    TrainingSetup setup = setup(NETWORK, other, 0);
    String message =
        String.valueOf(
            assertThrows(
                    SextantException.class, () -> start("other", setup, other, new Stopping(-1)))
                .getMessage());
    assertTrue(message.contains("'layers.0.") && message.contains("must be"), message);
    assertFalse(Files.exists(folder.resolve("other")));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          all-but-classifier    | 3
          layers.0              | 1
          layers.0-2            | 3
          layers.1,layers.0     | 2
          """)
  void layersAreNamed(String text, int count) {
    assertEquals(count, Transfer.frozen(text, NETWORK));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          layers.1              | layers.1 stands behind a layer that is trained
          layers.0-3            | is neither all-but-classifier nor
          layers.2-1            | is neither
          conv                  | is neither
          layers.0,             | is neither
          layers.9999999999     | is neither
          """)
  void othersAreRefused(String text, String says) {
    String message =
        String.valueOf(
            assertThrows(SextantException.class, () -> Transfer.frozen(text, NETWORK))
                .getMessage());
    assertTrue(message.contains(says), message);
    assertEquals(1, List.of(message.split("\n")).size());
  }
}
