package dev.sextant.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Weights;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExportCommandTest {
  private static final String NETWORK =
      """
      {"format": "sextant-architecture/1", "name": "tiny", "classes": 10,
       "input": {"height": 28, "width": 28, "channels": 1},
       "layers": [
         {"op": "conv", "kernel": 3, "stride": 2, "out": 8, "norm": "batch", "act": "relu6"},
         {"op": "mbconv", "kernel": 3, "expand": 3, "stride": 2, "out": 16},
         {"op": "global-avg-pool"}, {"op": "linear", "out": 10}]}
      """;

  @TempDir private Path directory;

  @Test
  void aModelIsWrittenOnceForEachWay() throws Exception {
    Path network = Files.writeString(directory.resolve("architecture.json"), NETWORK);
    Path weights = directory.resolve("weights.safetensors");
    Weights.random(Architecture.read(network), 1).write(weights);
    Path file = directory.resolve("tiny.onnx");
    String printed =
        Command.run("export", network, "--weights", weights, "--out", file).succeeded();
    assertTrue(printed.contains("tiny.onnx") && printed.contains("without latencies"), printed);
    byte[] folded = Files.readAllBytes(file);
    Command.run("export", directory).succeeded();
    assertArrayEquals(folded, Files.readAllBytes(directory.resolve("model.onnx")));
    Command.run(
            "export",
            directory,
            "--keep-batch-norm",
            "--pixels",
            "--halves",
            "--batch=4",
            "--out",
            file)
        .succeeded();
    assertFalse(java.util.Arrays.equals(folded, Files.readAllBytes(file)));
    String rounded =
        Command.run("export", directory, "--quantize", "--data=builtin:40", "--out", file)
            .succeeded();
    assertTrue(rounded.contains("in 32 bits") && rounded.contains("in 8"), rounded);
    assertTrue(Files.size(file) != folded.length);
  }

  @Test
  void whatWasWrittenIsImportedAndEvaluated() throws Exception {
    Path network = Files.writeString(directory.resolve("architecture.json"), NETWORK);
    Weights.random(Architecture.read(network), 1).write(directory.resolve("weights.safetensors"));
    Command.run("export", directory, "--keep-batch-norm").succeeded();
    Path out = directory.resolve("imported");
    String printed =
        Command.run("import", directory.resolve("model.onnx"), "--out", out).succeeded();
    assertTrue(printed.contains("4 layers, 0 of them graphs"), printed);
    assertEquals(
        Architecture.read(network).layers(),
        Architecture.read(out.resolve("architecture.json")).layers());
    assertTrue(
        Command.run("eval", "--model", out, "--data=builtin:40").succeeded().contains("accuracy"));
    Command.run("import", directory.resolve("model.onnx"), "--out", out).refused(out);
    Path other = directory.resolve("other");
    Command.run("import", network, "--out", other).refused(network, "no ONNX file");
    Command.run("import", "timm:" + network, "--out", other).refused("--architecture");
    assertFalse(Files.exists(other));
  }

  @Test
  void badInputIsRefused() throws Exception {
    Path network = Files.writeString(directory.resolve("tiny.json"), NETWORK);
    Path weights = directory.resolve("weights.safetensors");
    Weights.random(Architecture.read(network), 1).write(weights);
    Command.run("export", network).refused("--weights");
    Command.run("export", "mobilenet-v2", "--weights", weights).refused("mobilenet-v2");
    Command.run("export", directory).refused("architecture.json");
    Command.run("export", network, "--weights", weights, "--batch=0").refused("'0'");
    Command.run("export", network, "--weights", weights, "--format=torch").refused("torch");
    Command.run("export", network, "--weights", weights, "--out", directory).refused(directory);
  }
}
