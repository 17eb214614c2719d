package dev.sextant.runtime;

import dev.sextant.tensor.Activation;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Window;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Turns layers into a {@link Program} and folded parameters: each batch norm goes into the
 * convolution before it, w' = w gamma / sqrt(variance + epsilon) and b' = beta - mean gamma /
 * sqrt(variance + epsilon), and activations and residuals into the kernels' epilogues.
 */
final class ProgramBuilder {
  private final Weights weights;
  private final double epsilon;
  private final List<Program.Value> values = new ArrayList<>();
  private final List<Program.Step> steps = new ArrayList<>();
  private final List<Weights.Entry> parameters = new ArrayList<>();
  private final CellBuilder cells = new CellBuilder(this);
  private final Deque<Fork> forks = new ArrayDeque<>();
  private int buffers;

  /** A builder whose layers read their tensors, named as {@link WeightNames} says, from there. */
  ProgramBuilder(Weights weights, double epsilon) {
    this.weights = weights;
    this.epsilon = epsilon;
  }

  /** A network for that many images at once. */
  static ProgramBuilder network(Architecture architecture, Weights weights, int batch) {
    ProgramBuilder builder = new ProgramBuilder(weights, architecture.batchNormEpsilon());
    int before = Program.NONE;
    int value = builder.value(architecture.input().shape(batch));
    for (int i = 0; i < architecture.layers().size(); i++) {
      int next = builder.layer(WeightNames.prefix(i), architecture.layers().get(i), before, value);
      before = value;
      value = next;
    }
    return builder;
  }

  /** What was built; its input is the first value, its output the last. */
  Program program() {
    return new Program(List.copyOf(values), List.copyOf(steps), 0, values.size() - 1);
  }

  /** The folded parameters, by the indices that the steps use. */
  List<Weights.Entry> parameters() {
    return List.copyOf(parameters);
  }

  /** A value in a buffer of its own. */
  int value(Shape shape) {
    return add(new Program.Value(buffers++, shape));
  }

  private int reshape(int value, Shape shape) {
    return add(new Program.Value(values.get(value).buffer(), shape));
  }

  private int add(Program.Value value) {
    values.add(value);
    return values.size() - 1;
  }

  Shape shape(int value) {
    return values.get(value).shape();
  }

  /** Appends a step. */
  void add(Program.Step step) {
    steps.add(step);
  }

  /**
   * Appends a layer that reads a value; returns the value it writes.
   *
   * @param before the older input of a cell with two inputs; not read by anything else
   */
  int layer(String prefix, Layer layer, int before, int in) {
    return switch (layer) {
      case Layer.Conv conv -> {
        int weight =
            conv.batchNorm()
                ? folded(prefix + "convolution.weight", prefix + "norm.")
                : biased(prefix);
        yield convolution(in, weight, conv.window(), conv.activation(), Program.NONE);
      }
      case Layer.Depthwise depthwise -> {
        int weight =
            depthwise.batchNorm()
                ? folded(prefix + "convolution.weight", prefix + "norm.")
                : biased(prefix);
        yield depthwise(in, weight, depthwise.window(), depthwise.activation());
      }
      case Layer.Separable separable -> {
        int depthwise = folded(prefix + "depthwise.weight", prefix + "depthwise_norm.");
        int mid = depthwise(in, depthwise, separable.window(), separable.activation());
        int pointwise = folded(prefix + "pointwise.weight", prefix + "pointwise_norm.");
        yield convolution(mid, pointwise, Window.POINTWISE, Activation.IDENTITY, Program.NONE);
      }
      case Layer.MbConv block -> mbConv(prefix, block, in);
      case Layer.Pool pool -> {
        int out = value(pool.output(shape(in)));
        steps.add(new Program.Pool(in, pool.max(), pool.window(), out));
        yield out;
      }
      case Layer.Skip _ -> in;
      case Layer.Zero _ -> throw new IllegalStateException("no chain holds zero");
      case Layer.GlobalAvgPool _ -> globalPool(in);
      case Layer.Junction junction -> junction(junction.kind(), in);
      case Cell cell -> cells.cell(prefix, cell, cell.older() == null ? in : before, in);
      case Layer.Linear linear -> {
        int out = dense(prefix, in, linear.activation());
        yield reshape(out, Shape.of(shape(out).get(0), shape(out).channels()));
      }
    };
  }

  /** A fork that no sum has ended yet. */
  private static final class Fork {
    private final int input;
    private int sum = Program.NONE;

    Fork(int input) {
      this.input = input;
    }
  }

  private int junction(Layer.Junction.Kind kind, int in) {
    if (kind == Layer.Junction.Kind.FORK) {
      forks.push(new Fork(in));
      return in;
    }
    boolean last = kind == Layer.Junction.Kind.SUM;
    if (forks.isEmpty()) {
      // Timed alone: a sum of its input and itself.
      return last ? sum(in, in) : in;
    }
    Fork fork = forks.element();
    fork.sum = fork.sum == Program.NONE ? in : sum(fork.sum, in);
    return last ? forks.pop().sum : fork.input;
  }

  /** Values of one height and width; what the narrower lacks is zero. */
  private int sum(int a, int b) {
    int wide = shape(a).channels() < shape(b).channels() ? b : a;
    int narrow = wide == a ? b : a;
    int common = wide;
    if (shape(narrow).channels() < shape(wide).channels()) {
      common = value(shape(narrow));
      steps.add(new Program.CopyChannels(wide, 0, common));
    }
    int sum = value(shape(narrow));
    steps.add(new Program.Add(common, narrow, sum));
    if (common == wide) {
      return sum;
    }
    int out = value(shape(wide));
    steps.add(new Program.CopyChannels(wide, 0, out));
    steps.add(new Program.CopyChannels(sum, 0, out));
    return out;
  }

  private int mbConv(String prefix, Layer.MbConv block, int in) {
    int mid = in;
    if (block.expand() > 1) {
      int expand = folded(prefix + "expand.weight", prefix + "expand_norm.");
      mid = convolution(in, expand, Window.POINTWISE, block.activation(), Program.NONE);
    }
    int depthwise = folded(prefix + "depthwise.weight", prefix + "depthwise_norm.");
    mid = depthwise(mid, depthwise, block.window(), block.activation());
    if (block.squeezeExcite() > 0) {
      int hidden = dense(prefix + "squeeze.reduce.", globalPool(mid), Activation.RELU);
      int gate = dense(prefix + "squeeze.expand.", hidden, Activation.SIGMOID);
      Shape image = shape(mid);
      gate = reshape(gate, Shape.of(image.get(0), image.channels()));
      int gated = reshape(mid, image);
      steps.add(new Program.Gate(mid, gate, gated));
      mid = gated;
    }
    int project = folded(prefix + "project.weight", prefix + "project_norm.");
    int residual = block.residual() ? in : Program.NONE;
    return convolution(mid, project, Window.POINTWISE, Activation.IDENTITY, residual);
  }

  private int globalPool(int in) {
    Shape image = shape(in);
    int out = value(Shape.of(image.get(0), image.channels()));
    steps.add(new Program.GlobalPool(in, out));
    return out;
  }

  /** A fully connected layer: a pointwise convolution over one pixel, for its fused epilogue. */
  private int dense(String prefix, int in, Activation activation) {
    Weights.Entry weight = weights.get(prefix + "weight");
    Shape kernel = Shape.of(1, 1, weight.shape().get(0), weight.shape().get(1));
    int parameter = parameter(new Weights.Entry(kernel, weight.values()));
    parameter(weights.get(prefix + "bias"));
    int pixel = reshape(in, Shape.of(shape(in).get(0), 1, 1, shape(in).channels()));
    return convolution(pixel, parameter, Window.POINTWISE, activation, Program.NONE);
  }

  /** The bias is the parameter after the weight. */
  int convolution(int in, int weight, Window window, Activation activation, int residual) {
    int channels = parameters.get(weight).shape().channels();
    int out = value(window.output(shape(in), channels));
    steps.add(new Program.Convolution(in, weight, weight + 1, window, activation, residual, out));
    return out;
  }

  int depthwise(int in, int weight, Window window, Activation activation) {
    int out = value(window.output(shape(in), shape(in).channels()));
    steps.add(new Program.Depthwise(in, weight, weight + 1, window, activation, out));
    return out;
  }

  private int parameter(Weights.Entry entry) {
    parameters.add(entry);
    return parameters.size() - 1;
  }

  private int biased(String prefix) {
    int weight = parameter(weights.get(prefix + "weight"));
    parameter(weights.get(prefix + "bias"));
    return weight;
  }

  /** A kernel that nothing follows, with biases of 0. */
  int unbiased(String name) {
    return unbiased(weights.get(name));
  }

  int unbiased(Weights.Entry kernel) {
    int weight = parameter(kernel);
    int channels = kernel.shape().channels();
    parameter(new Weights.Entry(Shape.of(channels), new float[channels]));
    return weight;
  }

  /** Folds a batch norm into the kernel before it, whose last extent is the norm's channels. */
  int folded(String name, String norm) {
    return folded(weights.get(name), norm, 0);
  }

  /** Folds a batch norm into two kernels whose outputs it takes side by side. */
  int[] foldedSideBySide(String first, String second, String norm) {
    Weights.Entry left = weights.get(first);
    return new int[] {
      folded(left, norm, 0), folded(weights.get(second), norm, left.shape().channels())
    };
  }

  /** The kernel's channels are those of the norm from {@code from} on. */
  private int folded(Weights.Entry kernel, String norm, int from) {
    float[] gamma = weights.get(norm + "gamma").values();
    float[] beta = weights.get(norm + "beta").values();
    float[] mean = weights.get(norm + "mean").values();
    float[] variance = weights.get(norm + "variance").values();
    int channels = kernel.shape().channels();
    double[] factor = new double[channels];
    float[] bias = new float[channels];
    for (int c = 0; c < channels; c++) {
      int n = from + c;
      if (variance[n] < 0) {
        throw new SextantException(
            "%svariance[%d]: %s is negative".formatted(norm, n, variance[n]));
      }
      factor[c] = gamma[n] / Math.sqrt(variance[n] + epsilon);
      bias[c] = normalOrZero(beta[n] - mean[n] * factor[c]);
    }
    float[] values = new float[kernel.values().length];
    for (int i = 0; i < values.length; i++) {
      values[i] = normalOrZero(kernel.values()[i] * factor[i % channels]);
    }
    int weight = parameter(new Weights.Entry(kernel.shape(), values));
    parameter(new Weights.Entry(Shape.of(channels), bias));
    return weight;
  }

  /** Weight decay drives dead channels' gammas to denormals, which cost a hundred cycles each. */
  private static float normalOrZero(double value) {
    return Math.abs(value) < Float.MIN_NORMAL ? 0 : (float) value;
  }
}
