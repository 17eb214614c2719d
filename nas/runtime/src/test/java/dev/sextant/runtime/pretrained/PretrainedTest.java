package dev.sextant.runtime.pretrained;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Architectures;
import dev.sextant.runtime.CompiledModel;
import dev.sextant.runtime.Weights;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The tensors' names and shapes are those of timm's and torchvision's networks, their values a
 * formula's, and the logits PyTorch's: {@code src/test/python/pretrained.py} writes them.
 */
class PretrainedTest {
  private static final int SIDE = 64;

  /** From -1/2 to 1/2, by the name and the index. */
  private static double uniform(String name, int index) {
    long seed = 2166136261L;
    for (byte b : name.getBytes(StandardCharsets.UTF_8)) {
      seed = ((seed ^ Byte.toUnsignedLong(b)) * 16777619) & 0xFFFFFFFFL;
    }
    long x = (seed + index * 2654435761L) & 0xFFFFFFFFL;
    x ^= x >> 16;
    x = (x * 0x45D9F3B) & 0xFFFFFFFFL;
    x ^= x >> 16;
    return x / 4294967296.0 - 0.5;
  }

  private static Weights.Entry values(String name, int... extents) {
    int[] shape = extents.length == 0 ? new int[] {1} : extents;
    int size = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      double u = uniform(name, i);
      if (shape.length > 1) {
        u *= Math.sqrt(24.0 / (size / shape[0]));
      } else if (name.endsWith("running_var") || name.endsWith("weight")) {
        u = 1 + 0.4 * u;
      } else {
        u = 0.2 * u;
      }
      values[i] = (float) u;
    }
    return new Weights.Entry(Shape.of(shape), values);
  }

  private static List<String> lines(String name) throws IOException {
    try (InputStream in = PretrainedTest.class.getResourceAsStream(name + ".txt")) {
      if (in == null) {
        throw new IOException(name);
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
    }
  }

  private static SequencedMap<String, Weights.Entry> state(String name) throws IOException {
    SequencedMap<String, Weights.Entry> state = new LinkedHashMap<>();
    for (String line : lines(name)) {
      String[] parts = line.split(" ");
      if (!parts[0].equals("logits")) {
        int[] extents = Arrays.stream(parts).skip(1).mapToInt(Integer::parseInt).toArray();
        state.put(parts[0], values(parts[0], extents));
      }
    }
    return state;
  }

  private static Architecture network(String name) {
    Architecture network = Architectures.named(name);
    return network.withInput(new Architecture.Input(SIDE, SIDE, 3), network.classes());
  }

  @ParameterizedTest
  @CsvSource({
    "timm-mobilenetv2_100, mobilenet-v2",
    "timm-mnasnet_100, mnasnet-b1",
    "timm-spnasnet_100, single-path-pixel1",
    "timm-mobilenetv3_large_100, mobilenet-v3-large",
    "timm-mobilenetv3_small_100, mobilenet-v3-small",
    "timm-efficientnet_b0, efficientnet-b0",
    "timm-resnet18, resnet-18",
    "torchvision-mobilenet_v3_large, mobilenet-v3-large",
    "torchvision-mobilenet_v3_small, mobilenet-v3-small",
    "torchvision-efficientnet_b0, efficientnet-b0",
    "torchvision-resnet18, resnet-18",
    "torchvision-resnet50, resnet-50",
    "torchvision-mobilenet_v2, mobilenet-v2",
    "torchvision-mnasnet1_0, mnasnet-b1"
  })
  void logitsAreThoseOfPyTorch(String name, String architecture) throws IOException {
    Pretrained read =
        Pretrained.of(new Weights(state(name), Map.of()), name, network(architecture));
    float[] image = new float[SIDE * SIDE * 3];
    for (int i = 0; i < image.length; i++) {
      int c = i % 3;
      image[i] = (float) (4 * uniform("image", c * SIDE * SIDE + i / 3));
    }
    float[] logits = new float[read.architecture().classes()];
    try (CompiledModel model = CompiledModel.compile(read.architecture(), read.weights())) {
      model.run(image, logits);
    }
    String[] expected = lines(name).getLast().split(" ");
    double scale = 1;
    for (int i = 1; i < expected.length; i++) {
      scale = Math.max(scale, Math.abs(Double.parseDouble(expected[i])));
    }
    for (int i = 1; i < expected.length; i++) {
      assertEquals(Double.parseDouble(expected[i]), logits[i - 1], 1e-4 * scale, name);
    }
  }

  @Test
  void theFirstThatDoesNotFitIsNamed() throws IOException {
    SequencedMap<String, Weights.Entry> state = state("timm-mobilenetv2_100");
    refused(state, "mnasnet-b1", "does not fit");
    SequencedMap<String, Weights.Entry> other = new LinkedHashMap<>(state);
    other.put("blocks.1.0.conv_dw.weight", values("blocks.1.0.conv_dw.weight", 96, 1, 5, 5));
    refused(
        other,
        "mobilenet-v2",
        "state: 'blocks.1.0.conv_dw.weight' [96,1,5,5] does not fit 'layers.2.depthwise.weight'"
            + " [3,3,96]");
    SequencedMap<String, Weights.Entry> less = new LinkedHashMap<>(state);
    less.remove("bn1.running_mean");
    refused(less, "mobilenet-v2", "bn1");
    SequencedMap<String, Weights.Entry> more = new LinkedHashMap<>(state);
    more.put("blocks.9.0.conv_pw.weight", values("x", 8, 8, 1, 1));
    refused(more, "mobilenet-v2", "blocks.9.0.conv_pw");
    more.put("attention.weight", values("x", 8, 8));
    refused(more, "mobilenet-v2", "'attention' is no module");
  }

  private static void refused(
      SequencedMap<String, Weights.Entry> state, String architecture, String message) {
    SextantException e =
        assertThrows(
            SextantException.class,
            () -> Pretrained.of(new Weights(state, Map.of()), "state", network(architecture)));
    assertTrue(String.valueOf(e.getMessage()).contains(message), e.getMessage());
  }
}
