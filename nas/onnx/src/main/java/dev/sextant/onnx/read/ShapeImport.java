package dev.sextant.onnx.read;

import dev.sextant.onnx.proto.NodeProto;
import dev.sextant.onnx.read.GraphImport.Value;
import dev.sextant.runtime.dag.GraphKernel;
import dev.sextant.runtime.graph.Operation;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Window;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** What moves numbers: parts of channels, shuffles, pads, and vectors made of images. */
final class ShapeImport {
  private static final int MOST_PADDED = 1024;

  private final GraphImport network;
  private final NodeReader node;
  private final ImportGraph graph;

  ShapeImport(GraphImport network, NodeReader node) {
    this.network = network;
    this.node = node;
    graph = network.graph();
  }

  void read() {
    switch (node.node().operator()) {
      case "Concat" -> concat();
      case "Split" -> split();
      case "Slice" -> slice();
      case "Pad" -> pad();
      case "Flatten" -> {
        if (node.whole("axis", 1) != 1) {
          throw node.error("is supported behind the batch, axis 1, alone");
        }
        vector(network.value(node, 0));
      }
      case "Squeeze" -> vector(network.value(node, 0));
      case "Unsqueeze" -> unsqueeze();
      default -> reshape();
    }
  }

  /** Only that of pixels, which come with their channels last as the runtime's images do. */
  void transpose() {
    Value x = network.value(node, 0);
    int[] order = node.wholes("perm");
    if (x.index() != 0 || !network.takesPixels() || !Arrays.equals(order, new int[] {0, 3, 1, 2})) {
      throw node.error("is not supported here");
    }
    network.put(node, x);
  }

  private void concat() {
    long axis = node.whole("axis", 1);
    int count = node.node().inputs().size();
    int[] parts = new int[count];
    boolean even = true;
    int rank = 0;
    for (int i = 0; i < count; i++) {
      Value part = network.value(node, i);
      if (part.pixel() || part.image() != null) {
        throw node.error("of vectors made of images is not supported");
      }
      parts[i] = part.index();
      rank = network.shape(part).rank();
      even &= graph.shape(parts[i]).equals(graph.shape(parts[0]));
    }
    if (axis != 1 && axis != 1 - rank) {
      throw node.error("is supported along the channels, axis 1, alone");
    }
    String shuffled =
        even && count > 1 ? shuffle(node.output(), count, graph.shape(parts[0])) : null;
    if (shuffled != null) {
      network.put(shuffled, Value.of(graph.add(new Operation.Interleave(), parts)));
    } else {
      network.put(node, Value.of(graph.add(new Operation.Concat(), parts)));
    }
  }

  /**
   * Takes the three nodes that shuffle channels, where they alone read a value; returns what the
   * last gives, or null.
   *
   * @param part shape of one of the groups
   */
  private @Nullable String shuffle(String name, int groups, Shape part) {
    NodeProto split = network.onlyReader(name);
    if (split == null || part.rank() != 4 || !split.operator().equals("Reshape")) {
      return null;
    }
    NodeProto turn = network.onlyReader(network.reader(split).output());
    if (turn == null || !turn.operator().equals("Transpose")) {
      return null;
    }
    NodeProto join = network.onlyReader(network.reader(turn).output());
    int[] five = network.reader(split).wholes(1, "shape");
    int[] order = network.reader(turn).wholes("perm");
    if (join == null
        || !join.operator().equals("Reshape")
        || five == null
        || five.length != 5
        || five[1] != groups
        || (five[2] != part.channels() && five[2] != -1)
        || !Arrays.equals(order, new int[] {0, 2, 1, 3, 4})) {
      return null;
    }
    network.take(split);
    network.take(turn);
    network.take(join);
    return network.reader(join).output();
  }

  private void split() {
    Value x = network.value(node, 0);
    Shape shape = network.shape(x);
    long axis = node.whole("axis", 0);
    if (axis != 1 && axis != 1 - shape.rank()) {
      throw node.error("is supported along the channels, axis 1, alone");
    }
    int count = node.node().outputs().size();
    int[] sizes = node.wholes(1, "split");
    if (sizes == null) {
      sizes = new int[count];
      Arrays.fill(sizes, (shape.channels() + count - 1) / Math.max(1, count));
      sizes[count - 1] = shape.channels() - sizes[0] * (count - 1);
    }
    if (sizes.length != count) {
      throw node.error("has %d sizes for %d outputs", sizes.length, count);
    }
    int from = 0;
    for (int i = 0; i < count; i++) {
      Operation part = new Operation.Slice(from, Math.addExact(from, Math.max(0, sizes[i])));
      network.put(node.node().outputs().get(i), Value.of(graph.add(part, x.index())));
      from += sizes[i];
    }
  }

  private void slice() {
    Value x = network.value(node, 0);
    Shape shape = network.shape(x);
    int[] starts = node.wholes(1, "starts");
    int[] ends = node.wholes(2, "ends");
    int[] axes = node.wholes(3, "axes");
    int[] steps = node.wholes(4, "steps");
    if (starts == null || ends == null || shape.rank() != 4 || x.pixel()) {
      throw node.error("is supported for parts of images");
    }
    if (axes == null) {
      axes = new int[starts.length];
      Arrays.setAll(axes, i -> i);
    }
    if (axes.length != starts.length || ends.length != starts.length) {
      throw node.error("has not as many starts as ends and axes");
    }
    if (steps != null && Arrays.stream(steps).anyMatch(step -> step != 1)) {
      throw node.error("with steps is not supported");
    }
    int[] crop = new int[4];
    int index = x.index();
    for (int i = 0; i < axes.length; i++) {
      int axis = axes[i] < 0 ? axes[i] + 4 : axes[i];
      if (axis < 1 || axis > 3) {
        throw node.error("of axis %d is not supported", axes[i]);
      }
      int extent = axis == 1 ? shape.channels() : shape.get(axis - 1);
      int from = Math.clamp(starts[i] < 0 ? (long) starts[i] + extent : starts[i], 0, extent);
      int to = Math.clamp(ends[i] < 0 ? (long) ends[i] + extent : ends[i], 0, extent);
      if (axis == 1) {
        index = graph.add(new Operation.Slice(from, to), index);
      } else {
        crop[axis - 2] = -from;
        crop[axis] = to - extent;
      }
    }
    if (!Arrays.equals(crop, new int[4])) {
      GraphKernel pad = new GraphKernel.Pad(crop[0], crop[1], crop[2], crop[3], 0);
      index = graph.add(new Operation.Custom(pad), index);
    }
    network.put(node, Value.of(index));
  }

  private void pad() {
    Value x = network.value(node, 0);
    int[] pads = node.wholes(1, "pads");
    float value = node.hasInput(2) ? node.floats(2, 1)[0] : node.real("value", 0);
    if (!node.text("mode", "constant").equals("constant")
        || pads == null
        || pads.length != 8
        || node.hasInput(3)
        || network.shape(x).rank() != 4
        || pads[0] != 0
        || pads[4] != 0
        || pads[1] != 0) {
      throw node.error("is supported around images, by one value");
    }
    int index = x.index();
    if (pads[5] != 0) {
      index = wider(index, pads[5], value);
    }
    if (pads[2] != 0 || pads[3] != 0 || pads[6] != 0 || pads[7] != 0) {
      GraphKernel pad = new GraphKernel.Pad(pads[2], pads[3], pads[6], pads[7], value);
      index = graph.add(new Operation.Custom(pad), index);
    }
    network.put(node, Value.of(index));
  }

  /** More channels, which are zero: a pointwise convolution with the identity and zeros. */
  private int wider(int x, int more, float value) {
    int in = graph.shape(x).channels();
    if (more < 0 || value != 0 || (long) in + more > MOST_PADDED) {
      throw node.error("is supported for channels that are zero, up to %d", MOST_PADDED);
    }
    String name = graph.nextName();
    float[] identity = new float[in * (in + more)];
    for (int c = 0; c < in; c++) {
      identity[c * (in + more) + c] = 1;
    }
    graph.weight(name + ".weight", Shape.of(1, 1, in, in + more), identity);
    return graph.add(
        new Operation.Convolution(
            name, null, false, in + more, Window.POINTWISE, 1, Activation.IDENTITY),
        x);
  }

  private void unsqueeze() {
    Value x = network.value(node, 0);
    int[] axes = node.wholes(1, "axes");
    if (network.shape(x).rank() != 2
        || x.pixel()
        || x.image() != null
        || !(Arrays.equals(axes, new int[] {2, 3}) || Arrays.equals(axes, new int[] {-2, -1}))) {
      throw node.error("is supported where it makes a pixel of a vector");
    }
    network.put(node, Value.pixel(x.index()));
  }

  private void reshape() {
    int[] to = node.wholes(1, "shape");
    Value x = network.value(node, 0);
    Shape shape = network.shape(x);
    if (to == null) {
      throw node.error("has no shape");
    }
    if (to.length == 2) {
      int features = shape.size() / shape.get(0);
      if (to[1] == features || to[1] == -1 && to[0] != -1) {
        vector(x);
        return;
      }
    } else if (to.length == 4 && shape.rank() == 2 && x.image() == null) {
      if ((to[1] == shape.channels() || to[1] == -1) && to[2] == 1 && to[3] == 1) {
        network.put(node, Value.pixel(x.index()));
        return;
      }
    } else if (to.length == 5 && shape.rank() == 4 && to[1] > 1) {
      int groups = to[1];
      int width = shape.channels() / groups;
      if (shape.channels() % groups == 0) {
        shuffled(x, groups, shape.withChannels(width));
        return;
      }
    }
    throw node.error("of %s to %s is not supported", shape, Arrays.toString(to));
  }

  /** A shuffle of one value's channels: its parts in turn. */
  private void shuffled(Value x, int groups, Shape part) {
    String name = node.input(0);
    // The node itself is the first of the three.
    NodeProto own = node.node();
    String output = network.onlyReader(name) == own ? shuffle(name, groups, part) : null;
    if (output == null) {
      throw node.error("is supported where it shuffles channels and nothing else reads them");
    }
    int[] parts = new int[groups];
    for (int i = 0; i < groups; i++) {
      int from = i * part.channels();
      parts[i] = graph.add(new Operation.Slice(from, from + part.channels()), x.index());
    }
    network.put(output, Value.of(graph.add(new Operation.Interleave(), parts)));
  }

  private void vector(Value x) {
    Shape shape = network.shape(x);
    if (shape.rank() == 2) {
      network.put(node, new Value(x.index(), false, x.image()));
    } else if (shape.get(1) == 1 && shape.get(2) == 1) {
      network.put(node, Value.of(graph.add(new Operation.GlobalAvgPool(), x.index())));
    } else {
      int flat = graph.add(new Operation.Custom(new GraphKernel.Flatten()), x.index());
      network.put(node, new Value(flat, false, shape));
    }
  }
}
