package dev.sextant.runtime;

import dev.sextant.tensor.Shape;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/**
 * What the tensors of a network's weights are called and how large they are. Layer i's names start
 * with {@code layers.i.}:
 *
 * <table>
 * <caption>Names by layer; norm stands for gamma, beta, mean and variance, each [C]</caption>
 * <tr><th>layer</th><th>tensors</th></tr>
 * <tr><td>conv with batch norm</td><td>{@code convolution.weight [k,k,in,out]}, {@code norm.*}</td></tr>
 * <tr><td>conv without</td><td>{@code weight [k,k,in,out]}, {@code bias [out]}</td></tr>
 * <tr><td>depthwise with batch norm</td><td>{@code convolution.weight [k,k,C]}, {@code norm.*}</td></tr>
 * <tr><td>depthwise without</td><td>{@code weight [k,k,C]}, {@code bias [C]}</td></tr>
 * <tr><td>separable</td><td>{@code depthwise.weight [k,k,C]}, {@code depthwise_norm.*}, {@code
 * pointwise.weight [1,1,C,out]}, {@code pointwise_norm.*}</td></tr>
 * <tr><td>mbconv</td><td>{@code expand.weight [1,1,in,mid]} and {@code expand_norm.*} (absent where
 * expand is 1), {@code depthwise.weight [k,k,mid]}, {@code depthwise_norm.*}, with squeeze and
 * excitation {@code squeeze.reduce.weight [mid,hidden]}, {@code squeeze.reduce.bias}, {@code
 * squeeze.expand.weight [hidden,mid]}, {@code squeeze.expand.bias}; {@code project.weight
 * [1,1,mid,out]}, {@code project_norm.*}</td></tr>
 * <tr><td>cell</td><td>{@code older.*} and {@code newer.*}: {@code convolution.weight
 * [1,1,in,C]}, {@code norm.*}, or for a factorized reduction {@code even.weight [1,1,in,C/2]},
 * {@code odd.weight [1,1,in,C/2]}, {@code norm.*}; for edge e of node n (from 0, inputs not
 * counted) {@code nodes.n.edges.e.*}: dilated {@code depthwise.weight [k,k,C]}, {@code
 * pointwise.weight [1,1,C,C]}, {@code norm.*}; separable the same under {@code 0.} and {@code 1.};
 * identity with stride 2 as the factorized reduction</td></tr>
 * <tr><td>linear</td><td>{@code weight [in,out]}, {@code bias [out]}</td></tr>
 * </table>
 */
public final class WeightNames {
  private final SequencedMap<String, Shape> shapes = new LinkedHashMap<>();

  private WeightNames() {}

  /** Every tensor of a network, in the order of the layers. */
  public static SequencedMap<String, Shape> of(Architecture architecture) {
    WeightNames names = new WeightNames();
    List<Shape> inputs = architecture.shapes();
    for (int i = 0; i < architecture.layers().size(); i++) {
      names.layer(prefix(i), architecture.layers().get(i), inputs.get(i));
    }
    return names.shapes;
  }

  /** What the names of layer i start with. */
  public static String prefix(int layer) {
    return "layers." + layer + ".";
  }

  /** Every tensor of one layer on that input, named as those of layer 0. */
  static SequencedMap<String, Shape> of(Layer layer, Shape input) {
    WeightNames names = new WeightNames();
    names.layer(prefix(0), layer, input);
    return names.shapes;
  }

  private void layer(String prefix, Layer layer, Shape input) {
    int in = input.channels();
    switch (layer) {
      case Layer.Conv conv ->
          convolution(
              prefix, Shape.of(conv.kernel(), conv.kernel(), in, conv.out()), conv.batchNorm());
      case Layer.Depthwise depthwise ->
          convolution(
              prefix, Shape.of(depthwise.kernel(), depthwise.kernel(), in), depthwise.batchNorm());
      case Layer.Separable separable -> {
        int k = separable.kernel();
        normalized(prefix + "depthwise", Shape.of(k, k, in));
        normalized(prefix + "pointwise", Shape.of(1, 1, in, separable.out()));
      }
      case Layer.MbConv block -> mbConv(prefix, block, in);
      case Layer.Linear linear -> biased(prefix, Shape.of(in, linear.out()));
      case Cell cell -> cell(prefix, cell, input);
      case Layer.Pool _, Layer.Skip _, Layer.Zero _, Layer.Junction _, Layer.GlobalAvgPool _ -> {}
    }
  }

  private void cell(String prefix, Cell cell, Shape input) {
    int width = cell.width();
    int olderChannels = cell.olderInput(input).channels();
    if (cell.reducesOlder()) {
      factorized(prefix + "older.", olderChannels, width);
    } else {
      convolution(prefix + "older.", Shape.of(1, 1, olderChannels, width), true);
    }
    convolution(prefix + "newer.", Shape.of(1, 1, input.channels(), width), true);
    for (int n = 0; n < cell.nodes().size(); n++) {
      List<Cell.Edge> edges = cell.nodes().get(n).edges();
      for (int e = 0; e < edges.size(); e++) {
        Cell.Edge edge = edges.get(e);
        String name = edgePrefix(prefix, n, e);
        switch (edge.op().kind()) {
          case ZERO, MAX_POOL, AVG_POOL -> {}
          case IDENTITY -> {
            if (cell.strideFrom(edge.from()) == 2) {
              factorized(name, width, width);
            }
          }
          case SEPARABLE -> {
            unit(name + "0.", edge.op().kernel(), width);
            unit(name + "1.", edge.op().kernel(), width);
          }
          case DILATED -> unit(name, edge.op().kernel(), width);
        }
      }
    }
  }

  /** What the names of an edge of a cell start with; nodes count from 0 without the inputs. */
  static String edgePrefix(String prefix, int node, int edge) {
    return "%snodes.%d.edges.%d.".formatted(prefix, node, edge);
  }

  /** Depthwise and pointwise convolution and one batch norm. */
  private void unit(String prefix, int kernel, int width) {
    shapes.put(prefix + "depthwise.weight", Shape.of(kernel, kernel, width));
    shapes.put(prefix + "pointwise.weight", Shape.of(1, 1, width, width));
    norm(prefix + "norm.", width);
  }

  private void factorized(String prefix, int in, int out) {
    shapes.put(prefix + "even.weight", Shape.of(1, 1, in, out / 2));
    shapes.put(prefix + "odd.weight", Shape.of(1, 1, in, out / 2));
    norm(prefix + "norm.", out);
  }

  private void mbConv(String prefix, Layer.MbConv block, int in) {
    int mid = block.expanded(in);
    int hidden = block.squeezed(in);
    if (block.expand() > 1) {
      normalized(prefix + "expand", Shape.of(1, 1, in, mid));
    }
    normalized(prefix + "depthwise", Shape.of(block.kernel(), block.kernel(), mid));
    if (hidden > 0) {
      biased(prefix + "squeeze.reduce.", Shape.of(mid, hidden));
      biased(prefix + "squeeze.expand.", Shape.of(hidden, mid));
    }
    normalized(prefix + "project", Shape.of(1, 1, mid, block.out()));
  }

  private void convolution(String prefix, Shape kernel, boolean batchNorm) {
    if (batchNorm) {
      shapes.put(prefix + "convolution.weight", kernel);
      norm(prefix + "norm.", kernel.channels());
    } else {
      biased(prefix, kernel);
    }
  }

  private void normalized(String name, Shape kernel) {
    shapes.put(name + ".weight", kernel);
    norm(name + "_norm.", kernel.channels());
  }

  private void norm(String prefix, int channels) {
    for (String vector : List.of("gamma", "beta", "mean", "variance")) {
      shapes.put(prefix + vector, Shape.of(channels));
    }
  }

  private void biased(String prefix, Shape weight) {
    shapes.put(prefix + "weight", weight);
    shapes.put(prefix + "bias", Shape.of(weight.channels()));
  }
}
