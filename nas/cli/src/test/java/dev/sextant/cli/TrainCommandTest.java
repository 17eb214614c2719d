package dev.sextant.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

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
import dev.sextant.nas.space.Space;
import dev.sextant.nas.train.TrainingRun;
import dev.sextant.runtime.Architecture;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.SextantException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Training one architecture, whole and interrupted. */
@Tag("long")
class TrainCommandTest {
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
  void trainingIsEvaluatedAndAnInterruptedOneEndsInTheSameBits() throws Exception {
    Path network = Files.writeString(directory.resolve("tiny.json"), NETWORK);
    Path out = directory.resolve("whole");
    String printed =
        Command.run(
                "train",
                "--architecture=" + network,
                "--data=builtin:400",
                "--out=" + out,
                "--epochs=2",
                "--threads=1")
            .succeeded();
    assertTrue(printed.contains("accuracy ") && printed.contains("p50"), printed);
    assertEquals("tiny", Architecture.read(out.resolve("architecture.json")).name());

    Path stopped = directory.resolve("stopped");
    stop(stopped);
    assertFalse(Files.exists(stopped.resolve("weights.safetensors")));
    String resumed = Command.run("resume", stopped).succeeded();
    assertEquals(line(printed, "accuracy"), line(resumed, "accuracy"));
    assertArrayEquals(
        Files.readAllBytes(out.resolve("weights.safetensors")),
        Files.readAllBytes(stopped.resolve("weights.safetensors")));
    assertEquals(
        line(printed, "accuracy"),
        line(
            Command.run("eval", "--model", stopped, "--data=builtin:400").succeeded(), "accuracy"));
    Command.run("eval", "--model", directory, "--data=builtin:400")
        .refused(directory, "architecture.json is missing");
  }

  @Test
  void aDetectorIsTrainedAndEvaluatedOnScenes() throws Exception {
    Path network = directory.resolve("detector.json");
    Files.writeString(network, Space.named("detection-small").derive(new int[8]).toJson());
    Path out = directory.resolve("detector");
    String printed =
        Command.run(
                "train",
                "--architecture=" + network,
                "--data=scenes:32",
                "--image-size=32",
                "--out=" + out,
                "--epochs=1",
                "--batch=16",
                "--threads=1")
            .succeeded();
    assertTrue(printed.contains("mAP  "), printed);
    String evaluated =
        Command.run("eval", "--model", out, "--data=scenes:32", "--image-size=32").succeeded();
    assertEquals(line(printed, "mAP"), line(evaluated, "mAP"));
    assertTrue(evaluated.contains("at 0.5    mAP"), evaluated);
    Command.run("eval", "--model", out, "--data=builtin:100")
        .refused("is none of the model's (disc");
    Command.run("search", "--task=detection", "--space=proxyless-small", "--out=" + out + "2")
        .refused("task: detection is not what proxyless-small is for");
  }

  /** The same training, stopped after 6 of its 14 steps with a checkpoint after each. */
  private static void stop(Path out) {
    ImageDataset data = Datasets.open("builtin:400");
    TrainingSetup setup =
        new TrainingSetup(
            "builtin:400",
            DataOptions.DEFAULT,
            Architecture.parse(NETWORK, "tiny"),
            new TrainingConfig(
                0,
                2,
                0.1,
                new BatchConfig(64, "light", 0.1),
                DescentConfig.DEFAULT,
                Regularization.NONE),
            Device.CPU,
            1);
    Progress stopping =
        new Progress() {
          @Override
          public void step(String stage, long done, long steps, String status, long peakBytes) {
            if (done == 7) {
              throw new SextantException("stopped");
            }
          }

          @Override
          public void message(String text) {}
        };
    try (TrainingRun run = TrainingRun.start(RunDirectory.create(out), setup, data, 0, stopping)) {
      Assertions.assertThrows(SextantException.class, run::run);
    }
  }

  private static String line(String text, String start) {
    return text.lines().filter(line -> line.startsWith(start)).findFirst().orElseThrow();
  }

  /** Other classes: a new classifier, and those of the images in weights and run. */
  @Test
  void goesOnFromATrainedNetwork() throws Exception {
    Path network = Files.writeString(directory.resolve("tiny.json"), NETWORK);
    Path first = directory.resolve("first");
    Command.run(
            "train",
            "--architecture=" + network,
            "--data=builtin:200",
            "--out=" + first,
            "--epochs=1",
            "--threads=1")
        .succeeded();
    Path second = directory.resolve("second");
    String printed =
        Command.run(
                "train",
                "--from=" + first,
                "--freeze=all-but-classifier",
                "--data=builtin:200",
                "--out=" + second,
                "--epochs=1",
                "--threads=1")
            .succeeded();
    assertTrue(printed.contains("its classifier, 3 of 4 layers frozen"), printed);
    assertTrue(Files.readString(second.resolve("run.json")).contains("\"classes\""));
    Path third = directory.resolve("third");
    Command.run("train", "--freeze=layers.0", "--data=builtin:200", "--out=" + third)
        .refused("architecture: give one");
    Command.run(
            "train",
            "--architecture=" + network,
            "--freeze=layers.0",
            "--data=builtin:200",
            "--out=" + third)
        .refused("freeze: new weights have to be trained");
    Command.run("train", "--from=" + first, "--architecture=" + network, "--out=" + third)
        .refused("says itself which its weights are of");
    Command.run(
            "train",
            "--architecture=mobilenet-v2",
            "--from=" + first.resolve("weights.safetensors"),
            "--out=" + third)
        .refused("trained in another architecture");
    assertFalse(Files.exists(third));
  }

  @Test
  void badOptionsLeaveNothingBehind() throws Exception {
    Path network = Files.writeString(directory.resolve("tiny.json"), NETWORK);
    Path out = directory.resolve("out");
    Object[][] bad = {
      {"--epochs=-1", "epochs: -1"},
      {"--batch=0", "batch: 0"},
      {"--dropout=1", "dropout: 1.0"},
      {"--augmentation=much", "'much'"},
      {"--device=cuda", "cuda"},
      {"--threads=x", "--threads"}
    };
    for (Object[] option : bad) {
      Command.run("train", "--architecture", network, "--out", out, "--data=builtin:40", option[0])
          .refused(option[1]);
      assertFalse(Files.exists(out), option[0].toString());
    }
    Command.run("train", "--architecture=none", "--out", out).refused("\"none\"", "mobilenet-v2");
  }
}
