package dev.sextant.nas.supernet;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.autograd.GradientCheck;
import dev.sextant.autograd.Parameter;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.nas.cost.LatencyFiles;
import dev.sextant.nas.cost.LatencyProfiler;
import dev.sextant.nas.cost.LatencyTable;
import dev.sextant.nas.space.Space;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.CompiledModel;
import dev.sextant.runtime.LatencyMeter;
import dev.sextant.runtime.LatencyProfile;
import dev.sextant.runtime.Weights;
import dev.sextant.runtime.layer.Conv;
import dev.sextant.runtime.layer.Field;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.LayerJson;
import dev.sextant.runtime.layer.MbConv;
import dev.sextant.runtime.layer.Residual;
import dev.sextant.runtime.layer.Separable;
import dev.sextant.runtime.layer.Shuffle;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** One description of a layer gives its trainable and its compiled form, and they agree. */
class LayerModuleTest {
  private static final Shape IMAGE = Shape.of(2, 6, 5, 8);

  static Stream<Layer> layers() {
    return Stream.of(
        new Shuffle(3, 1, 8, Activation.RELU),
        new Shuffle(5, 2, 12, Activation.HSWISH),
        new Shuffle(3, 1, 12, Activation.RELU6),
        new Residual(3, 1, 0, 1, 8, Activation.RELU),
        new Residual(3, 2, 0, 1, 12, Activation.RELU),
        new Residual(5, 1, 6, 2, 8, Activation.HSWISH),
        new MbConv(3, 1, 3, 8, Activation.SILU, 2, Activation.SILU, Activation.SIGMOID, true),
        new MbConv(
            3, 1, 2, 8, Activation.HSWISH, 0.25, Activation.HSWISH, Activation.HARD_SIGMOID, true),
        new Conv(3, 1, 1, 2, 8, true, Activation.RELU),
        new Conv(3, 2, 1, 4, 12, false, Activation.HSWISH),
        new MbConv(3, 1, 3, 8, Activation.RELU6, 0, true),
        new MbConv(5, 2, 3, 12, Activation.RELU, 0, false),
        new Separable(3, 1, 2, 12, Activation.RELU),
        new TestLayers.Gain(2, 8));
  }

  private static Tensor image(Backend backend, Shape shape) {
    float[] values = new float[shape.size()];
    Rng rng = new Rng(3);
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) rng.nextGaussian();
    }
    Tensor x = backend.memory().floats(shape, Category.ACTIVATIONS, "image");
    backend.upload(values, 0, x);
    return x;
  }

  private static void perturb(Backend backend, Iterable<Tensor> state) {
    Rng rng = new Rng(7);
    for (Tensor tensor : state) {
      float[] values = tensor.toArray();
      for (int i = 0; i < values.length; i++) {
        values[i] += (float) rng.uniform(0.1, 0.4);
      }
      backend.upload(values, 0, tensor);
    }
  }

  /** The same of smooth activations: no central difference meets a kink. */
  static Stream<Layer> smooth() {
    return layers().map(layer -> LayerJson.with(layer, Field.ACTIVATION, Activation.SIGMOID));
  }

  @ParameterizedTest
  @MethodSource("smooth")
  void gradientsAndCounts(Layer layer) {
    try (Backend backend = Backend.reference()) {
      try (Tensor x = image(backend, IMAGE);
          LayerModule module =
              new LayerModule(layer, IMAGE, 1e-3, new Initializer(backend, new Rng(1)))) {
        perturb(backend, module.state().values());
        assertEquals(layer.parameters(IMAGE), module.parameterCount());
        GradientCheck.check(
            layer.label(),
            backend,
            (tape, inputs) -> module.forward(tape, inputs[0]),
            1e-3f,
            2e-2f,
            List.copyOf(module.parameters().values()),
            x);
        for (Parameter parameter : module.parameters().values()) {
          parameter.clearGradient();
        }
        try (Tape tape = new Tape(backend, Tape.Mode.TRAIN);
            Tape probe = tape.probe()) {
          Tensor y = module.forward(probe, probe.constant(x)).value();
          assertEquals(layer.output(IMAGE), y.shape());
          if (!module.hasShortcut()) {
            double dot = backend.elementwise().dot(y, y);
            assertEquals(dot, module.innerProduct(tape, x, y), 1e-4 * dot);
          }
        }
      }
      assertEquals(0, backend.memory().current());
    }
  }

  @ParameterizedTest
  @MethodSource("layers")
  void theCompiledNetworkComputesWhatWasTrained(Layer layer) {
    Architecture architecture =
        Architecture.parse(
            new Architecture(
                    "one",
                    3,
                    new Architecture.Input(6, 5, 8),
                    1e-3,
                    List.of(
                        layer,
                        new dev.sextant.runtime.layer.GlobalAvgPool(),
                        new dev.sextant.runtime.layer.Linear(3)))
                .toJson(),
            "again");
    assertEquals(layer, architecture.layers().getFirst());
    float[] trained = new float[6];
    float[] images;
    SequencedMap<String, Weights.Entry> entries = new LinkedHashMap<>();
    try (Backend backend = Backend.cpu(1);
        Network network =
            new Network(architecture, new Initializer(backend, new Rng(5)), 0, new Rng(6));
        Tensor x = image(backend, IMAGE);
        Tape tape = new Tape(backend, Tape.Mode.EVAL)) {
      perturb(backend, network.state().values());
      images = x.toArray();
      Variable y = network.forward(tape, tape.constant(x));
      backend.download(y.value(), trained, 0);
      network
          .state()
          .forEach(
              (name, tensor) ->
                  entries.put(name, new Weights.Entry(tensor.shape(), tensor.toArray())));
    }
    Weights weights = new Weights(entries, new LinkedHashMap<>());
    float[] logits = new float[6];
    try (CompiledModel model = CompiledModel.compile(architecture, weights, Device.CPU, 1, 2)) {
      model.run(images, logits);
    }
    assertArrayEquals(trained, logits, 2e-4f * Math.max(1, Math.abs(trained[0])));
  }

  private static final String SPACE =
      """
      {"format": "sextant-space/1", "name": "units", "classes": 3,
       "input": {"height": 8, "width": 8, "channels": 4},
       "layers": [
         {"op": "conv", "kernel": 3, "out": 8, "groups": 2},
         {"choice": [{"op": "shuffle", "kernel": 3}, {"op": "shuffle", "kernel": 5},
                     {"op": "conv", "kernel": 3, "groups": 4},
                     {"op": "mbconv", "kernel": 3, "expand": 3}, {"op": "test-gain"}],
          "out": 12, "stride": 1},
         {"choice": [{"op": "shuffle", "kernel": 3}, {"op": "conv", "kernel": 3, "groups": 2},
                     {"op": "test-gain", "power": 3}, {"op": "skip"}], "repeat": 2},
         {"op": "shuffle", "kernel": 3, "stride": 2, "out": 16},
         {"op": "global-avg-pool"}, {"op": "linear", "out": 3}]}
      """;

  @Test
  void spacesChooseAmongThemAndSupernetsLearnThem(@TempDir Path folder) {
    Space space = Space.parse(SPACE, "units.json");
    assertEquals(space, Space.parse(space.toJson(), "again"));
    Shape images = Shape.of(4, 8, 8, 4);
    try (Backend backend = Backend.cpu(1)) {
      try (MultiPathSupernet supernet =
              new MultiPathSupernet(space, new Initializer(backend, new Rng(2)));
          Tensor x = image(backend, images)) {
        for (int step = 0; step < 5; step++) {
          for (MixedLayer choice : supernet.choices()) {
            int count = choice.candidates().size();
            choice.activate(
                step % count,
                GateMode.RECOMPUTE,
                java.util.stream.IntStream.range(0, count).toArray());
          }
          try (Tape tape = new Tape(backend, Tape.Mode.TRAIN);
              Tensor labels = backend.memory().ints(Shape.of(4), Category.ACTIVATIONS, "labels")) {
            Variable y = supernet.forward(tape, tape.constant(x));
            tape.backward(dev.sextant.autograd.ops.SoftmaxCrossEntropy.apply(tape, y, labels, 0));
          }
          for (MixedLayer choice : supernet.choices()) {
            for (double gradient : choice.gateGradients()) {
              assertTrue(Double.isFinite(gradient));
            }
          }
        }
        supernet.parameters().values().forEach(Parameter::clearGradient);
      }
      assertEquals(0, backend.memory().current());
    }
    LatencyProfile profile =
        new LatencyProfile(
            Device.CPU,
            1,
            new LatencyMeter(1, Duration.ofMillis(1), Duration.ofMillis(2), Duration.ofMillis(1)));
    LatencyTable table = new LatencyProfiler(profile, (_, _) -> {}).measure(space, 1, 0, 1);
    Path file = folder.resolve("table.json");
    LatencyFiles.write(table, file);
    assertEquals(table, LatencyFiles.read(file));
    assertTrue(table.predict(space.derive(new int[] {4, 2, 1})) > 0);
  }

  @Test
  void whatNoOneProvidesIsRefusedWithWhatThereIs() {
    String message =
        assertThrows(
                SextantException.class,
                () -> Space.parse(SPACE.replace("\"test-gain\"", "\"gain\""), "units.json"))
            .getMessage();
    assertTrue(message.contains("\"gain\" is not one of avg-pool, cell, conv"), message);
    assertTrue(message.contains("test-gain"), message);
    assertTrue(Space.schema().contains("candidate-test-gain"));
    assertTrue(Architecture.schema().contains("layer-test-gain"));
  }
}
