package dev.sextant.runtime;

import dev.sextant.tensor.Activation;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Window;
import java.util.ArrayList;
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
  private int buffers;

  /** A builder whose layers read their tensors, named as {@link WeightNames} says, from there. */
  ProgramBuilder(Weights weights, double epsilon) {
    this.weights = weights;
    this.epsilon = epsilon;
  }

  /** A network for that many images at once. */
  static ProgramBuilder network(Architecture architecture, Weights weights, int batch) {
    ProgramBuilder builder = new ProgramBuilder(weights, architecture.batchNormEpsilon());
    int value = builder.value(architecture.input().shape(batch));
    for (int i = 0; i < architecture.layers().size(); i++) {
      value = builder.layer(WeightNames.prefix(i), architecture.layers().get(i), value);
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

  private Shape shape(int value) {
    return values.get(value).shape();
  }

  /** Appends a layer that reads a value; returns the value it writes. */
  int layer(String prefix, Layer layer, int in) {
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
      case Layer.Linear linear -> {
        int out = dense(prefix, in, linear.activation());
        yield reshape(out, Shape.of(shape(out).get(0), shape(out).channels()));
      }
    };
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
  private int convolution(int in, int weight, Window window, Activation activation, int residual) {
    int channels = parameters.get(weight).shape().channels();
    int out = value(window.output(shape(in), channels));
    steps.add(new Program.Convolution(in, weight, weight + 1, window, activation, residual, out));
    return out;
  }

  private int depthwise(int in, int weight, Window window, Activation activation) {
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

  /** Folds a batch norm into the kernel before it, whose last extent is the norm's channels. */
  private int folded(String name, String norm) {
    Weights.Entry kernel = weights.get(name);
    float[] gamma = weights.get(norm + "gamma").values();
    float[] beta = weights.get(norm + "beta").values();
    float[] mean = weights.get(norm + "mean").values();
    float[] variance = weights.get(norm + "variance").values();
    int channels = kernel.shape().channels();
    double[] factor = new double[channels];
    float[] bias = new float[channels];
    for (int c = 0; c < channels; c++) {
      if (variance[c] < 0) {
        throw new SextantException(
            "%svariance[%d]: %s is negative".formatted(norm, c, variance[c]));
      }
      factor[c] = gamma[c] / Math.sqrt(variance[c] + epsilon);
      bias[c] = normalOrZero(beta[c] - mean[c] * factor[c]);
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
