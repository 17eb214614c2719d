package dev.sextant.onnx.quantize;

import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.CompiledModel;
import dev.sextant.runtime.WeightNames;
import dev.sextant.runtime.Weights;
import dev.sextant.runtime.graph.Graph;
import dev.sextant.runtime.graph.Operation;
import dev.sextant.runtime.layer.Junction;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/** Runs a network so that its values are counted, and makes one whose values are rounded. */
public final class Simulation {
  /** The name of the image. */
  public static final String INPUT = "input";

  private Simulation() {}

  /** The name of what an operation of a layer gives. */
  public static String value(String layer, int operation) {
    return layer + operation;
  }

  /** The name of a convolution before something is added to it. */
  public static String part(String layer, int operation) {
    return layer + operation + ".part";
  }

  /** The step of each value, by the share of its numbers that eight bits must reach. */
  public static Map<String, Float> scales(
      Architecture architecture, Weights weights, byte[] pixels, double share) {
    Map<String, Observed> observed = new LinkedHashMap<>();
    Architecture tapped =
        tapped(architecture, value -> observed.computeIfAbsent(value, _ -> new Observed()));
    // Making the layers asks for kernels of values that no run will have: only those of a run
    // count.
    observed.clear();
    Weights folded = folded(architecture, weights);
    int image = architecture.input().shape(1).size();
    if (pixels.length == 0 || pixels.length % image != 0) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: %d bytes are not whole images of %d",
              architecture.name(),
              pixels.length,
              image));
    }
    float[] logits = new float[architecture.classes()];
    try (CompiledModel model = CompiledModel.compile(tapped, folded)) {
      for (int from = 0; from < pixels.length; from += image) {
        model.runPixels(Arrays.copyOfRange(pixels, from, from + image), logits);
      }
    }
    Map<String, Float> scales = new LinkedHashMap<>();
    observed.forEach(
        (value, seen) ->
            scales.put(value, Steps.scale(share == 1 ? seen.largest() : seen.percentile(share))));
    return scales;
  }

  /** The network with every value rounded to its step. */
  public static Architecture rounded(Architecture architecture, Map<String, Float> scales) {
    return tapped(
        architecture,
        value -> {
          Float scale = scales.get(value);
          if (scale == null) {
            throw new IllegalStateException("no scale of " + value);
          }
          return new Rounded(scale);
        });
  }

  private static Architecture tapped(Architecture architecture, Taps taps) {
    List<Layer> layers = new ArrayList<>();
    layers.add(TappedLayer.value(INPUT, taps));
    for (int i = 0; i < architecture.layers().size(); i++) {
      Layer layer = architecture.layers().get(i);
      String name = WeightNames.prefix(i);
      if (layer instanceof Junction junction) {
        layers.add(layer);
        if (junction.kind() == Junction.Kind.SUM) {
          layers.add(TappedLayer.value(name, taps));
        }
      } else {
        layers.add(layer.isFree() ? layer : new TappedLayer(layer, name, taps));
      }
    }
    return new Architecture(
        architecture.name(),
        architecture.classes(),
        architecture.input(),
        architecture.batchNormEpsilon(),
        layers);
  }

  /** The weights of the tapped network: batch norms folded, kernels as they are. */
  private static Weights folded(Architecture architecture, Weights weights) {
    return weights(architecture, weights, null);
  }

  /**
   * The weights of the network with every value rounded: kernels in eight bits.
   *
   * @param biases rounded, by their names in the network
   */
  public static Weights rounded(
      Architecture architecture, Weights weights, Map<String, float[]> biases) {
    return weights(architecture, weights, biases);
  }

  private static Weights weights(
      Architecture architecture, Weights weights, @Nullable Map<String, float[]> biases) {
    SequencedMap<String, Weights.Entry> entries = new LinkedHashMap<>();
    List<Shape> shapes = architecture.shapes();
    // The first layer of the tapped network is the image, and behind each sum there is one more.
    int at = 1;
    for (int i = 0; i < architecture.layers().size(); i++) {
      Layer layer = architecture.layers().get(i);
      String from = WeightNames.prefix(i);
      String to = WeightNames.prefix(at);
      for (Graph.Node node : layer.operations(shapes.get(i)).nodes()) {
        List<Shape> inputs = node.inputs().stream().map(Graph.Value::shape).toList();
        Operation operation = node.operation();
        switch (operation) {
          case Operation.Convolution(String name, String norm, boolean bias, _, _, _, _) ->
              keep(architecture, weights, from, to, name, norm, bias, biases, entries);
          case Operation.Depthwise(String name, String norm, boolean bias, _, _) ->
              keep(architecture, weights, from, to, name, norm, bias, biases, entries);
          case Operation.Linear linear ->
              keep(architecture, weights, from, to, linear.name(), null, true, biases, entries);
          default ->
              operation
                  .weights(inputs)
                  .forEach(
                      weight -> entries.put(to + weight.name(), weights.get(from + weight.name())));
        }
      }
      at += layer instanceof Junction junction && junction.kind() == Junction.Kind.SUM ? 2 : 1;
    }
    Map<String, String> texts = new LinkedHashMap<>(weights.metadata());
    texts.remove(Weights.ARCHITECTURE);
    return new Weights(entries, texts);
  }

  private static void keep(
      Architecture architecture,
      Weights weights,
      String from,
      String to,
      String name,
      @Nullable String norm,
      boolean bias,
      @Nullable Map<String, float[]> biases,
      SequencedMap<String, Weights.Entry> entries) {
    String path = name.isEmpty() ? "" : name + ".";
    Weights.Entry kernel = weights.get(from + path + "weight");
    Weights.Entry added =
        bias
            ? weights.get(from + path + "bias")
            : new Weights.Entry(
                Shape.of(kernel.shape().channels()), new float[kernel.shape().channels()]);
    if (norm != null) {
      List<Weights.Entry> both =
          weights.folded(kernel, from + norm + ".", architecture.batchNormEpsilon(), 0);
      kernel = both.get(0);
      added = both.get(1);
    }
    if (biases != null) {
      float[] floats = biases.get(from + path + "bias");
      kernel = Steps.of(kernel).floats(kernel);
      added = floats == null ? added : new Weights.Entry(added.shape(), floats);
    }
    entries.put(to + path + "weight", kernel);
    entries.put(to + path + "bias", added);
  }
}
