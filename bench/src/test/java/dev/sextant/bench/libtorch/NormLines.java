package dev.sextant.bench.libtorch;

import static dev.sextant.bench.libtorch.OpLine.image;
import static dev.sextant.bench.libtorch.OpLine.input;
import static dev.sextant.bench.libtorch.OpLine.line;
import static dev.sextant.bench.libtorch.OpLine.within;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.ops.BatchNormActivate;
import dev.sextant.autograd.ops.NormalizedChain;
import dev.sextant.bench.libtorch.OpLine.Input;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** Batch norms, and convolutions each followed by one. */
final class NormLines {
  private NormLines() {}

  static List<OpLine> lines() {
    List<OpLine> table = new ArrayList<>();
    for (Activation activation : Activation.values()) {
      for (int[] s : new int[][] {{1, 3, 2, 1}, {2, 5, 4, 3}, {5, 3, 3, 17}, {2, 20, 21, 33}}) {
        Input z = image(s);
        Input gamma = within(0.7, 1.3, s[3]);
        Input beta = within(-0.5, 0.5, s[3]);
        String theirs = normalized("x0", "x1", "x2", activation);
        table.add(
            line(
                BatchNormActivate.class,
                activation,
                (t, v) -> norm(t, activation, v),
                theirs,
                TensorRole.IMAGE,
                z,
                gamma,
                beta));
        table.add(
            line(
                BatchNormActivate.class,
                activation,
                (t, v) -> norm(t, activation, v),
                "torch.add(%s, x3)".formatted(theirs),
                TensorRole.IMAGE,
                z,
                gamma,
                beta,
                z));
      }
      table.add(chain(activation, false, 2, 5, 4, stage(5, 1, 3)));
      table.add(chain(activation, false, 5, 4, 3, stage(1, 1, 1, 17)));
      table.add(chain(activation, false, 1, 7, 6, stage(3, 2, 3, 33)));
      if (activation == Activation.IDENTITY) {
        // What a norm adds before another one cancels: its gradient would be rounding noise.
        continue;
      }
      table.add(chain(activation, false, 2, 6, 5, stage(3, 1, 17), stage(1, 1, 17, 3)));
      table.add(
          chain(
              activation,
              false,
              2,
              7,
              5,
              stage(1, 1, 3, 17),
              stage(7, 2, 17),
              stage(1, 1, 17, 33)));
      table.add(
          chain(
              activation,
              true,
              2,
              12,
              11,
              stage(1, 1, 17, 33),
              stage(5, 1, 33),
              stage(1, 1, 33, 17)));
    }
    return table;
  }

  private static String normalized(String z, String gamma, String beta, Activation activation) {
    String norm =
        "torch.batch_norm(%s, %s, %s, None, None, True, 0.1, %s, True)"
            .formatted(z, gamma, beta, (double) Parity.EPSILON);
    return LayerCode.activation(norm, activation, false);
  }

  private static Variable norm(Tape tape, Activation activation, Variable... x) {
    BatchNormActivate.Running running = running(tape, x[1].shape());
    Variable residual = x.length > 3 ? x[3] : null;
    return BatchNormActivate.apply(tape, x[0], x[1], x[2], running, activation, residual);
  }

  private static BatchNormActivate.Running running(Tape tape, Shape channels) {
    Tensor mean = tape.output(channels, "mean");
    Tensor variance = tape.output(channels, "variance");
    tape.backend().elementwise().fill(mean, 0);
    tape.backend().elementwise().fill(variance, 1);
    return new BatchNormActivate.Running(mean, variance, 0.1f, Parity.EPSILON);
  }

  /** A convolution of a chain: its window and kernel. */
  private record ChainConvolution(Window window, Input kernel) {
    private int in() {
      return kernel.shape().get(2);
    }

    private int out() {
      return kernel.shape().channels();
    }

    private int groups() {
      return kernel.kind() == TensorRole.KERNEL ? 1 : in();
    }
  }

  /** One channel extent for a depthwise convolution, two for a dense one. */
  private static ChainConvolution stage(int k, int stride, int... channels) {
    int[] extents = IntStream.concat(IntStream.of(k, k), IntStream.of(channels)).toArray();
    TensorRole kind = channels.length == 1 ? TensorRole.DEPTHWISE_KERNEL : TensorRole.KERNEL;
    return new ChainConvolution(Window.same(k, stride), input(kind, extents));
  }

  /** The last of several stages has no activation. */
  private static OpLine chain(
      Activation activation, boolean residual, int n, int h, int w, ChainConvolution... stages) {
    List<Input> inputs = new ArrayList<>();
    inputs.add(image(n, h, w, stages[0].in()));
    String theirs = "x0";
    for (ChainConvolution stage : stages) {
      int at = inputs.size();
      Activation own = activation(activation, at / 3, stages.length);
      inputs.add(stage.kernel);
      inputs.add(within(0.7, 1.3, stage.out()));
      inputs.add(within(-0.5, 0.5, stage.out()));
      String z = LayerCode.convolution(theirs, "x" + at, stage.window, stage.groups(), "None");
      theirs = normalized(z, "x" + (at + 1), "x" + (at + 2), own);
    }
    if (residual) {
      theirs = "torch.add(%s, x%d)".formatted(theirs, inputs.size());
      inputs.add(inputs.getFirst());
    }
    return new OpLine(
        NormalizedChain.class,
        (t, v) -> chain(t, activation, stages, v),
        theirs,
        TensorRole.IMAGE,
        activation.toString(),
        inputs);
  }

  private static Activation activation(Activation activation, int stage, int stages) {
    return stage < stages - 1 || stages == 1 ? activation : Activation.IDENTITY;
  }

  private static Variable chain(
      Tape tape, Activation activation, ChainConvolution[] stages, Variable... x) {
    List<NormalizedChain.ConvNorm> ours = new ArrayList<>();
    for (int i = 0; i < stages.length; i++) {
      Variable gamma = x[3 * i + 2];
      ours.add(
          new NormalizedChain.ConvNorm(
              x[3 * i + 1],
              stages[i].window,
              gamma,
              x[3 * i + 3],
              running(tape, gamma.shape()),
              activation(activation, i, stages.length)));
    }
    Variable residual = x.length > 3 * stages.length + 1 ? x[3 * stages.length + 1] : null;
    return NormalizedChain.apply(tape, x[0], ours, residual);
  }
}
