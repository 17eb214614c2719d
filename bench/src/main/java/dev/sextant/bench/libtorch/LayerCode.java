package dev.sextant.bench.libtorch;

import dev.sextant.runtime.layer.Cell;
import dev.sextant.runtime.layer.Conv;
import dev.sextant.runtime.layer.CustomLayer;
import dev.sextant.runtime.layer.Depthwise;
import dev.sextant.runtime.layer.Detect;
import dev.sextant.runtime.layer.GlobalAvgPool;
import dev.sextant.runtime.layer.Junction;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.Linear;
import dev.sextant.runtime.layer.MbConv;
import dev.sextant.runtime.layer.Pool;
import dev.sextant.runtime.layer.Residual;
import dev.sextant.runtime.layer.Separable;
import dev.sextant.runtime.layer.Shuffle;
import dev.sextant.runtime.layer.Skip;
import dev.sextant.runtime.layer.Zero;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Window;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Writes layers as straight-line TorchScript and notes which parameters it reads, under the paths
 * that this engine's modules give them. Batch norms use the batch's statistics where the variable
 * {@code training} is true, which whoever joins the script sets ({@link #TRAINING}), else the
 * running ones.
 *
 * <p>Activations after a batch norm are in place, as in the published PyTorch code of the networks:
 * less memory and faster than a copy.
 */
final class LayerCode {
  /** Sets what batch norms read. */
  static final String TRAINING = "training = True\n";

  /** As {@link #TRAINING}. */
  static final String EVALUATION = "training = False\n";

  /** Weight of a batch in running statistics, as PyTorch counts it and this engine too. */
  private static final double MOMENTUM = 0.1;

  private final double epsilon;
  private final boolean updatesStatistics;
  private final StringBuilder body = new StringBuilder();
  private final List<String> paths = new ArrayList<>();
  private int variables;

  /**
   * Nothing yet.
   *
   * @param epsilon of batch norms
   * @param updatesStatistics whether batch norms update their running statistics
   */
  LayerCode(double epsilon, boolean updatesStatistics) {
    this.epsilon = epsilon;
    this.updatesStatistics = updatesStatistics;
  }

  /** The statements written so far. */
  String body() {
    return body.toString();
  }

  /** Paths of the parameters and buffers read so far; the i-th is variable {@code p<i>}. */
  List<String> paths() {
    return List.copyOf(paths);
  }

  /** Sets a new variable to an expression; returns its name. */
  String set(String expression) {
    String name = "v" + variables++;
    body.append(name).append(" = ").append(expression).append('\n');
    return name;
  }

  /**
   * Writes a layer.
   *
   * @param in channels of its input
   * @param x the variable that holds its input
   * @param prefix of its parameters' paths, as in {@code layers.3.}
   * @return the variable that holds its output
   */
  String layer(Layer layer, int in, String x, String prefix) {
    return switch (layer) {
      case MbConv block -> {
        String y = blockWithoutShortcut(block, in, x, prefix);
        yield block.residual() ? set(String.format(Locale.ROOT, "torch.add(%s, %s)", y, x)) : y;
      }
      case Conv conv -> {
        String own = conv.batchNorm() ? prefix + "convolution." : prefix;
        String z = convolution(x, own + "weight", conv.window(), conv.groups());
        yield normOrBias(z, conv.batchNorm(), prefix, conv.activation());
      }
      case Depthwise depthwise -> {
        String own = depthwise.batchNorm() ? prefix + "convolution." : prefix;
        String z = convolution(x, own + "weight", depthwise.window(), in);
        yield normOrBias(z, depthwise.batchNorm(), prefix, depthwise.activation());
      }
      case Separable separable -> {
        String z = convolution(x, prefix + "depthwise.weight", separable.window(), in);
        String a = norm(z, prefix + "depthwise_norm.", separable.activation());
        String u = convolution(a, prefix + "pointwise.weight", Window.POINTWISE, 1);
        yield norm(u, prefix + "pointwise_norm.", Activation.IDENTITY);
      }
      case Pool pool -> set(pool(x, pool.max(), pool.window()));
      case Skip _ -> x;
      case Zero _ -> set(String.format(Locale.ROOT, "torch.zeros_like(%s)", x));
      case GlobalAvgPool _ -> set(String.format(Locale.ROOT, "torch.mean(%s, [2, 3])", x));
      case Shuffle unit -> shuffle(unit, in, x, prefix);
      case Residual block -> residual(block, in, x, prefix);
      case Detect detect -> {
        String boxes = predictor(detect, in, x, prefix + "box", Detect.BOX);
        String scores = predictor(detect, in, x, prefix + "class", 1 + detect.classes());
        String both = set(String.format(Locale.ROOT, "torch.cat([%s, %s], 3)", boxes, scores));
        yield set(String.format(Locale.ROOT, "torch.flatten(%s, 1, 3)", both));
      }
      case Cell _, Junction _, CustomLayer _ ->
          throw new IllegalArgumentException("no script is written of " + layer.label());
      case Linear _ -> linear(x, prefix);
    };
  }

  /** Of each anchor some numbers: {@code [N, H W, anchors, numbers]}. */
  private String predictor(Detect detect, int in, String x, String name, int numbers) {
    Window window = Window.same(detect.kernel(), 1);
    String z = convolution(x, name + "_depthwise.weight", window, in);
    String a = norm(z, name + "_depthwise_norm.", detect.activation());
    String y = convolution(a, name + ".weight", Window.POINTWISE, 1);
    String biased = normOrBias(y, false, name + ".", Activation.IDENTITY);
    String last =
        set(
            String.format(
                Locale.ROOT, "torch.flatten(torch.permute(%s, [0, 2, 3, 1]), 1, 2)", biased));
    return set(
        String.format(
            Locale.ROOT, "torch.unflatten(%s, 2, [%d, %d])", last, detect.anchors(), numbers));
  }

  private String residual(Residual block, int in, String x, String prefix) {
    Window window = Window.same(block.kernel(), block.stride());
    boolean three = block.bottleneck() > 0;
    String z = convolution(x, prefix + "first.weight", three ? Window.POINTWISE : window, 1);
    String a = norm(z, prefix + "first_norm.", block.activation());
    Window next = three ? window : Window.same(block.kernel(), 1);
    z = convolution(a, prefix + "second.weight", next, block.groups());
    a = norm(z, prefix + "second_norm.", three ? block.activation() : Activation.IDENTITY);
    if (three) {
      z = convolution(a, prefix + "third.weight", Window.POINTWISE, 1);
      a = norm(z, prefix + "third_norm.", Activation.IDENTITY);
    }
    String shortcut = x;
    if (block.stride() > 1 || in != block.out()) {
      z = convolution(x, prefix + "shortcut.weight", Window.same(1, block.stride()), 1);
      shortcut = norm(z, prefix + "shortcut_norm.", Activation.IDENTITY);
    }
    String sum = set(String.format(Locale.ROOT, "torch.add(%s, %s)", a, shortcut));
    return set(activation(sum, block.activation(), true));
  }

  private String shuffle(Shuffle unit, int in, String x, String prefix) {
    int half = unit.out() / 2;
    Window window = Window.same(unit.kernel(), unit.stride());
    boolean passes = unit.stride() == 1 && in == unit.out();
    String y = passes ? set(String.format(Locale.ROOT, "%s[:, %d:]", x, half)) : x;
    String z = convolution(y, prefix + "reduce.weight", Window.POINTWISE, 1);
    String a = norm(z, prefix + "reduce_norm.", unit.activation());
    String d = convolution(a, prefix + "depthwise.weight", window, half);
    String n = norm(d, prefix + "depthwise_norm.", Activation.IDENTITY);
    String p = convolution(n, prefix + "project.weight", Window.POINTWISE, 1);
    String right = norm(p, prefix + "project_norm.", unit.activation());
    String left;
    if (passes) {
      left = set(String.format(Locale.ROOT, "%s[:, :%d]", x, half));
    } else {
      String e = convolution(x, prefix + "left_depthwise.weight", window, in);
      String m = norm(e, prefix + "left_depthwise_norm.", Activation.IDENTITY);
      String q = convolution(m, prefix + "left_project.weight", Window.POINTWISE, 1);
      left = norm(q, prefix + "left_project_norm.", unit.activation());
    }
    return set(
        String.format(Locale.ROOT, "torch.flatten(torch.stack([%s, %s], 2), 1, 2)", left, right));
  }

  /** Writes an MBConv without the addition of its input. */
  String blockWithoutShortcut(MbConv block, int in, String x, String prefix) {
    String h = x;
    if (block.expand() > 1) {
      String z = convolution(x, prefix + "expand.weight", Window.POINTWISE, 1);
      h = norm(z, prefix + "expand_norm.", block.activation());
    }
    String z = convolution(h, prefix + "depthwise.weight", block.window(), block.expanded(in));
    String a = norm(z, prefix + "depthwise_norm.", block.activation());
    if (block.squeezed(in) > 0) {
      a = squeezeExcite(a, prefix + "squeeze.", block);
    }
    String projected = convolution(a, prefix + "project.weight", Window.POINTWISE, 1);
    return norm(projected, prefix + "project_norm.", Activation.IDENTITY);
  }

  /** Writes the squeeze-and-excite of a block. */
  String squeezeExcite(String x, String prefix, MbConv block) {
    String mean = set(String.format(Locale.ROOT, "torch.mean(%s, [2, 3])", x));
    String hidden =
        set(activation(linear(mean, prefix + "reduce."), block.squeezeActivation(), true));
    String gate = set(activation(linear(hidden, prefix + "expand."), block.gate(), true));
    return set(
        String.format(
            Locale.ROOT, "torch.mul(%s, torch.unsqueeze(torch.unsqueeze(%s, -1), -1))", x, gate));
  }

  /** Writes a linear layer. */
  String linear(String x, String prefix) {
    return set(
        String.format(
            Locale.ROOT,
            "torch.linear(%s, %s, %s)",
            x,
            parameter(prefix + "weight"),
            parameter(prefix + "bias")));
  }

  /** Writes what follows a convolution. */
  String normOrBias(String z, boolean batchNorm, String prefix, Activation activation) {
    if (batchNorm) {
      return norm(z, prefix + "norm.", activation);
    }
    String bias =
        String.format(Locale.ROOT, "torch.reshape(%s, [1, -1, 1, 1])", parameter(prefix + "bias"));
    return set(
        activation(
            set(String.format(Locale.ROOT, "torch.add(%s, %s)", z, bias)), activation, true));
  }

  /** Writes a convolution without a bias; {@code weight} is its path. */
  String convolution(String x, String weight, Window window, int groups) {
    return set(convolution(x, parameter(weight), window, groups, "None"));
  }

  /** Writes a batch norm and its activation. */
  String norm(String z, String prefix, Activation activation) {
    String statistics =
        updatesStatistics
            ? parameter(prefix + "mean") + ", " + parameter(prefix + "variance")
            : "None, None";
    String y =
        set(
            String.format(
                Locale.ROOT,
                "torch.batch_norm(%s, %s, %s, %s, training, %s, %s, True)",
                z,
                parameter(prefix + "gamma"),
                parameter(prefix + "beta"),
                statistics,
                MOMENTUM,
                epsilon));
    return activation == Activation.IDENTITY ? y : set(activation(y, activation, true));
  }

  /** A variable that holds the parameter or buffer of that path. */
  String parameter(String path) {
    paths.add(path);
    return "p" + (paths.size() - 1);
  }

  /** A convolution; {@code groups} is 1 or, for a depthwise one, the number of channels. */
  static String convolution(String x, String w, Window window, int groups, String bias) {
    return String.format(
        Locale.ROOT, "torch.conv2d(%s, %s, %s, %s, %d)", x, w, bias, steps(window), groups);
  }

  /** Stride, padding and dilation, as TorchScript's convolutions take them. */
  static String steps(Window window) {
    return String.format(
        Locale.ROOT,
        "%s, %s, %s",
        square(window.stride()),
        square(window.padding()),
        square(window.dilation()));
  }

  private static String square(int extent) {
    return String.format(Locale.ROOT, "[%d, %d]", extent, extent);
  }

  /** A pooling; padding takes no part. */
  static String pool(String x, boolean max, Window window) {
    String sizes =
        String.format(
            Locale.ROOT,
            "%s, %s, %s",
            square(window.kernel()),
            square(window.stride()),
            square(window.padding()));
    return max
        ? String.format(
            Locale.ROOT, "torch.max_pool2d(%s, %s, %s, False)", x, sizes, square(window.dilation()))
        : String.format(Locale.ROOT, "torch.avg_pool2d(%s, %s, False, False, None)", x, sizes);
  }

  /**
   * An activation, in place where asked and where that costs libtorch nothing: the gradients of
   * ReLU6 and h-swish read the input, of which an operation in place would save a copy.
   */
  static String activation(String x, Activation activation, boolean inPlace) {
    String end = inPlace ? "_" : "";
    return switch (activation) {
      case IDENTITY -> x;
      case RELU -> String.format(Locale.ROOT, "torch.relu%s(%s)", end, x);
      case RELU6 -> String.format(Locale.ROOT, "torch.hardtanh(%s, 0., 6.)", x);
      case HSWISH -> String.format(Locale.ROOT, "torch.hardswish(%s)", x);
      case SIGMOID -> String.format(Locale.ROOT, "torch.sigmoid%s(%s)", end, x);
      case HARD_SIGMOID -> String.format(Locale.ROOT, "torch.hardsigmoid(%s)", x);
      case SILU -> String.format(Locale.ROOT, "torch.silu(%s)", x);
    };
  }
}
