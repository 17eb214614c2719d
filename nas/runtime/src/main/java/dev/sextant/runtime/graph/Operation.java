package dev.sextant.runtime.graph;

import dev.sextant.tensor.Activation;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Window;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * One operation of a {@link Graph}: its shape rule, its weights and its multiply-adds.
 * Multiply-adds are those of convolution and linear weights only; batch norm, bias, activation,
 * pooling and addition count 0.
 */
public sealed interface Operation {
  /**
   * {@return the output's shape}
   *
   * @param layer what errors call the layer
   * @param inputs the inputs' shapes
   * @throws SextantException if the inputs do not fit
   */
  Shape output(String layer, List<Shape> inputs);

  /**
   * {@return what it reads besides its inputs, in order}
   *
   * @param inputs the inputs' shapes
   */
  default List<Weight> weights(List<Shape> inputs) {
    return List.of();
  }

  /**
   * {@return the multiply-adds for the whole batch}
   *
   * @param inputs the inputs' shapes
   */
  default long macs(List<Shape> inputs) {
    return 0;
  }

  /**
   * A tensor of weights.
   *
   * @param name below the layer's, as in {@code expand_norm.gamma}
   * @param extents its shape, which may be larger than a tensor can be
   * @param trained whether it is a parameter, or else a statistic
   */
  record Weight(String name, List<Integer> extents, boolean trained) {
    /**
     * {@return a parameter}
     *
     * @param name below the layer's
     * @param extents of the weight
     */
    public static Weight of(String name, Integer... extents) {
      return new Weight(name, List.of(extents), true);
    }

    /** {@return its number of elements} */
    public long size() {
      long size = 1;
      for (int extent : extents) {
        size *= extent;
      }
      return size;
    }

    /** {@return its shape} */
    public Shape shape() {
      return Shape.of(extents.stream().mapToInt(Integer::intValue).toArray());
    }
  }

  /**
   * Convolution, [batch norm or bias], activation, [plus a second input].
   *
   * @param name of the weight, {@code [k, k, in / groups, out]}, without {@code .weight}; may be
   *     empty
   * @param norm of the batch norm behind it; null where there is none
   * @param bias whether it has a bias, which a batch norm makes needless
   * @param out output channels
   * @param window kernel size, stride, padding and dilation
   * @param groups how many parts inputs and outputs fall into, each output reading its own part
   * @param activation which function comes last
   */
  record Convolution(
      String name,
      @Nullable String norm,
      boolean bias,
      int out,
      Window window,
      int groups,
      Activation activation)
      implements Operation {
    @Override
    public Shape output(String layer, List<Shape> inputs) {
      Shape x = image(layer, inputs.getFirst());
      if (x.channels() % groups != 0 || out % groups != 0) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "%s: %d groups do not divide %d and %d channels",
                layer,
                groups,
                x.channels(),
                out));
      }
      Shape output = window.output(x, out);
      if (inputs.size() > 1 && !inputs.get(1).equals(output)) {
        throw new SextantException(
            String.format(Locale.ROOT, "%s: adds %s to %s", layer, inputs.get(1), output));
      }
      return output;
    }

    @Override
    public List<Weight> weights(List<Shape> inputs) {
      int k = window.kernel();
      Weight weight =
          Weight.of(path(name, "weight"), k, k, inputs.getFirst().channels() / groups, out);
      return ended(weight, name, norm, bias, out);
    }

    @Override
    public long macs(List<Shape> inputs) {
      Shape x = inputs.getFirst();
      long taps = (long) window.kernel() * window.kernel() * (x.channels() / groups);
      return taps * window.output(x, out).size();
    }
  }

  /**
   * One kernel for each channel, [batch norm or bias], activation.
   *
   * @param name of the weight, {@code [k, k, C]}, without {@code .weight}; may be empty
   * @param norm of the batch norm behind it; null where there is none
   * @param bias whether it has a bias
   * @param window kernel size, stride, padding and dilation
   * @param activation which function comes last
   */
  record Depthwise(
      String name, @Nullable String norm, boolean bias, Window window, Activation activation)
      implements Operation {
    @Override
    public Shape output(String layer, List<Shape> inputs) {
      Shape x = image(layer, inputs.getFirst());
      return window.output(x, x.channels());
    }

    @Override
    public List<Weight> weights(List<Shape> inputs) {
      int channels = inputs.getFirst().channels();
      int k = window.kernel();
      return ended(Weight.of(path(name, "weight"), k, k, channels), name, norm, bias, channels);
    }

    @Override
    public long macs(List<Shape> inputs) {
      Shape x = inputs.getFirst();
      return (long) window.kernel() * window.kernel() * window.output(x, x.channels()).size();
    }
  }

  /**
   * y = activation(x w + b), {@code [N, C]} to {@code [N, out]}.
   *
   * @param name of the weight and the bias, without {@code .weight}; may be empty
   * @param out output features
   * @param activation which function comes last
   */
  record Linear(String name, int out, Activation activation) implements Operation {
    @Override
    public Shape output(String layer, List<Shape> inputs) {
      Shape x = inputs.getFirst();
      if (x.rank() != 2) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "%s: input must be [N,C], after global-avg-pool (it is %s)",
                layer,
                x));
      }
      return x.withChannels(out);
    }

    @Override
    public List<Weight> weights(List<Shape> inputs) {
      Weight weight = Weight.of(path(name, "weight"), inputs.getFirst().channels(), out);
      return ended(weight, name, null, true, out);
    }

    @Override
    public long macs(List<Shape> inputs) {
      return inputs.getFirst().size() * (long) out;
    }
  }

  /**
   * Maximum or mean over a window; the padding takes no part.
   *
   * @param max whether it is the maximum, not the mean
   * @param window kernel size, stride, padding and dilation
   */
  record Pool(boolean max, Window window) implements Operation {
    @Override
    public Shape output(String layer, List<Shape> inputs) {
      Shape x = image(layer, inputs.getFirst());
      return window.output(x, x.channels());
    }
  }

  /** The mean over the pixels, {@code [N, H, W, C]} to {@code [N, C]}. */
  record GlobalAvgPool() implements Operation {
    @Override
    public Shape output(String layer, List<Shape> inputs) {
      Shape x = image(layer, inputs.getFirst());
      return Shape.of(x.get(0), x.channels());
    }
  }

  /**
   * An activation alone.
   *
   * @param activation which function comes last
   */
  record Activate(Activation activation) implements Operation {
    @Override
    public Shape output(String layer, List<Shape> inputs) {
      return inputs.getFirst();
    }
  }

  /** y[n, h, w, c] = x[n, h, w, c] gate[n, c]. */
  record ScaleChannels() implements Operation {
    @Override
    public Shape output(String layer, List<Shape> inputs) {
      Shape x = image(layer, inputs.getFirst());
      if (!inputs.get(1).equals(Shape.of(x.get(0), x.channels()))) {
        throw new SextantException(
            String.format(
                Locale.ROOT, "%s: a gate of %s does not fit %s", layer, inputs.get(1), x));
      }
      return x;
    }
  }

  /** The sum of two values of one shape. */
  record Add() implements Operation {
    @Override
    public Shape output(String layer, List<Shape> inputs) {
      if (!inputs.get(0).equals(inputs.get(1))) {
        throw new SextantException(
            String.format(Locale.ROOT, "%s: adds %s and %s", layer, inputs.get(0), inputs.get(1)));
      }
      return inputs.getFirst();
    }
  }

  /**
   * Channels {@code from} to {@code to}, exclusive.
   *
   * @param from first channel, from 0
   * @param to the channel behind the last
   */
  record Slice(int from, int to) implements Operation {
    @Override
    public Shape output(String layer, List<Shape> inputs) {
      Shape x = inputs.getFirst();
      if (from < 0 || to <= from || to > x.channels()) {
        throw new SextantException(
            String.format(Locale.ROOT, "%s: %s has no channels %d to %d", layer, x, from, to));
      }
      return x.withChannels(to - from);
    }
  }

  /** Images side by side along the channels. */
  record Concat() implements Operation {
    @Override
    public Shape output(String layer, List<Shape> inputs) {
      Shape first = inputs.getFirst();
      int channels = 0;
      for (Shape input : inputs) {
        if (!input.withChannels(first.channels()).equals(first)) {
          throw new SextantException(
              String.format(Locale.ROOT, "%s: %s do not go side by side", layer, inputs));
        }
        channels += input.channels();
      }
      return first.withChannels(channels);
    }
  }

  /** The channels of values of one shape in turn. */
  record Interleave() implements Operation {
    @Override
    public Shape output(String layer, List<Shape> inputs) {
      Shape first = inputs.getFirst();
      if (!inputs.stream().allMatch(first::equals)) {
        throw new SextantException(
            String.format(Locale.ROOT, "%s: %s have not one shape", layer, inputs));
      }
      return first.withChannels(inputs.size() * first.channels());
    }
  }

  /**
   * What is predicted for each anchor, side by side: box offsets {@code [N, H, W, 4 A]} and logits
   * {@code [N, H, W, L A]} to {@code [N, H W A (4 + L)]}, anchor by anchor.
   *
   * @param anchors at each pixel
   */
  record Predictions(int anchors) implements Operation {
    @Override
    public Shape output(String layer, List<Shape> inputs) {
      Shape boxes = image(layer, inputs.get(0));
      Shape scores = image(layer, inputs.get(1));
      if (boxes.channels() != 4 * anchors
          || scores.channels() % anchors != 0
          || !scores.withChannels(boxes.channels()).equals(boxes)) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "%s: %s and %s are no predictions of %d anchors",
                layer,
                boxes,
                scores,
                anchors));
      }
      long numbers =
          (long) boxes.get(1) * boxes.get(2) * ((long) boxes.channels() + scores.channels());
      if (numbers > Integer.MAX_VALUE) {
        throw new SextantException(
            String.format(Locale.ROOT, "%s: predicts %d numbers, too many", layer, numbers));
      }
      return Shape.of(boxes.get(0), (int) numbers);
    }
  }

  /**
   * Half the height and width: two pointwise convolutions of stride 2, one on the even and one on
   * the odd pixels, side by side, and a batch norm (Liu et al., 2019).
   *
   * @param name what its weights' names start with
   * @param out output channels
   */
  record FactorizedReduction(String name, int out) implements Operation {
    @Override
    public Shape output(String layer, List<Shape> inputs) {
      return Window.same(1, 2).output(image(layer, inputs.getFirst()), out);
    }

    @Override
    public List<Weight> weights(List<Shape> inputs) {
      int in = inputs.getFirst().channels();
      Weight even = Weight.of(path(name, "even.weight"), 1, 1, in, out / 2);
      Weight odd = Weight.of(path(name, "odd.weight"), 1, 1, in, out / 2);
      List<Weight> weights = new ArrayList<>(List.of(even, odd));
      weights.addAll(norm(path(name, "norm"), out));
      return weights;
    }

    @Override
    public long macs(List<Shape> inputs) {
      Shape x = inputs.getFirst();
      return (long) x.channels() * Window.same(1, 2).output(x, out).size();
    }
  }

  /**
   * What no other operation computes.
   *
   * @param kernel computes it
   */
  record Custom(LayerKernel kernel) implements Operation {
    @Override
    public Shape output(String layer, List<Shape> inputs) {
      return kernel.output(inputs);
    }

    @Override
    public List<Weight> weights(List<Shape> inputs) {
      return kernel.weights(inputs);
    }

    @Override
    public long macs(List<Shape> inputs) {
      return kernel.macs(inputs);
    }
  }

  private static Shape image(String layer, Shape input) {
    if (input.rank() != 4) {
      throw new SextantException(
          String.format(
              Locale.ROOT, "%s: input must be an image [N,H,W,C] (it is %s)", layer, input));
    }
    return input;
  }

  private static List<Weight> ended(
      Weight weight, String name, @Nullable String norm, boolean bias, int channels) {
    List<Weight> weights = new ArrayList<>();
    weights.add(weight);
    if (bias) {
      weights.add(Weight.of(path(name, "bias"), channels));
    }
    if (norm != null) {
      weights.addAll(norm(norm, channels));
    }
    return weights;
  }

  private static List<Weight> norm(String name, int channels) {
    return List.of(
        Weight.of(path(name, "gamma"), channels),
        Weight.of(path(name, "beta"), channels),
        new Weight(path(name, "mean"), List.of(channels), false),
        new Weight(path(name, "variance"), List.of(channels), false));
  }

  /**
   * {@return a weight's name below its operation's, which may be empty}
   *
   * @param name the operation's name
   * @param weight the weight's own name
   */
  static String path(String name, String weight) {
    return name.isEmpty() ? weight : name + "." + weight;
  }
}
