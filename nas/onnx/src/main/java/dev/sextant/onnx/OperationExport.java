package dev.sextant.onnx;

import static dev.sextant.onnx.NetworkExport.extents;
import static dev.sextant.onnx.NodeList.attributes;

import dev.sextant.onnx.NetworkExport.Value;
import dev.sextant.onnx.proto.Attribute;
import dev.sextant.runtime.Weights;
import dev.sextant.runtime.graph.Operation;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Window;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/** Writes one operation of a layer as operators of ONNX, and its weights in their layout. */
final class OperationExport {
  private static final Window EVERY_OTHER = new Window(1, 2, 0, 1);

  private final NodeList nodes;
  private final Weights weights;
  private final double epsilon;
  private final boolean keepBatchNorm;
  private final @Nullable Rounding rounding;

  OperationExport(
      NodeList nodes,
      Weights weights,
      double epsilon,
      boolean keepBatchNorm,
      @Nullable Rounding rounding) {
    this.rounding = rounding;
    this.nodes = nodes;
    this.weights = weights;
    this.epsilon = epsilon;
    this.keepBatchNorm = keepBatchNorm;
  }

  /**
   * Adds an operation; returns its output.
   *
   * @param part the name of a convolution's value before something is added to it
   */
  Value add(String prefix, Operation operation, List<Value> inputs, Shape output, String part) {
    Value x = inputs.getFirst();
    String name =
        switch (operation) {
          case Operation.Convolution convolution ->
              convolution(prefix, convolution, inputs, output, part);
          case Operation.Depthwise depthwise -> {
            int channels = output.channels();
            String y =
                convolved(
                    x,
                    prefix + dotted(depthwise.name()),
                    depthwise.norm() == null ? null : prefix + dotted(depthwise.norm()),
                    depthwise.bias(),
                    depthwise.window(),
                    channels,
                    output);
            yield nodes.activated(y, depthwise.activation(), extents(output));
          }
          case Operation.Linear linear -> {
            String path = prefix + dotted(linear.name());
            String y =
                nodes.add(
                    "Gemm", path + "gemm", linear(path, x.name()), attributes(), extents(output));
            yield nodes.activated(y, linear.activation(), extents(output));
          }
          case Operation.Pool pool -> pool(prefix, x, pool, output);
          case Operation.GlobalAvgPool _ -> {
            String pooled =
                nodes.add(
                    "GlobalAveragePool",
                    prefix + "mean",
                    List.of(x.name()),
                    attributes(),
                    output.channels(),
                    1,
                    1);
            yield nodes.add(
                "Flatten", prefix + "flat", List.of(pooled), attributes(), extents(output));
          }
          case Operation.Activate activate ->
              nodes.activated(x.name(), activate.activation(), extents(output));
          case Operation.ScaleChannels _ -> {
            String gate =
                nodes.add(
                    "Unsqueeze",
                    prefix + "gate",
                    List.of(inputs.get(1).name(), nodes.wholes(2, 3)),
                    attributes(),
                    output.channels(),
                    1,
                    1);
            yield nodes.add(
                "Mul", prefix + "gated", List.of(x.name(), gate), attributes(), extents(output));
          }
          case Operation.Add _ -> sum(prefix + "sum", x, inputs.get(1)).name();
          case Operation.Slice slice ->
              nodes.add(
                  "Slice",
                  prefix + "channels",
                  List.of(
                      x.name(),
                      nodes.wholes(slice.from()),
                      nodes.wholes(slice.to()),
                      nodes.wholes(1)),
                  attributes(),
                  extents(output));
          case Operation.Concat _ -> concat(prefix, inputs, output);
          case Operation.Interleave _ -> interleave(prefix, inputs, output);
          case Operation.Predictions predictions ->
              predictions(prefix, predictions.anchors(), inputs, output);
          case Operation.FactorizedReduction reduction ->
              factorized(prefix + dotted(reduction.name()), x, output);
          case Operation.Custom custom -> throw new IllegalStateException(custom.kernel().name());
        };
    return new Value(name, output);
  }

  private List<String> linear(String path, String x) {
    if (rounding == null) {
      return List.of(x, plain(path + "weight"), plain(path + "bias"));
    }
    Weights.Entry kernel = weights.get(path + "weight");
    float[] bias = weights.get(path + "bias").values();
    return List.of(
        x,
        rounding.matrix(nodes, path + "weight", kernel),
        rounding.bias(nodes, path + "bias", bias, kernel, x));
  }

  /** Why an operation cannot be written, if it cannot. */
  static Optional<String> obstacle(Operation operation) {
    return switch (operation) {
      case Operation.Custom custom -> Optional.of(custom.kernel().name() + " has no form in ONNX");
      case Operation.Pool pool when !pool.max() && pool.window().dilation() > 1 ->
          Optional.of("average pooling with dilation has no form in ONNX before version 19");
      default -> Optional.empty();
    };
  }

  private static String dotted(String name) {
    return name.isEmpty() ? "" : name + ".";
  }

  private String convolution(
      String prefix,
      Operation.Convolution convolution,
      List<Value> inputs,
      Shape output,
      String part) {
    String y =
        convolved(
            inputs.getFirst(),
            prefix + dotted(convolution.name()),
            convolution.norm() == null ? null : prefix + dotted(convolution.norm()),
            convolution.bias(),
            convolution.window(),
            convolution.groups(),
            output);
    y = nodes.activated(y, convolution.activation(), extents(output));
    if (inputs.size() == 1) {
      return y;
    }
    Value value = new Value(y, output);
    if (rounding != null) {
      value = rounding.add(nodes, part, value);
    }
    return sum(prefix + "residual", value, inputs.get(1)).name();
  }

  /** A sum; what the narrower lacks is zero. */
  Value sum(String name, Value a, Value b) {
    Value wide = a.shape().channels() < b.shape().channels() ? b : a;
    Value narrow = wide == a ? b : a;
    int missing = wide.shape().channels() - narrow.shape().channels();
    String padded = narrow.name();
    if (missing > 0) {
      padded =
          nodes.add(
              "Pad",
              name + ".padded",
              List.of(padded, nodes.wholes(0, 0, 0, 0, 0, missing, 0, 0)),
              attributes(),
              extents(wide.shape()));
    }
    String sum =
        nodes.add("Add", name, List.of(wide.name(), padded), attributes(), extents(wide.shape()));
    return new Value(sum, wide.shape());
  }

  /** Convolution and batch norm or bias. */
  private String convolved(
      Value x,
      String path,
      @Nullable String norm,
      boolean bias,
      Window window,
      int groups,
      Shape output) {
    Weights.Entry kernel = weights.get(path + "weight");
    List<String> inputs = new ArrayList<>(List.of(x.name()));
    if (norm != null && !keepBatchNorm) {
      List<Weights.Entry> folded = weights.folded(kernel, norm, epsilon, 0);
      add(inputs, path, folded.get(0), folded.get(1), x.name());
    } else if (rounding != null && bias) {
      add(inputs, path, kernel, weights.get(path + "bias"), x.name());
    } else {
      inputs.add(
          rounding == null
              ? kernel(path + "weight", kernel)
              : rounding.kernel(nodes, path + "weight", kernel));
      if (bias) {
        inputs.add(plain(path + "bias"));
      }
    }
    SequencedMap<String, Attribute> attributes = window(window);
    attributes.put("dilations", Attribute.wholes(window.dilation(), window.dilation()));
    attributes.put("group", new Attribute.Whole(groups));
    String y = nodes.add("Conv", path + "conv", inputs, attributes, extents(output));
    return norm != null && keepBatchNorm ? norm(y, norm, output) : y;
  }

  /** A kernel and a bias, in eight bits where values are. */
  private void add(
      List<String> inputs, String path, Weights.Entry kernel, Weights.Entry bias, String x) {
    if (rounding == null) {
      inputs.add(kernel(path + "weight", kernel));
      inputs.add(plain(path + "bias", bias));
    } else {
      inputs.add(rounding.kernel(nodes, path + "weight", kernel));
      inputs.add(rounding.bias(nodes, path + "bias", bias.values(), kernel, x));
    }
  }

  private static SequencedMap<String, Attribute> window(Window window) {
    int k = window.kernel();
    int p = window.padding();
    int s = window.stride();
    return attributes(
        "kernel_shape", Attribute.wholes(k, k),
        "pads", Attribute.wholes(p, p, p, p),
        "strides", Attribute.wholes(s, s));
  }

  private String norm(String x, String norm, Shape output) {
    return nodes.add(
        "BatchNormalization",
        norm + "normalised",
        List.of(
            x,
            plain(norm + "gamma"),
            plain(norm + "beta"),
            plain(norm + "mean"),
            plain(norm + "variance")),
        attributes("epsilon", epsilon),
        extents(output));
  }

  /** The padding takes no part in a mean, which is ONNX's default too. */
  private String pool(String prefix, Value x, Operation.Pool pool, Shape output) {
    SequencedMap<String, Attribute> attributes = window(pool.window());
    int dilation = pool.window().dilation();
    if (dilation > 1) {
      attributes.put("dilations", Attribute.wholes(dilation, dilation));
    }
    return nodes.add(
        pool.max() ? "MaxPool" : "AveragePool",
        prefix + (pool.max() ? "max_pool" : "average_pool"),
        List.of(x.name()),
        attributes,
        extents(output));
  }

  private String concat(String prefix, List<Value> parts, Shape output) {
    return nodes.add(
        "Concat",
        prefix + "concat",
        parts.stream().map(Value::name).toList(),
        attributes("axis", 1),
        extents(output));
  }

  /** Anchor by anchor: pixels before channels, then rows of an anchor each. */
  private String predictions(String prefix, int anchors, List<Value> parts, Shape output) {
    List<String> rows = new ArrayList<>();
    int all = 0;
    int count = 0;
    for (Value part : parts) {
      Shape shape = part.shape();
      String last =
          nodes.add(
              "Transpose",
              prefix + "last" + rows.size(),
              List.of(part.name()),
              attributes("perm", Attribute.wholes(0, 2, 3, 1)),
              shape.get(1),
              shape.get(2),
              shape.channels());
      int numbers = shape.channels() / anchors;
      count = shape.get(1) * shape.get(2) * anchors;
      all += numbers;
      rows.add(
          nodes.add(
              "Reshape",
              prefix + "rows" + rows.size(),
              List.of(last, nodes.wholes(0, -1, numbers)),
              attributes(),
              count,
              numbers));
    }
    String both = nodes.add("Concat", prefix + "anchors", rows, attributes("axis", 2), count, all);
    return nodes.add(
        "Flatten", prefix + "predictions", List.of(both), attributes(), extents(output));
  }

  /** Side by side, then shuffled with as many groups as there are parts. */
  private String interleave(String prefix, List<Value> parts, Shape output) {
    int n = parts.size();
    int c = output.channels() / n;
    int h = output.get(1);
    int w = output.get(2);
    String split =
        nodes.add(
            "Reshape",
            prefix + "split",
            List.of(concat(prefix, parts, output), nodes.wholes(0, n, c, h, w)),
            attributes(),
            n,
            c,
            h,
            w);
    String turned =
        nodes.add(
            "Transpose",
            prefix + "turned",
            List.of(split),
            attributes("perm", Attribute.wholes(0, 2, 1, 3, 4)),
            c,
            n,
            h,
            w);
    return nodes.add(
        "Reshape",
        prefix + "shuffled",
        List.of(turned, nodes.wholes(0, n * c, h, w)),
        attributes(),
        extents(output));
  }

  /** The odd pixels are the even ones of the image without its first row and column. */
  private String factorized(String path, Value x, Shape output) {
    int half = output.channels() / 2;
    Shape each = output.withChannels(half);
    String even = half(x, path + "even.", 0, path + "norm.", each);
    Shape image = x.shape();
    String further =
        nodes.add(
            "Slice",
            path + "further",
            List.of(
                x.name(),
                nodes.wholes(1, 1),
                nodes.wholes(image.get(1), image.get(2)),
                nodes.wholes(2, 3)),
            attributes(),
            image.channels(),
            image.get(1) - 1,
            image.get(2) - 1);
    Shape without = Shape.of(1, image.get(1) - 1, image.get(2) - 1, image.channels());
    String odd = half(new Value(further, without), path + "odd.", half, path + "norm.", each);
    String both =
        nodes.add(
            "Concat", path + "concat", List.of(even, odd), attributes("axis", 1), extents(output));
    return keepBatchNorm ? norm(both, path + "norm.", output) : both;
  }

  private String half(Value x, String path, int from, String norm, Shape output) {
    Weights.Entry kernel = weights.get(path + "weight");
    List<String> inputs = new ArrayList<>(List.of(x.name()));
    if (keepBatchNorm) {
      inputs.add(kernel(path + "weight", kernel));
    } else {
      List<Weights.Entry> folded = weights.folded(kernel, norm, epsilon, from);
      inputs.add(kernel(path + "weight", folded.get(0)));
      inputs.add(plain(path + "bias", folded.get(1)));
    }
    return nodes.add("Conv", path + "conv", inputs, window(EVERY_OTHER), extents(output));
  }

  private String plain(String name) {
    return plain(name, weights.get(name));
  }

  /** A tensor as it is. */
  private String plain(String name, Weights.Entry entry) {
    List<Long> extents = new ArrayList<>();
    for (int i = 0; i < entry.shape().rank(); i++) {
      extents.add((long) entry.shape().get(i));
    }
    return nodes.weight(name, extents, entry.values());
  }

  /**
   * {@code [k, k, in, out]} as {@code [out, in, k, k]}, {@code [k, k, C]} as {@code [C, 1, k, k]}.
   */
  private String kernel(String name, Weights.Entry entry) {
    Shape shape = entry.shape();
    int k = shape.get(0);
    int in = shape.rank() == 3 ? 1 : shape.get(2);
    int out = shape.channels();
    return nodes.weight(
        name,
        List.of((long) out, (long) in, (long) k, (long) k),
        turned(entry.values(), k * k, in, out));
  }

  /** {@code [a, b, c]} as {@code [c, b, a]}. */
  static float[] turned(float[] values, int a, int b, int c) {
    float[] turned = new float[values.length];
    for (int i = 0; i < a; i++) {
      for (int j = 0; j < b; j++) {
        for (int k = 0; k < c; k++) {
          turned[(k * b + j) * a + i] = values[(i * b + j) * c + k];
        }
      }
    }
    return turned;
  }
}
