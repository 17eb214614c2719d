package dev.sextant.bench.libtorch;

import dev.sextant.nas.space.CellNetworks;
import dev.sextant.nas.space.CellSpace;
import dev.sextant.runtime.layer.Cell;
import dev.sextant.runtime.layer.Cell.Op;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Window;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes what cells are made of, and the supernet of DARTS and PC-DARTS, as their published code
 * has them, under the paths of this engine's modules.
 */
final class CellCode {
  private static final Window EVEN = new Window(1, 2, 0, 1);
  private static final String HALVES =
      "torch.max_pool2d(%s, [2, 2], [2, 2], [0, 0], [1, 1], False)";

  private final LayerCode code;
  private final CellSpace space;

  private CellCode(LayerCode code, CellSpace space) {
    this.code = code;
    this.space = space;
  }

  /** ReLU, two pointwise convolutions of stride 2 that see other pixels, batch norm. */
  static String factorizedReduce(LayerCode code, String x, String prefix) {
    String h = code.set("torch.relu(%s)".formatted(x));
    String even = code.convolution(h, prefix + "even.weight", EVEN, 1);
    String rows = "torch.slice(%s, 2, 1, 9223372036854775807, 2)".formatted(h);
    String pixels = code.set("torch.slice(%s, 3, 1, 9223372036854775807, 2)".formatted(rows));
    String odd = code.convolution(pixels, prefix + "odd.weight", Window.POINTWISE, 1);
    String both = code.set("torch.cat([%s, %s], 1)".formatted(even, odd));
    return code.norm(both, prefix + "norm.", Activation.IDENTITY);
  }

  /** ReLU, convolution, batch norm. */
  static String reluConvolution(LayerCode code, String x, Window window, String prefix) {
    String h = code.set("torch.relu(%s)".formatted(x));
    String z = code.convolution(h, prefix + "convolution.weight", window, 1);
    return code.norm(z, prefix + "norm.", Activation.IDENTITY);
  }

  /** ReLU, depthwise and pointwise convolution, batch norm. */
  static String reluSeparable(
      LayerCode code, String x, int channels, Window window, String prefix) {
    String h = code.set("torch.relu(%s)".formatted(x));
    String u = code.convolution(h, prefix + "depthwise.weight", window, channels);
    String z = code.convolution(u, prefix + "pointwise.weight", Window.POINTWISE, 1);
    return code.norm(z, prefix + "norm.", Activation.IDENTITY);
  }

  /** That of depthwise kernels of some size, twice, the second of stride 1. */
  static String separableTwice(
      LayerCode code, String x, int channels, int kernel, int stride, String prefix) {
    String y = reluSeparable(code, x, channels, Window.same(kernel, stride), prefix + "0.");
    return reluSeparable(code, y, channels, Window.same(kernel, 1), prefix + "1.");
  }

  /** The second classifier. */
  static String auxiliaryTower(LayerCode code, String x) {
    String h = code.set("torch.relu(%s)".formatted(x));
    String p = "torch.avg_pool2d(%s, [5, 5], [3, 3], [0, 0], False, False, None)".formatted(h);
    String a = code.convolution(code.set(p), "narrow.convolution.weight", Window.POINTWISE, 1);
    String b = code.norm(a, "narrow.norm.", Activation.RELU);
    String c = code.convolution(b, "wide.convolution.weight", new Window(2, 1, 0, 1), 1);
    String d = code.norm(c, "wide.norm.", Activation.RELU);
    return code.linear(code.set("torch.flatten(%s, 1, -1)".formatted(d)), "classifier.");
  }

  /**
   * The supernet on {@code x}, its mixtures by the softmax of parameters {@code alphas.<s>.<edge>}
   * and {@code betas.<s>.<node>}, s the stride of the cells.
   */
  static String supernet(LayerCode code, CellSpace space) {
    return new CellCode(code, space).supernet();
  }

  private String supernet() {
    String z = code.convolution("x", "stem.convolution.weight", Window.same(3, 1), 1);
    String older = code.norm(z, "stem.norm.", Activation.IDENTITY);
    List<Mixture> mixtures = List.of(mixture(1), mixture(2));
    String newer = older;
    boolean reduced = false;
    int width = space.width();
    int size = space.input().height();
    for (int i = 0; i < space.cells(); i++) {
      int stride = CellNetworks.isReduction(i, space.cells()) ? 2 : 1;
      width *= stride;
      size /= stride;
      String prefix = "cells." + i + ".";
      String first =
          reduced
              ? factorizedReduce(code, older, prefix + "older.")
              : reluConvolution(code, older, Window.POINTWISE, prefix + "older.");
      String second = reluConvolution(code, newer, Window.POINTWISE, prefix + "newer.");
      older = newer;
      newer = cell(first, second, mixtures.get(stride - 1), stride, width, size, prefix);
      reduced = stride == 2;
    }
    return code.linear(code.set("torch.mean(%s, [2, 3])".formatted(newer)), "classifier.");
  }

  /** Variables that hold the weights of each edge's ops, and of each node's edges. */
  private record Mixture(List<String> ops, List<String> edges) {}

  private Mixture mixture(int stride) {
    List<String> ops = new ArrayList<>();
    for (int edge = 0; edge < space.edges(); edge++) {
      ops.add(softmax("alphas.%d.%d".formatted(stride, edge)));
    }
    List<String> edges = new ArrayList<>();
    for (int node = 0; space.edgeNormalized() && node < space.nodes(); node++) {
      edges.add(softmax("betas.%d.%d".formatted(stride, node)));
    }
    return new Mixture(ops, edges);
  }

  private String softmax(String path) {
    return code.set("torch.softmax(%s, 0)".formatted(code.parameter(path)));
  }

  private String cell(
      String first,
      String second,
      Mixture mixture,
      int stride,
      int width,
      int size,
      String prefix) {
    List<String> values = new ArrayList<>(List.of(first, second));
    for (int node = 0; node < space.nodes(); node++) {
      String sum = "";
      for (int from = 0; from < node + Cell.INPUTS; from++) {
        int edge = CellSpace.firstEdge(node) + from;
        int own = from < Cell.INPUTS ? stride : 1;
        String path = "%sedges.%d.ops.".formatted(prefix, edge);
        String y = edge(values.get(from), mixture.ops.get(edge), own, width, size, path);
        if (space.edgeNormalized()) {
          y = "torch.mul(torch.select(%s, 0, %d), %s)".formatted(mixture.edges.get(node), from, y);
        }
        sum = code.set(sum.isEmpty() ? y : "torch.add(%s, %s)".formatted(sum, y));
      }
      values.add(sum);
    }
    List<String> nodes = values.subList(Cell.INPUTS, values.size());
    return code.set("torch.cat([%s], 1)".formatted(String.join(", ", nodes)));
  }

  /** The mixed op, on a part of the channels where the space says so. */
  private String edge(String x, String weights, int stride, int width, int size, String path) {
    if (space.partial() == 1) {
      return mixed(x, weights, stride, width, path);
    }
    int active = width / space.partial();
    String head = code.set("torch.slice(%s, 1, 0, %d, 1)".formatted(x, active));
    String rest = code.set("torch.slice(%s, 1, %d, %d, 1)".formatted(x, active, width));
    String passed = stride == 2 ? code.set(HALVES.formatted(rest)) : rest;
    String all =
        "torch.cat([%s, %s], 1)".formatted(mixed(head, weights, stride, active, path), passed);
    String dealt =
        "torch.transpose(torch.reshape(%s, [-1, %d, %d, %d, %d]), 1, 2)"
            .formatted(all, space.partial(), active, size, size);
    return code.set("torch.reshape(%s, [-1, %d, %d, %d])".formatted(dealt, width, size, size));
  }

  private String mixed(String x, String weights, int stride, int channels, String path) {
    String sum = "";
    for (int k = 1; k < space.candidates().size(); k++) {
      String y = op(space.candidates().get(k), x, stride, channels, path + k + ".");
      String term = "torch.mul(torch.select(%s, 0, %d), %s)".formatted(weights, k, y);
      sum = code.set(sum.isEmpty() ? term : "torch.add(%s, %s)".formatted(sum, term));
    }
    return sum;
  }

  private String op(Op op, String x, int stride, int channels, String prefix) {
    return switch (op.kind()) {
      case ZERO -> throw new IllegalArgumentException("zero is no term");
      case MAX_POOL, AVG_POOL -> {
        boolean max = op.kind() == Cell.Kind.MAX_POOL;
        String pooled = code.set(LayerCode.pool(x, max, op.window(stride)));
        yield code.norm(pooled, prefix + "1.", Activation.IDENTITY);
      }
      case IDENTITY -> stride == 1 ? x : factorizedReduce(code, x, prefix);
      case SEPARABLE -> separableTwice(code, x, channels, op.kernel(), stride, prefix);
      case DILATED -> reluSeparable(code, x, channels, op.window(stride), prefix);
    };
  }
}
