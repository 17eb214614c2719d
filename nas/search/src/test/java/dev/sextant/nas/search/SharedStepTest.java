package dev.sextant.nas.search;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.nas.data.Augmentation;
import dev.sextant.nas.data.BatchLoader;
import dev.sextant.nas.data.Datasets;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.objective.Outcome;
import dev.sextant.nas.stage.Passes;
import dev.sextant.nas.stage.Targets;
import dev.sextant.nas.supernet.Network;
import dev.sextant.nas.workers.Workers;
import dev.sextant.runtime.Architecture;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What one step of several workers comes to, beside that of one with the whole batch. */
class SharedStepTest {
  private static final ImageDataset DATA = Datasets.open("builtin:100");

  /** Gradients, then loss and accuracy, then running statistics, after one batch of 24 images. */
  private static float[] step(String norm, Workers workers) {
    Architecture architecture =
        Architecture.parse(
            """
            {"format": "sextant-architecture/1", "name": "n", "classes": 10,
             "input": {"height": 28, "width": 28, "channels": 1}, "layers": [
             {"op": "conv", "kernel": 3, "stride": 2, "out": 8, "norm": "%s", "act": "relu6"},
             {"op": "conv", "kernel": 3, "stride": 2, "out": 12, "norm": "%s", "act": "relu6"},
             {"op": "global-avg-pool"}, {"op": "linear", "out": 10}]}
            """
                .formatted(norm, norm),
            "n");
    int[] all = IntStream.range(0, DATA.train().count()).toArray();
    List<float[]> parts = new ArrayList<>();
    try (Backend backend = Backend.cpu(1);
        Network network =
            new Network(architecture, new Initializer(backend, Rng.of(1)), 0, Rng.of(2));
        BatchLoader loader =
            new BatchLoader(
                DATA.train(), all, 24, DATA.normalization(), Augmentation.light(28), 7, workers)) {
      Outcome outcome =
          Passes.of(backend, architecture, workers)
              .gradients(network, loader.next(), Tape.Mode.TRAIN, new Targets(0.1, null, 1, 0));
      network
          .parameters()
          .values()
          .forEach(
              parameter -> {
                Tensor gradient = parameter.gradient();
                assertTrue(gradient != null);
                parts.add(downloaded(backend, gradient));
              });
      parts.add(new float[] {(float) outcome.loss(), (float) outcome.accuracy()});
      network
          .state()
          .forEach(
              (name, tensor) -> {
                if (name.endsWith("mean") || name.endsWith("variance")) {
                  parts.add(downloaded(backend, tensor));
                }
              });
    }
    float[] joined = new float[parts.stream().mapToInt(part -> part.length).sum()];
    int at = 0;
    for (float[] part : parts) {
      System.arraycopy(part, 0, joined, at, part.length);
      at += part.length;
    }
    return joined;
  }

  private static float[] downloaded(Backend backend, Tensor tensor) {
    float[] values = new float[tensor.size()];
    backend.download(tensor, values, 0);
    return values;
  }

  private static float[] shared(String norm, int count) {
    float[][] steps = new float[count][];
    ThreadWorkers.run(count, workers -> steps[workers.rank()] = step(norm, workers));
    for (float[] step : steps) {
      assertArrayEquals(steps[0], step, 0, "workers have different bits");
    }
    return steps[0];
  }

  @Test
  void withoutBatchNormsTheWholeBatchIsTheirMeanWithinRounding() {
    float[] whole = step("none", Workers.ALONE);
    for (int count : new int[] {2, 3, 4}) {
      float[] shared = shared("none", count);
      double difference = 0;
      double norm = 0;
      for (int i = 0; i < whole.length; i++) {
        difference += Math.pow(shared[i] - whole[i], 2);
        norm += Math.pow(whole[i], 2);
      }
      assertTrue(Math.sqrt(difference / norm) < 2e-6, count + ": " + Math.sqrt(difference / norm));
    }
  }

  /** Which go by each worker's share: near the whole batch's, and the same for all workers. */
  @Test
  void batchNormsOfSharesAreNearThoseOfTheWhole() {
    float[] whole = step("batch", Workers.ALONE);
    float[] shared = shared("batch", 2);
    assertEquals(whole.length, shared.length);
    double product = 0;
    double one = 0;
    double other = 0;
    for (int i = 0; i < whole.length; i++) {
      product += whole[i] * (double) shared[i];
      one += whole[i] * (double) whole[i];
      other += shared[i] * (double) shared[i];
    }
    assertTrue(product / Math.sqrt(one * other) > 0.95);
  }
}
