package dev.sextant.onnx.read;

import dev.sextant.onnx.read.GraphImport.Value;
import dev.sextant.runtime.dag.GraphKernel;
import dev.sextant.runtime.graph.Operation;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Window;
import java.util.Arrays;

/** Poolings, over windows and over whole images. */
final class PoolImport {
  private final GraphImport network;
  private final NodeReader node;
  private final ImportGraph graph;

  PoolImport(GraphImport network, NodeReader node) {
    this.network = network;
    this.node = node;
    graph = network.graph();
  }

  void read() {
    Value x = network.value(node, 0);
    if (network.shape(x).rank() != 4) {
      if (x.pixel() && node.node().operator().equals("GlobalAveragePool")) {
        network.put(node, x);
        return;
      }
      throw node.error("of a vector is not supported");
    }
    switch (node.node().operator()) {
      case "GlobalAveragePool" -> global(x, true);
      case "ReduceMean" -> {
        int[] axes = node.wholes(1, "axes");
        int[] sorted = axes == null ? new int[0] : axes.clone();
        for (int i = 0; i < sorted.length; i++) {
          sorted[i] += sorted[i] < 0 ? 4 : 0;
        }
        Arrays.sort(sorted);
        if (!Arrays.equals(sorted, new int[] {2, 3})) {
          throw node.error("is supported over the pixels, axes 2 and 3, alone");
        }
        global(x, node.whole("keepdims", 1) != 0);
      }
      default -> window(x, node.node().operator().equals("MaxPool"));
    }
  }

  private void global(Value x, boolean pixel) {
    int mean = graph.add(new Operation.GlobalAvgPool(), x.index());
    network.put(node, pixel ? Value.pixel(mean) : Value.of(mean));
  }

  private void window(Value x, boolean max) {
    Shape shape = network.shape(x);
    int[] given = node.wholes("kernel_shape");
    if (given == null || given.length != 2) {
      throw node.error("has no kernel_shape of two numbers");
    }
    int stride = node.square("strides", 1);
    int dilation = node.square("dilations", 1);
    if (!max
        && given[0] == shape.get(1)
        && given[1] == shape.get(2)
        && Arrays.equals(Pads.of(node, shape, 1, stride, 1), new int[4])) {
      global(x, true);
      return;
    }
    int kernel = node.square("kernel_shape", 0);
    int[] pads = Pads.of(node, shape, kernel, stride, dilation).clone();
    boolean counted = !max && node.whole("count_include_pad", 0) != 0;
    if (node.whole("ceil_mode", 0) != 0) {
      boolean more = false;
      for (int side = 0; side < 2; side++) {
        int span = shape.get(1 + side) + pads[side] + pads[side + 2] - dilation * (kernel - 1) - 1;
        int rest = Math.floorMod(-span, stride);
        // A window that would begin behind the image is left out.
        int starts = (span + rest) / stride * stride;
        if (rest > 0 && starts < shape.get(1 + side) + pads[side]) {
          pads[side + 2] += rest;
          more = true;
        }
      }
      if (more && counted) {
        throw node.error("with ceil_mode and count_include_pad is not supported");
      }
    }
    int from = x.index();
    boolean even = Pads.isEven(pads) && !counted;
    if (!even && !max && !counted) {
      throw node.error(
          "with pads %s that take no part in the mean is not supported", Arrays.toString(pads));
    }
    if (!even && !Arrays.equals(pads, new int[4])) {
      float value = max ? Float.NEGATIVE_INFINITY : 0;
      GraphKernel pad = new GraphKernel.Pad(pads[0], pads[1], pads[2], pads[3], value);
      from = graph.add(new Operation.Custom(pad), from);
    }
    Window window = new Window(kernel, stride, even ? pads[0] : 0, dilation);
    network.put(node, Value.of(graph.add(new Operation.Pool(max, window), from)));
  }
}
