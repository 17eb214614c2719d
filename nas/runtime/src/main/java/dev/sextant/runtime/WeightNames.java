package dev.sextant.runtime;

import dev.sextant.runtime.layer.Layer;
import dev.sextant.tensor.Shape;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/**
 * What the tensors of a network's weights are called and how large they are. Layer i's names start
 * with {@code layers.i.}, then what the layer says, where {@code norm} stands for gamma, beta, mean
 * and variance, each [C].
 */
public final class WeightNames {
  private WeightNames() {}

  /**
   * {@return every tensor of a network, in the order of the layers}
   *
   * @param architecture the network
   */
  public static SequencedMap<String, Shape> of(Architecture architecture) {
    SequencedMap<String, Shape> names = new LinkedHashMap<>();
    List<Shape> inputs = architecture.shapes();
    for (int i = 0; i < architecture.layers().size(); i++) {
      add(prefix(i), architecture.layers().get(i), inputs.get(i), names);
    }
    return names;
  }

  /**
   * {@return what the names of layer i start with}
   *
   * @param layer i, from 0
   */
  public static String prefix(int layer) {
    return "layers." + layer + ".";
  }

  /** Every tensor of one layer on that input, named as those of layer 0. */
  static SequencedMap<String, Shape> of(Layer layer, Shape input) {
    SequencedMap<String, Shape> names = new LinkedHashMap<>();
    add(prefix(0), layer, input, names);
    return names;
  }

  private static void add(
      String prefix, Layer layer, Shape input, SequencedMap<String, Shape> names) {
    layer
        .operations(input)
        .weights()
        .forEach(weight -> names.put(prefix + weight.name(), weight.shape()));
  }
}
