package dev.sextant.nas.shrink;

import dev.sextant.runtime.Weights.Entry;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.MbConv;
import dev.sextant.tensor.Shape;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The weights with which a layer's alternative begins: the middle of its kernels, and of the
 * channels inside a bottleneck those that matter most. A channel's importance is what it adds to
 * the output: the size of its activation by the batch norm's scale and offset, times the norm of
 * its row of the projection.
 */
public final class InheritedWeights {
  private InheritedWeights() {}

  /** Which of a layer's inner channels an alternative keeps, in their order. */
  private record Kept(int[] expanded, int[] squeezed) {}

  /**
   * {@return the weights of an alternative, by their names in the layer}
   *
   * @param layer that is replaced
   * @param weights of that layer, by their names in it
   * @param alternative one of {@link Alternatives#of}
   * @param shapes of the alternative's tensors by name
   * @param input channels of the layer's input
   */
  public static SequencedMap<String, Entry> of(
      Layer layer,
      Map<String, Entry> weights,
      Layer alternative,
      Map<String, Shape> shapes,
      int input) {
    Kept kept =
        layer instanceof MbConv whole && alternative instanceof MbConv part
            ? kept(whole, part, weights, input)
            : null;
    SequencedMap<String, Entry> inherited = new LinkedHashMap<>();
    shapes.forEach(
        (name, shape) -> {
          Entry entry = weights.get(name);
          if (entry == null) {
            throw new IllegalArgumentException(layer.label() + " has no " + name);
          }
          inherited.put(name, part(entry, shape, indices(name, shape, kept)));
        });
    return inherited;
  }

  private static Kept kept(MbConv whole, MbConv part, Map<String, Entry> weights, int input) {
    int[] expanded = most(importance(whole, weights, input), part.expanded(input));
    int[] squeezed = {};
    if (whole.squeezeExcite() > 0) {
      Entry reduce = entry(weights, "squeeze.reduce.weight");
      double[] norms = new double[reduce.shape().channels()];
      for (int i = 0; i < reduce.values().length; i++) {
        norms[i % norms.length] += reduce.values()[i] * (double) reduce.values()[i];
      }
      squeezed = most(norms, part.squeezed(input));
    }
    return new Kept(expanded, squeezed);
  }

  private static double[] importance(MbConv block, Map<String, Entry> weights, int input) {
    double[] importance = new double[block.expanded(input)];
    float[] gamma = entry(weights, "depthwise_norm.gamma").values();
    float[] beta = entry(weights, "depthwise_norm.beta").values();
    float[] project = entry(weights, "project.weight").values();
    int out = project.length / importance.length;
    for (int c = 0; c < importance.length; c++) {
      double norm = 0;
      for (int o = 0; o < out; o++) {
        norm += project[c * out + o] * (double) project[c * out + o];
      }
      double offset = Math.max(0, beta[c]);
      importance[c] = (gamma[c] * (double) gamma[c] + offset * offset) * norm;
    }
    return importance;
  }

  private static Entry entry(Map<String, Entry> weights, String name) {
    Entry entry = weights.get(name);
    if (entry == null) {
      throw new IllegalArgumentException("no " + name);
    }
    return entry;
  }

  /** The indices of the greatest values, in ascending order. */
  private static int[] most(double[] values, int count) {
    return IntStream.range(0, values.length)
        .boxed()
        .sorted(Comparator.comparingDouble((Integer c) -> -values[c]))
        .limit(count)
        .mapToInt(Integer::intValue)
        .sorted()
        .toArray();
  }

  /** By dimension, which indices are kept; null for all of them. */
  private static int[] @Nullable [] indices(String name, Shape shape, @Nullable Kept kept) {
    int[] @Nullable [] indices = new int[shape.rank()] @Nullable [];
    if (kept == null) {
      return indices;
    }
    int last = shape.rank() - 1;
    String part = name.contains(".") ? name.substring(0, name.lastIndexOf('.')) : name;
    switch (part) {
      case "expand", "expand_norm", "depthwise", "depthwise_norm" -> indices[last] = kept.expanded;
      case "project" -> indices[last - 1] = kept.expanded;
      case "squeeze.reduce" -> {
        indices[last] = kept.squeezed;
        if (last > 0) {
          indices[last - 1] = kept.expanded;
        }
      }
      case "squeeze.expand" -> {
        indices[last] = kept.expanded;
        if (last > 0) {
          indices[last - 1] = kept.squeezed;
        }
      }
      default -> {
        // The norm behind the projection has the layer's width.
      }
    }
    return indices;
  }

  /** Those indices of a tensor, and where a kernel is smaller, its middle. */
  private static Entry part(Entry entry, Shape shape, int[] @Nullable [] indices) {
    int rank = shape.rank();
    int[][] all = new int[rank][];
    for (int d = 0; d < rank; d++) {
      int[] given = indices[d];
      int extent = shape.get(d);
      int margin = (entry.shape().get(d) - extent) / 2;
      all[d] = given != null ? given : IntStream.range(margin, margin + extent).toArray();
    }
    float[] values = new float[shape.size()];
    int[] at = new int[rank];
    for (int i = 0; i < values.length; i++) {
      int from = 0;
      for (int d = 0; d < rank; d++) {
        from = from * entry.shape().get(d) + all[d][at[d]];
      }
      values[i] = entry.values()[from];
      for (int d = rank - 1; d >= 0 && ++at[d] == all[d].length; d--) {
        at[d] = 0;
      }
    }
    return new Entry(shape, values);
  }
}
