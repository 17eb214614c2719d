package dev.sextant.nas.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import dev.sextant.nas.cells.CellSamples;
import dev.sextant.nas.checkpoint.EventLog;
import dev.sextant.nas.cost.LatencyFiles;
import dev.sextant.nas.cost.LatencyTable;
import dev.sextant.nas.cost.LatencyTable.Entry;
import dev.sextant.nas.cost.LatencyTable.Key;
import dev.sextant.nas.cost.LatencyTable.Setting;
import dev.sextant.nas.cost.LinearCost;
import dev.sextant.nas.predict.LatencyPredictor;
import dev.sextant.nas.predict.LatencySamples;
import dev.sextant.nas.predict.PredictorRecipe;
import dev.sextant.nas.space.CellSpace;
import dev.sextant.nas.space.Genotype;
import dev.sextant.runtime.Architecture.Input;
import dev.sextant.runtime.FullDisk;
import dev.sextant.runtime.Weights;
import dev.sextant.runtime.layer.Linear;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every kind of file that is written, on a disk that is full after each number of bytes. */
@Tag("machine-text")
class FullDiskTest {
  @TempDir private Path folder;

  private record Kind(String file, Consumer<Path> writer) {
    @Override
    public String toString() {
      return file;
    }
  }

  static Stream<Kind> kinds() {
    SequencedMap<Key, Entry> entries = new LinkedHashMap<>();
    entries.put(new Key(new Linear(10), Shape.of(1, 16)), new Entry(1.5, 2, 30));
    entries.put(new Key(new Linear(10), Shape.of(1, 24)), new Entry(2.5, 3, 30));
    LatencyTable table = new LatencyTable(new Setting("m", "r", "cpu", 1, 1), 0, 1, entries);
    SequencedMap<String, Double> ops = new LinkedHashMap<>();
    ops.put("mb k3 e3", 1.0);
    ops.put("zero", -0.5);
    LinearCost linear = new LinearCost(1, List.of(ops));
    SequencedMap<String, Weights.Entry> tensors = new LinkedHashMap<>();
    tensors.put("a", new Weights.Entry(Shape.of(3, 5), new float[15]));
    tensors.put("b", new Weights.Entry(Shape.of(7), new float[7]));
    Weights weights = new Weights(tensors, Map.of("mean", "0.5"));
    LatencySamples samples =
        new LatencySamples(1, new float[] {0, 1, 0, 1}, new double[] {1, 2, 1, 2});
    LatencyPredictor predictor =
        LatencyPredictor.train(samples, PredictorRecipe.DEFAULT.withEpochs(1), 1);
    CellSpace darts = CellSpace.darts(new Input(8, 8, 1), 10);
    CellSamples cells = new CellSamples(darts, 1, List.of(Genotype.DARTS_V2), new double[] {1});
    return Stream.of(
        new Kind("latency.json", path -> LatencyFiles.write(table, path)),
        new Kind("latency.csv", path -> LatencyFiles.write(table, path)),
        new Kind("linear.csv", linear::write),
        new Kind("cells.csv", cells::write),
        new Kind("run.json", path -> RunDirectory.write(path, "{\"format\": \"a text\"}\n")),
        new Kind("weights.safetensors", weights::write),
        new Kind("predictor.safetensors", path -> predictor.write(path, Map.of())));
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void aFileIsTheOldOneOrTheNew(Kind kind) throws IOException {
    Path file = folder.resolve(kind.file);
    kind.writer.accept(file);
    byte[] whole = Files.readAllBytes(file);
    byte[] old = "what was there before".getBytes(StandardCharsets.UTF_8);
    Files.write(file, old);
    FullDisk disk = new FullDisk(folder, 0, 100);
    // Of a long file every level in -Dsextant.fuzz only: it is written as often.
    int step = Boolean.getBoolean("sextant.fuzz") ? 1 : 1 + whole.length / 2048;
    for (int room = 0; room < whole.length; room += step) {
      disk.room(room);
      String message =
          assertThrows(SextantException.class, () -> kind.writer.accept(disk.path(file)))
              .getMessage();
      assertEquals(file + ": cannot be written (No space left on device)", message);
      assertArrayEquals(old, Files.readAllBytes(file));
    }
    disk.room(whole.length);
    kind.writer.accept(disk.path(file));
    assertArrayEquals(whole, Files.readAllBytes(file));
    try (Stream<Path> files = Files.list(folder)) {
      assertEquals(List.of(file), files.toList());
    }
  }

  /** What a checkpoint knew of stays, and the log goes on from there. */
  @Test
  void theLogOfEventsKeepsWhatACheckpointKnew() throws IOException {
    Path file = folder.resolve("events.jsonl");
    EventLog.Position kept;
    String first;
    try (EventLog log = new EventLog(file, EventLog.START)) {
      log.emit("one", new JsonObject());
      kept = log.position();
      first = Files.readString(file);
      log.emit("two", new JsonObject());
    }
    String both = Files.readString(file);
    String second = both.substring(first.length());
    FullDisk disk = new FullDisk(folder, 0, 5);
    for (int room = 0; room <= second.length(); room++) {
      Files.writeString(file, first);
      disk.room(room);
      boolean fits = room == second.length();
      try (EventLog log = new EventLog(disk.path(file), kept)) {
        if (fits) {
          log.emit("two", new JsonObject());
        } else {
          String message =
              assertThrows(SextantException.class, () -> log.emit("two", new JsonObject()))
                  .getMessage();
          assertEquals(file + ": cannot be written (No space left on device)", message);
        }
      }
      assertTrue(Files.readString(file).startsWith(first));
      try (EventLog log = new EventLog(file, kept)) {
        log.emit("two", new JsonObject());
        assertEquals(both.length(), log.position().length());
      }
      assertEquals(both, Files.readString(file));
    }
  }
}
