package dev.sextant.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.sextant.kernels.emulator.EmulatedBackendProvider;
import dev.sextant.kernels.emulator.Faults;
import dev.sextant.nas.cost.LatencyProfiler;
import dev.sextant.nas.cost.LatencyTable;
import dev.sextant.nas.space.Space;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.CompiledModel;
import dev.sextant.runtime.LatencyMeter;
import dev.sextant.runtime.LatencyProfile;
import dev.sextant.runtime.Weights;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.Rng;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The whole engine on the CUDA backend: searches, training, the compiled model and profiling with
 * {@code --device emulated}, the device that interprets the kernels' PTX.
 */
@Tag("long")
class EmulatedDeviceTest {
  /** Of values that a few steps of training on either device lead to. */
  private static final double TOLERANCE = 2e-3;

  private static final String SPACE =
      """
      {"format": "sextant-space/1", "name": "tiny", "classes": 2,
       "input": {"height": 8, "width": 8, "channels": 1},
       "layers": [
         {"op": "conv", "kernel": 3, "stride": 2, "out": 4, "norm": "batch", "act": "relu6"},
         {"choice": [{"op": "mbconv", "kernel": 3, "expand": 1, "act": "relu6"},
                     {"op": "mbconv", "kernel": 3, "expand": 2, "act": "relu6"},
                     {"op": "mbconv", "kernel": 5, "expand": 1, "act": "relu6"},
                     {"op": "mbconv", "kernel": 5, "expand": 2, "act": "relu6"},
                     {"op": "skip"}], "out": 4},
         {"op": "global-avg-pool"}, {"op": "linear", "out": 2}]}
      """;

  /** Cells of one node: their edges, the partial channels and how they are weighed. */
  private static final String CELLS =
      """
      {"format": "sextant-space/1", "name": "tiny-cells", "classes": 2,
       "input": {"height": 8, "width": 8, "channels": 1},
       "cell": {
         "nodes": 2,
         "choice": [{"op": "zero"}, {"op": "max-pool", "kernel": 3}, {"op": "identity"},
                    {"op": "separable", "kernel": 3}, {"op": "dilated", "kernel": 3}]},
       "supernet": {"width": 4, "cells": 3, "partial": %d, "edge-weights": %b},
       "network": {"width": 4, "cells": 3}}
      """;

  @TempDir private Path directory;

  @AfterEach
  void nothingFails() {
    EmulatedBackendProvider.faults(new Faults());
  }

  /** Bright images above, dark ones below: a folder of IDX files as MNIST has them. */
  private Path images() throws IOException {
    Path folder = Files.createDirectories(directory.resolve("data"));
    Rng rng = new Rng(11);
    write(folder, "train", 24, rng);
    write(folder, "t10k", 8, rng);
    return folder;
  }

  private static void write(Path folder, String name, int count, Rng rng) throws IOException {
    try (DataOutputStream images =
            new DataOutputStream(
                Files.newOutputStream(folder.resolve(name + "-images-idx3-ubyte")));
        DataOutputStream labels =
            new DataOutputStream(
                Files.newOutputStream(folder.resolve(name + "-labels-idx1-ubyte")))) {
      for (int header : new int[] {0x803, count, 8, 8}) {
        images.writeInt(header);
      }
      labels.writeInt(0x801);
      labels.writeInt(count);
      for (int i = 0; i < count; i++) {
        labels.writeByte(i % 2);
        for (int pixel = 0; pixel < 64; pixel++) {
          images.writeByte(rng.nextInt(128) + 127 * ((pixel / 32 + i) % 2));
        }
      }
    }
  }

  private List<String> search(String device, Path out, String... more) throws IOException {
    return search(SPACE, "--cost=parameters --budget=150", device, out, more);
  }

  private List<String> search(String space, String cost, String device, Path out, String... more)
      throws IOException {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "search",
                "--data=" + images(),
                "--space=" + Files.writeString(directory.resolve("tiny.json"), space),
                "--ceiling",
                "--device=" + device,
                "--out=" + out,
                "--batch=8",
                "--validation-fraction=0.33",
                "--warmup-epochs=1",
                "--epochs=1",
                "--retrain-epochs=1",
                "--architecture-interval=1",
                "--architecture-rate=0.5",
                "--rate=0.02",
                "--samples=2",
                "--random-samples=0",
                "--augmentation=none",
                "--threads=1"));
    arguments.addAll(List.of(cost.split(" ")));
    arguments.addAll(List.of(more));
    return arguments;
  }

  private static List<Double> losses(Path run) throws IOException {
    List<Double> losses = new ArrayList<>();
    for (String line : Files.readAllLines(run.resolve("events.jsonl"))) {
      JsonObject event = JsonParser.parseString(line).getAsJsonObject();
      for (String key : event.keySet()) {
        if (key.toLowerCase(Locale.ROOT).endsWith("loss")) {
          losses.add(event.get(key).getAsDouble());
        }
      }
    }
    return losses;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--method=proxyless-g",
        "--method=proxyless-g --gates=two-path",
        "--method=proxyless-r",
        "--method=tunas"
      })
  void aSearchGoesAsOnTheCpu(String options) throws IOException {
    goesAsOnTheCpu(SPACE, "--cost=parameters --budget=150", options);
  }

  /** The unit of ShuffleNetV2 and grouped convolutions, fixed and as candidates. */
  @Test
  void shufflesAndGroupsAreSearchedAsOnTheCpu() throws IOException {
    String units =
        SPACE.replaceAll(
            "\\{\"choice\": [^]]*]",
            "{\"op\": \"shuffle\", \"kernel\": 3, \"stride\": 2, \"out\": 4},"
                + "{\"choice\": [{\"op\": \"shuffle\", \"kernel\": 3},"
                + "{\"op\": \"conv\", \"kernel\": 3, \"groups\": 2}, {\"op\": \"skip\"}]");
    goesAsOnTheCpu(units, "--cost=parameters --budget=200", "--method=proxyless-g");
  }

  /** Blocks that lie inside one another. */
  @Test
  void aSuperkernelIsSearchedAsOnTheCpu() throws IOException {
    String nesting = SPACE.replace("\"expand\": 1", "\"expand\": 4");
    goesAsOnTheCpu(nesting, "--cost=parameters --budget=300", "--method=single-path");
  }

  @ParameterizedTest
  @CsvSource({
    "--method=la-darts, 1, false",
    "--method=la-darts --second-order --clip=1, 1, false",
    "--method=la-pc-darts, 2, true"
  })
  void cellsAreSearchedAsOnTheCpu(String options, int partial, boolean weights) throws IOException {
    goesAsOnTheCpu(CELLS.formatted(partial, weights), "--cost=macs --budget=50k", options);
  }

  private void goesAsOnTheCpu(String space, String cost, String options) throws IOException {
    Path there = directory.resolve("emulated");
    Path here = directory.resolve("cpu");
    String[] more = options.split(" ");
    Command.run(search(space, cost, "emulated", there, more).toArray()).succeeded();
    Command.run(search(space, cost, "cpu", here, more).toArray()).succeeded();
    List<Double> expected = losses(here);
    List<Double> actual = losses(there);
    assertTrue(!expected.isEmpty(), () -> "no losses of " + options);
    assertEquals(expected.size(), actual.size());
    for (int i = 0; i < expected.size(); i++) {
      assertEquals(expected.get(i), actual.get(i), TOLERANCE, "loss " + i);
    }
    assertEquals(
        Architecture.read(here.resolve("architecture.json")).layers(),
        Architecture.read(there.resolve("architecture.json")).layers());
  }

  @Test
  void aLostDeviceEndsTheRunWithOneLineAndItGoesOnToTheSameEnd() throws IOException {
    Path whole = directory.resolve("whole");
    Command.run(search("emulated", whole).toArray()).succeeded();
    Path broken = directory.resolve("broken");
    EmulatedBackendProvider.faults(new Faults().loseAfter(700));
    Command.run(search("emulated", broken, "--checkpoint-seconds=0").toArray())
        .refused("the device is lost", "ILLEGAL_ADDRESS", "sextant resume");
    assertTrue(Files.exists(broken.resolve("checkpoint/state.safetensors")));
    EmulatedBackendProvider.faults(new Faults());
    Command.run("resume", broken).succeeded();
    assertArrayEquals(
        Files.readAllBytes(whole.resolve("weights.safetensors")),
        Files.readAllBytes(broken.resolve("weights.safetensors")));
  }

  @Test
  void aKernelThatIsRefusedEndsWithItsLog() throws IOException {
    EmulatedBackendProvider.faults(new Faults().refuse("sgd_nesterov_tensors"));
    Command.run(search("emulated", directory.resolve("run")).toArray())
        .refused("kernel sgd_nesterov_tensors is refused: ptxas", "Unknown symbol", "sextant ptx");
  }

  @Test
  void aNetworkIsProfiledAndItsModelAgreesWithTheCpu() throws IOException {
    Space space = Space.read(Files.writeString(directory.resolve("tiny.json"), SPACE));
    Device device = Device.parse("emulated");
    LatencyMeter meter =
        new LatencyMeter(0.5, Duration.ofMillis(1), Duration.ofMillis(1), Duration.ZERO);
    LatencyTable table =
        new LatencyProfiler(new LatencyProfile(device, 1, meter), (done, total) -> {})
            .measure(space, 1, 2, 0);
    assertEquals("emulated", table.setting().device());
    table.entries().forEach((key, entry) -> assertTrue(entry.ms() > 0, key::toString));

    Architecture network = space.derive(new int[] {3});
    Weights weights = Weights.random(network, 5);
    float[] images = new float[2 * 64];
    Rng rng = new Rng(6);
    for (int i = 0; i < images.length; i++) {
      images[i] = (float) rng.nextGaussian();
    }
    float[] expected = new float[4];
    try (CompiledModel model = CompiledModel.compile(network, weights, Device.CPU, 1, 2)) {
      model.run(images, expected);
    }
    try (CompiledModel model = CompiledModel.compile(network, weights, device, 1, 2);
        CompiledModel fork = model.fork()) {
      for (CompiledModel each : List.of(model, fork, model)) {
        float[] logits = new float[4];
        each.run(images, logits);
        assertArrayEquals(expected, logits, 1e-4f);
      }
    }
  }

  @Test
  void withoutADeviceThereIsOneLine() throws IOException {
    Command.run(search("opencl", directory.resolve("none")).toArray())
        .refused("no backend for 'opencl'");
    assertTrue(Files.notExists(directory.resolve("none/run.json")));
  }
}
