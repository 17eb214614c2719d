package dev.sextant.nas.cells;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.nn.AuxiliaryTower;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.nas.space.CellNetworks;
import dev.sextant.nas.space.Genotype;
import dev.sextant.nas.supernet.Network;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Architecture.Input;
import dev.sextant.runtime.Architectures;
import dev.sextant.runtime.CompiledModel;
import dev.sextant.runtime.Weights;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Networks of cells: published ones rebuilt, and the compiled model against the trained module. */
final class CellNetworkTest {
  private static final Input CIFAR = new Input(32, 32, 3);
  private static final Input IMAGENET = new Input(224, 224, 3);

  @Test
  void buildsThePublishedNetworks() {
    assertEquals(
        Architectures.named("darts-v1"),
        CellNetworks.small("darts-v1", Genotype.DARTS_V1, CIFAR, 10, 36, 20));
    assertEquals(
        Architectures.named("darts-v2"),
        CellNetworks.small("darts-v2", Genotype.DARTS_V2, CIFAR, 10, 36, 20));
    assertEquals(
        Architectures.named("pc-darts-cifar"),
        CellNetworks.small("pc-darts-cifar", Genotype.PC_DARTS_CIFAR, CIFAR, 10, 36, 20));
    assertEquals(
        Architectures.named("pc-darts-imagenet"),
        CellNetworks.large(
            "pc-darts-imagenet", Genotype.PC_DARTS_IMAGENET, IMAGENET, 1000, 48, 14));
    Architecture large = CellNetworks.large("darts-v2", Genotype.DARTS_V2, IMAGENET, 1000, 48, 14);
    assertEquals(4_718_752, large.parameters());
    assertEquals(529_911_552, large.macs());
  }

  static List<Architecture> small() {
    Input image = new Input(16, 16, 3);
    return List.of(
        // Reductions at cells 1 and 2 of 4: factorized ones before and inside cells.
        CellNetworks.small("v2", Genotype.DARTS_V2, image, 5, 4, 4),
        CellNetworks.small("v1", Genotype.DARTS_V1, image, 5, 6, 3),
        CellNetworks.small("pc", Genotype.PC_DARTS_CIFAR, image, 5, 4, 3),
        CellNetworks.large("image", Genotype.PC_DARTS_IMAGENET, new Input(64, 64, 3), 5, 8, 3));
  }

  @ParameterizedTest
  @MethodSource("small")
  void compiledModelComputesWhatTheModuleDoes(Architecture architecture) {
    Input image = architecture.input();
    float[] pixels = new float[2 * image.height() * image.width() * image.channels()];
    Rng rng = new Rng(4);
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (float) rng.nextGaussian();
    }
    try (Backend backend = Backend.cpu(2)) {
      Initializer init = new Initializer(backend, new Rng(5));
      Network network = new Network(architecture, init, 0, new Rng(6));
      SequencedMap<String, Weights.Entry> weights = asTrained(backend, network);
      float[] expected = logits(backend, network, architecture, pixels);
      network.close();
      for (Device device : List.of(Device.CPU, Device.REFERENCE)) {
        try (CompiledModel model =
            CompiledModel.compile(architecture, new Weights(weights, Map.of()), device, 1, 2)) {
          float[] actual = new float[expected.length];
          model.run(pixels, actual);
          model.run(pixels, actual);
          for (int i = 0; i < expected.length; i++) {
            assertEquals(expected[i], actual[i], 1e-3 * (1 + Math.abs(expected[i])));
          }
        }
      }
      assertEquals(0, backend.memory().current(), backend.memory()::largestHolders);
    }
  }

  /** Moves every statistic off the identity. */
  private static SequencedMap<String, Weights.Entry> asTrained(Backend backend, Network network) {
    Rng rng = new Rng(7);
    SequencedMap<String, Weights.Entry> weights = new LinkedHashMap<>();
    network
        .state()
        .forEach(
            (path, tensor) -> {
              float[] values = new float[tensor.size()];
              backend.download(tensor, values, 0);
              boolean positive = path.endsWith("gamma") || path.endsWith("variance");
              if (!path.endsWith("weight")) {
                for (int i = 0; i < values.length; i++) {
                  values[i] = (float) (positive ? rng.uniform(0.5, 1.5) : rng.uniform(-0.3, 0.3));
                }
                backend.upload(values, 0, tensor);
              }
              weights.put(path, new Weights.Entry(tensor.shape(), values));
            });
    return weights;
  }

  private static float[] logits(
      Backend backend, Network network, Architecture architecture, float[] pixels) {
    try (Tape tape = new Tape(backend, Tape.Mode.EVAL)) {
      Tensor x = backend.memory().floats(architecture.input().shape(2), Category.DATA, "images");
      backend.upload(pixels, 0, x);
      Variable y = network.forward(tape, tape.constant(x));
      float[] logits = new float[y.shape().size()];
      backend.download(y.value(), logits, 0);
      return logits;
    }
  }

  @Test
  void dropPathSilencesPathsInTrainingOnly() {
    Architecture architecture =
        CellNetworks.small("v1", Genotype.DARTS_V1, new Input(8, 8, 3), 5, 4, 3);
    float[] pixels = new float[2 * 8 * 8 * 3];
    java.util.Arrays.fill(pixels, 0.5f);
    try (Backend backend = Backend.cpu(1)) {
      Rng rng = new Rng(6);
      Network network = new Network(architecture, new Initializer(backend, new Rng(5)), 0, rng);
      float[] before = logits(backend, network, architecture, pixels);
      long state = rng.state();
      network.setDropPath(0.3f);
      org.junit.jupiter.api.Assertions.assertArrayEquals(
          before, logits(backend, network, architecture, pixels));
      assertEquals(state, rng.state());
      try (Tape tape = new Tape(backend, Tape.Mode.TRAIN)) {
        Tensor x = backend.memory().floats(architecture.input().shape(2), Category.DATA, "images");
        backend.upload(pixels, 0, x);
        network.forward(tape, tape.constant(x));
      }
      assertTrue(rng.state() != state);
      network.close();
    }
  }

  @Test
  void auxiliaryTowerOfThePublishedNetwork() {
    try (Backend backend = Backend.cpu(1)) {
      AuxiliaryTower tower =
          new AuxiliaryTower(new Initializer(backend, new Rng(1)), 576, 10, 1e-5f);
      assertEquals(476_426, tower.parameterCount());
      tower.close();
    }
  }
}
