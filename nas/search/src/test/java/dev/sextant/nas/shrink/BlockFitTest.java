package dev.sextant.nas.shrink;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.autograd.nn.Initializer;
import dev.sextant.nas.data.Batch;
import dev.sextant.nas.data.Datasets;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.data.SequentialBatches;
import dev.sextant.nas.space.Space;
import dev.sextant.nas.supernet.Network;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Architectures;
import dev.sextant.runtime.Weights;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.MbConv;
import dev.sextant.runtime.layer.Skip;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Backends;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class BlockFitTest {
  private static final Architecture NETWORK =
      Architecture.parse(
          """
          {"format": "sextant-architecture/1", "name": "tiny", "classes": 10,
           "input": {"height": 28, "width": 28, "channels": 1},
           "layers": [
             {"op": "conv", "kernel": 3, "stride": 2, "out": 8, "norm": "batch", "act": "relu6"},
             {"op": "mbconv", "kernel": 5, "expand": 6, "stride": 2, "out": 8},
             {"op": "mbconv", "kernel": 5, "expand": 6, "out": 8, "squeeze-excite": 0.25},
             {"op": "separable", "kernel": 5, "out": 16},
             {"op": "global-avg-pool"}, {"op": "linear", "out": 10}]}
          """,
          "tiny");

  /** Weights of which none is 0 or 1, batch norms' scales included. */
  static Weights weights(Architecture network, long seed) {
    Weights random = Weights.random(network, seed);
    SequencedMap<String, Weights.Entry> entries = new LinkedHashMap<>();
    Rng rng = new Rng(seed);
    random
        .entries()
        .forEach(
            (name, entry) -> {
              float[] values = entry.values().clone();
              if (!name.endsWith("weight")) {
                for (int i = 0; i < values.length; i++) {
                  values[i] = 0.5f + (float) rng.nextDouble();
                }
              }
              entries.put(name, new Weights.Entry(entry.shape(), values));
            });
    return new Weights(entries, random.metadata());
  }

  @Test
  void alternativesAreSmallerAndKeepTheShape() {
    MbConv block = new MbConv(7, 1, 6, 16, Activation.HSWISH, 0.25, true);
    Shape input = Shape.of(1, 8, 8, 16);
    List<Layer> layers = Alternatives.of(block, input);
    assertEquals(block, layers.getFirst());
    assertEquals(3 * 4 + 1, layers.size(), layers::toString);
    assertTrue(layers.contains(new Skip()));
    for (Layer layer : layers) {
      assertEquals(input, layer.output(input));
      assertTrue(layer.macs(input) <= block.macs(input));
    }
    Space space = Alternatives.space(NETWORK);
    assertArrayEquals(new int[] {8, 9, 2}, space.options());
    assertEquals(NETWORK.sha256(), space.derive(new int[3]).sha256());
  }

  @Test
  void whatIsNoChainOrHasNothingToShrinkIsRefused() {
    assertThrows(SextantException.class, () -> Alternatives.space(Architectures.named("darts-v2")));
    Architecture plain =
        Architecture.parse(
            """
            {"format": "sextant-architecture/1", "name": "plain", "classes": 4,
             "input": {"height": 8, "width": 8, "channels": 3},
             "layers": [{"op": "global-avg-pool"}, {"op": "linear", "out": 4}]}
            """,
            "plain");
    assertThrows(SextantException.class, () -> Alternatives.space(plain));
  }

  /** The channels that matter most, computed by hand, and the middle of the kernel. */
  @Test
  void weightsAreThoseOfTheChannelsThatMatter() {
    MbConv whole = new MbConv(3, 1, 4, 1, Activation.RELU6, 0, false);
    MbConv part = new MbConv(1, 1, 2, 1, Activation.RELU6, 0, false);
    Map<String, Weights.Entry> weights = new LinkedHashMap<>();
    float[] kernel = new float[9 * 4];
    for (int i = 0; i < kernel.length; i++) {
      kernel[i] = i;
    }
    weights.put("depthwise.weight", new Weights.Entry(Shape.of(3, 3, 4), kernel));
    // Importance (gamma^2 + max(beta, 0)^2) w^2: 4, 9, (1 + 16) 1, 1.
    put(weights, "depthwise_norm.gamma", 1, -1, 1, 1);
    put(weights, "depthwise_norm.beta", -5, 0, 4, 0);
    weights.put(
        "project.weight", new Weights.Entry(Shape.of(1, 1, 4, 1), new float[] {2, 3, 1, 1}));
    put(weights, "project_norm.gamma", 7);
    SequencedMap<String, Shape> shapes = new LinkedHashMap<>();
    shapes.put("depthwise.weight", Shape.of(1, 1, 2));
    shapes.put("depthwise_norm.gamma", Shape.of(2));
    shapes.put("project.weight", Shape.of(1, 1, 2, 1));
    shapes.put("project_norm.gamma", Shape.of(1));
    SequencedMap<String, Weights.Entry> kept = InheritedWeights.of(whole, weights, part, shapes, 1);
    assertArrayEquals(new float[] {17, 18}, kept.get("depthwise.weight").values());
    assertArrayEquals(new float[] {-1, 1}, kept.get("depthwise_norm.gamma").values());
    assertArrayEquals(new float[] {3, 1}, kept.get("project.weight").values());
    assertArrayEquals(new float[] {7}, kept.get("project_norm.gamma").values());
  }

  private static void put(Map<String, Weights.Entry> weights, String name, float... values) {
    weights.put(name, new Weights.Entry(Shape.of(values.length), values));
  }

  @Test
  void alternativesComeNearAndTheTeacherStays() {
    Space space = Alternatives.space(NETWORK);
    ImageDataset data = Datasets.open("builtin:200");
    Weights weights = weights(NETWORK, 1);
    try (Backend backend = Backends.open(Device.CPU, 1)) {
      try (BlockFit blocks = new BlockFit(backend, space, weights)) {
        SequentialBatches batches =
            new SequentialBatches(
                data.train(), IntStream.range(0, 64).toArray(), 32, data.normalization());
        double first = Double.NaN;
        double last = 0;
        for (int epoch = 0; epoch < 15; epoch++) {
          for (Batch batch : batches) {
            last = blocks.fit(batch, 3e-3);
            first = Double.isNaN(first) ? last : first;
          }
        }
        assertTrue(last < 0.8 * first, first + " to " + last);
        BlockScores scores = new BlockScores(space);
        for (Batch batch : batches) {
          blocks.score(batch, scores);
        }
        double[][] divergences = scores.divergences();
        for (int c = 0; c < divergences.length; c++) {
          assertEquals(0, divergences[c][0]);
          for (int j = 1; j < divergences[c].length; j++) {
            assertTrue(divergences[c][j] > 0 && scores.errors()[c][j] > 0);
          }
        }
        BlockScores again = new BlockScores(space);
        again.restore(scores.state());
        assertArrayEquals(scores.losses()[1], again.losses()[1]);

        // Put together of the first candidates, it is the network itself.
        Rng any = new Rng(0);
        try (Network network =
            new Network(space.derive(new int[3]), new Initializer(backend, any), 0, any)) {
          blocks.copyWeights(new int[3], network);
          network
              .state()
              .forEach(
                  (name, tensor) -> {
                    float[] values = new float[tensor.size()];
                    backend.download(tensor, values, 0);
                    assertArrayEquals(weights.get(name).values(), values, name);
                  });
        }
      }
      assertEquals(0, backend.memory().current());
    }
  }
}
