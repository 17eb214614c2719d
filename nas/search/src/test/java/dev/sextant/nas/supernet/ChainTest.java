package dev.sextant.nas.supernet;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.CompiledModel;
import dev.sextant.runtime.Weights;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Backends;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;
import org.junit.jupiter.api.Test;

/** A chain that forks, trainable and compiled. */
class ChainTest {
  private static final String NETWORK =
      """
      {"format": "sextant-architecture/1", "name": "forked", "classes": 3,
       "input": {"height": 7, "width": 7, "channels": 5},
       "layers": [
         {"op": "fork"},
         {"op": "conv", "kernel": 3, "stride": 2, "out": 9},
         {"op": "fork"}, {"op": "fork"}, {"op": "separable", "kernel": 3, "out": 9}, {"op": "next"},
         {"op": "sum"}, {"op": "next"}, {"op": "max-pool", "kernel": 3}, {"op": "sum"},
         {"op": "next"}, {"op": "avg-pool", "kernel": 3, "stride": 2}, {"op": "sum"},
         {"op": "fork"}, {"op": "next"}, {"op": "conv", "kernel": 1, "out": 12}, {"op": "sum"},
         {"op": "global-avg-pool"}, {"op": "linear", "out": 3}]}
      """;

  @Test
  void trainableAndCompiledNetworksAgree() {
    Architecture architecture = Architecture.parse(NETWORK, "forked");
    float[] image = new float[7 * 7 * 5];
    for (int i = 0; i < image.length; i++) {
      image[i] = (float) Math.sin(0.7 * i);
    }
    float[] trained = new float[3];
    SequencedMap<String, Weights.Entry> entries = new LinkedHashMap<>();
    try (Backend backend = Backends.open(Device.CPU, 1)) {
      try (Network network =
          new Network(architecture, new Initializer(backend, new Rng(5)), 0, new Rng(6))) {
        try (Tape tape = new Tape(backend, Tape.Mode.EVAL);
            Tensor x =
                backend
                    .memory()
                    .floats(architecture.input().shape(1), Category.ACTIVATIONS, "image")) {
          backend.upload(image, 0, x);
          Variable y = network.forward(tape, tape.constant(x));
          backend.download(y.value(), trained, 0);
          y.release();
        }
        network
            .state()
            .forEach(
                (name, tensor) -> {
                  float[] values = new float[tensor.size()];
                  backend.download(tensor, values, 0);
                  entries.put(name, new Weights.Entry(tensor.shape(), values));
                });
      }
      assertEquals(0, backend.memory().current());
    }
    float[] compiled = new float[3];
    try (CompiledModel model =
        CompiledModel.compile(architecture, new Weights(entries, Map.of()))) {
      model.run(image, compiled);
    }
    for (int i = 0; i < 3; i++) {
      assertEquals(trained[i], compiled[i], 1e-5f * Math.max(1, Math.abs(trained[i])));
    }
  }
}
