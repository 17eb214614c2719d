package dev.sextant.runtime.layer;

import dev.sextant.runtime.graph.Graph;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;

/**
 * One layer of a network, its strides and widths decided: one JSON object with {@code "op"}.
 *
 * <p>Images are {@code [N, H, W, C]}. Windows are square with an odd kernel and padded by half
 * their span, so that stride 1 keeps the size and stride s gives ceil(H / s).
 *
 * <p>A layer is its fields ({@link #type}) and its operations ({@link #lower}). All else follows
 * from these: JSON and its schema, the output's shape, the counts, names of weights, the compiled
 * and the trainable form, the key of its latency.
 *
 * <p>Counting conventions are those of the papers' tables: multiply-adds of convolution and linear
 * weights only (batch norm, bias, activation, pooling and addition count 0); parameters are all
 * trained scalars, batch norm's gamma and beta and the linear bias included.
 *
 * <p>Immutable and equal by value: records. The constructors throw {@link SextantException} for a
 * number out of range. Sealed but for {@link CustomLayer}, which providers implement.
 */
public sealed interface Layer
    permits Conv,
        Depthwise,
        Separable,
        MbConv,
        Shuffle,
        Residual,
        Pool,
        Skip,
        Zero,
        GlobalAvgPool,
        Linear,
        Junction,
        Detect,
        Cell,
        CustomLayer {
  /** Largest width of any layer. */
  int MAX_WIDTH = 65_536;

  /** {@return what is known of all layers of its kind: their name and fields} */
  LayerType<?> type();

  /**
   * Writes its operations into a graph.
   *
   * @param graph the layer's own
   * @param x the input {@code [N, H, W, C]}, or {@code [N, C]}
   * @return the output
   * @throws SextantException if the layer cannot take the input
   */
  Graph.Value lower(Graph graph, Graph.Value x);

  /**
   * {@return its operations on an input; throws as {@link #output} does}
   *
   * @param input the shape that the layer takes
   */
  default Graph operations(Shape input) {
    return Graph.of(type().op(), input, this::lower);
  }

  /**
   * {@return the shape of the output for an input {@code [N, H, W, C]}, or {@code [N, C]} for
   * {@link Linear}} A {@link Cell} has two inputs; this is the newer one.
   *
   * @param input the shape that the layer takes
   * @throws SextantException if this layer cannot take the input, or an intermediate image of the
   *     layer has more elements than one tensor can hold
   */
  default Shape output(Shape input) {
    return operations(input).output().shape();
  }

  /**
   * {@return the trained scalars of this layer on that input, if any; throws as {@link #output}
   * does}
   *
   * @param input the shape that the layer takes
   */
  default long parameters(Shape input) {
    return operations(input).parameters();
  }

  /**
   * {@return the multiply-adds, if any, for the whole batch of that input; throws as {@link
   * #output}}
   *
   * @param input the shape that the layer takes
   */
  default long macs(Shape input) {
    return operations(input).macs();
  }

  /** {@return the step of the layer's window; 1 where it has none} */
  default int stride() {
    return 1;
  }

  /** {@return the layer in a few words, without its width, as in {@code mbconv 5x5 e6 s2}} */
  default String label() {
    return type().label(this);
  }

  /** {@return whether it computes nothing, wherever it stands} */
  default boolean isFree() {
    return false;
  }
}
