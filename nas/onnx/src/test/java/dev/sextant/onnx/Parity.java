package dev.sextant.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.CompiledModel;
import dev.sextant.runtime.Weights;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.Rng;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;

/** Networks with weights of which nothing is the identity, and what both engines say of them. */
public final class Parity {
  private Parity() {}

  /** Weights as a training leaves them: norms and biases are not the identity. */
  public static Weights weights(Architecture architecture, long seed) {
    return weights(architecture, seed, 1);
  }

  /**
   * The same with gains of batch norms times that: below 1, networks of hundreds of sums keep
   * values that floats hold.
   */
  public static Weights weights(Architecture architecture, long seed, float gain) {
    Weights random = Weights.random(architecture, seed);
    SequencedMap<String, Weights.Entry> entries = new LinkedHashMap<>();
    int index = 0;
    for (Map.Entry<String, Weights.Entry> tensor : random.entries().entrySet()) {
      Rng rng = Rng.of(seed + 1, index++);
      float[] values = tensor.getValue().values().clone();
      if (!tensor.getKey().endsWith("weight")) {
        for (int i = 0; i < values.length; i++) {
          values[i] += (float) (0.2 * (rng.nextDouble() - 0.5));
        }
      }
      if (tensor.getKey().endsWith("gamma")) {
        for (int i = 0; i < values.length; i++) {
          values[i] *= gain;
        }
      }
      entries.put(tensor.getKey(), new Weights.Entry(tensor.getValue().shape(), values));
    }
    return new Weights(entries, random.metadata());
  }

  public static float[] images(Architecture.Input input, int batch, long seed) {
    Rng rng = new Rng(seed);
    float[] images = new float[input.shape(batch).size()];
    for (int i = 0; i < images.length; i++) {
      images[i] = (float) rng.nextGaussian();
    }
    return images;
  }

  public static float[] ours(Architecture network, Weights weights, float[] images, int batch) {
    float[] logits = new float[batch * network.outputs()];
    try (CompiledModel model = CompiledModel.compile(network, weights, Device.CPU, 1, batch)) {
      model.run(images, logits);
    }
    return logits;
  }

  public static float[] theirs(byte[] model, Architecture.Input input, float[] images, int batch) {
    try (OnnxRuntime runtime = new OnnxRuntime(model)) {
      return runtime.run(
          OnnxRuntime.planar(images, input.height() * input.width(), input.channels()),
          batch,
          input.channels(),
          input.height(),
          input.width());
    }
  }

  /** Differences as parts of the largest logit. */
  public static void assertClose(float[] expected, float[] actual, double tolerance, String what) {
    assertEquals(expected.length, actual.length, what);
    double scale = 1;
    for (float logit : expected) {
      scale = Math.max(scale, Math.abs(logit));
    }
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], actual[i], tolerance * scale, what + " at " + i);
    }
  }
}
