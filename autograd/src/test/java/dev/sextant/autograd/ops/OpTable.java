package dev.sextant.autograd.ops;

import dev.sextant.autograd.GradientCheck;
import dev.sextant.autograd.Samples;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Nesting;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Every op, one line each: how it is called, and the shapes of its inputs to try it on. */
final class OpTable {
  /** How the inputs of an op are drawn. */
  interface Sampling {
    Tensor draw(Backend backend, long seed, Shape shape);
  }

  /** An op, where to try it, and the shapes of its inputs. */
  record Line(Class<?> op, GradientCheck.Function function, Sampling sampling, Shape[]... cases) {}

  private static final Window SAME3 = Window.same(3, 1);
  private static final Window STRIDE2 = Window.same(3, 2);
  private static final Window DILATED = Window.same(3, 1, 2);
  private static final Window LARGE = Window.same(5, 2);
  private static final Window PAIR = new Window(2, 2, 0, 1);

  /** All rows of a depthwise kernel, else all but one. */
  private static int rows(Variable w) {
    Shape shape = w.shape();
    return shape.rank() == 3 || shape.rank() == 1 ? 3 : shape.get(-2) - 1;
  }

  static final List<Line> LINES =
      List.of(
          line(
              Add.class,
              (t, x) -> Add.apply(t, x[0], x[1]),
              of(s(2, 3), s(2, 3)),
              of(s(), s()),
              of(s(0, 4), s(0, 4)),
              of(s(2, 3, 3, 17), s(2, 3, 3, 17))),
          line(
              AddBias.class,
              (t, x) -> AddBias.apply(t, x[0], x[1]),
              of(s(2, 3), s(3)),
              of(s(1, 1), s(1)),
              of(s(0, 5), s(5)),
              of(s(2, 3, 1, 9), s(9))),
          line(
              Multiply.class,
              (t, x) -> Multiply.apply(t, x[0], x[1]),
              of(s(2, 3), s(2, 3)),
              of(s(7), s(7)),
              of(s(0), s(0)),
              of(s(2, 1, 3, 15), s(2, 1, 3, 15))),
          line(
              Scale.class,
              (t, x) -> Scale.apply(t, x[0], -1.5f),
              of(s(2, 3)),
              of(s()),
              of(s(0)),
              of(s(33))),
          line(
              Sum.class,
              (t, x) -> Sum.apply(t, x[0]),
              of(s(2, 3)),
              of(s()),
              of(s(0)),
              of(s(3, 17))),
          line(
              Reshape.class,
              (t, x) -> Reshape.apply(t, x[0], s(x[0].shape().size())),
              of(s(2, 3)),
              of(s()),
              of(s(0, 2)),
              of(s(2, 2, 2, 5))),
          line(
              Concat.class,
              (t, x) -> Concat.apply(t, x),
              of(s(2, 3), s(2, 1), s(2, 9)),
              of(s(4)),
              of(s(2, 0), s(2, 3)),
              of(s(1, 2, 3, 17), s(1, 2, 3, 2))),
          line(
              SliceChannels.class,
              (t, x) -> SliceChannels.apply(t, x[0], 1, x[0].shape().channels()),
              of(s(2, 3)),
              of(s(5, 1)),
              of(s(0, 4)),
              of(s(1, 2, 3, 17))),
          line(
              Narrow.class,
              (t, x) -> Narrow.apply(t, x[0], rows(x[0]), x[0].shape().channels() - 1),
              of(s(2, 3)),
              of(s(5, 2)),
              of(s(9)),
              of(s(3, 3, 18)),
              of(s(1, 1, 17, 33))),
          line(
              MatMul.class,
              (t, x) -> MatMul.apply(t, x[0], x[1]),
              of(s(2, 3), s(3, 4)),
              of(s(1, 1), s(1, 1)),
              of(s(0, 3), s(3, 2)),
              of(s(5, 17), s(17, 9)),
              of(s(3, 1), s(1, 33))),
          line(
              Conv2d.class,
              (t, x) -> Conv2d.apply(t, x[0], x[1], SAME3),
              of(s(2, 4, 5, 3), s(3, 3, 3, 2)),
              of(s(1, 1, 1, 1), s(3, 3, 1, 1)),
              of(s(0, 4, 4, 2), s(3, 3, 2, 3))),
          line(
              Conv2d.class,
              (t, x) -> Conv2d.apply(t, x[0], x[1], STRIDE2),
              of(s(2, 5, 4, 3), s(3, 3, 3, 9)),
              of(s(1, 2, 3, 17), s(3, 3, 17, 2))),
          line(
              Conv2d.class,
              (t, x) -> Conv2d.apply(t, x[0], x[1], Window.POINTWISE),
              of(s(2, 3, 3, 5), s(1, 1, 5, 17)),
              of(s(1, 1, 1, 1), s(1, 1, 1, 1)),
              of(s(0, 3, 3, 2), s(1, 1, 2, 3))),
          line(
              Conv2d.class,
              (t, x) -> Conv2d.apply(t, x[0], x[1], DILATED),
              of(s(1, 5, 6, 2), s(3, 3, 2, 3))),
          line(
              GroupedConv2d.class,
              (t, x) -> GroupedConv2d.apply(t, x[0], x[1], STRIDE2, 2),
              of(s(2, 4, 5, 6), s(3, 3, 3, 4)),
              of(s(0, 4, 4, 2), s(3, 3, 1, 2))),
          line(
              Depthwise.class,
              (t, x) -> Depthwise.apply(t, x[0], x[1], SAME3),
              of(s(2, 4, 5, 3), s(3, 3, 3)),
              of(s(1, 1, 1, 17), s(3, 3, 17)),
              of(s(0, 4, 4, 2), s(3, 3, 2))),
          line(
              Depthwise.class,
              (t, x) -> Depthwise.apply(t, x[0], x[1], LARGE),
              of(s(2, 7, 4, 9), s(5, 5, 9)),
              of(s(1, 2, 3, 1), s(5, 5, 1))),
          line(
              Depthwise.class,
              (t, x) -> Depthwise.apply(t, x[0], x[1], DILATED),
              of(s(1, 5, 6, 15), s(3, 3, 15))),
          line(
              MaxPool.class,
              (t, x) -> MaxPool.apply(t, x[0], STRIDE2),
              Samples::distinct,
              of(s(2, 4, 5, 3)),
              of(s(1, 1, 1, 1)),
              of(s(0, 4, 4, 2)),
              of(s(1, 3, 3, 17))),
          line(
              MaxPool.class,
              (t, x) -> MaxPool.apply(t, x[0], PAIR),
              Samples::distinct,
              of(s(2, 4, 5, 3))),
          line(
              AvgPool.class,
              (t, x) -> AvgPool.apply(t, x[0], STRIDE2),
              of(s(2, 4, 5, 3)),
              of(s(1, 1, 1, 1)),
              of(s(0, 4, 4, 2)),
              of(s(1, 3, 3, 17))),
          line(AvgPool.class, (t, x) -> AvgPool.apply(t, x[0], PAIR), of(s(2, 4, 5, 3))),
          line(
              GlobalAvgPool.class,
              (t, x) -> GlobalAvgPool.apply(t, x[0]),
              of(s(2, 4, 5, 3)),
              of(s(1, 1, 1, 1)),
              of(s(0, 4, 4, 2)),
              of(s(3, 2, 1, 17))),
          line(
              ScaleChannels.class,
              (t, x) -> ScaleChannels.apply(t, x[0], x[1]),
              of(s(2, 2, 3, 5), s(2, 5)),
              of(s(1, 1, 1, 1), s(1, 1)),
              of(s(0, 2, 2, 3), s(0, 3)),
              of(s(1, 2, 1, 17), s(1, 17))),
          line(Activate.class, (t, x) -> Activate.apply(t, x[0], Activation.IDENTITY), of(s(3, 5))),
          line(
              Activate.class,
              (t, x) -> Activate.apply(t, x[0], Activation.RELU),
              Samples::awayFromKinks,
              of(s(3, 17)),
              of(s(0)),
              of(s())),
          line(
              Activate.class,
              (t, x) -> Activate.apply(t, x[0], Activation.RELU6),
              Samples::awayFromKinks,
              of(s(3, 17)),
              of(s(1)),
              of(s(0, 3))),
          line(
              Activate.class,
              (t, x) -> Activate.apply(t, x[0], Activation.HSWISH),
              Samples::awayFromKinks,
              of(s(3, 17)),
              of(s(7))),
          line(
              Activate.class,
              (t, x) -> Activate.apply(t, x[0], Activation.HARD_SIGMOID),
              Samples::awayFromKinks,
              of(s(3, 17)),
              of(s(7))),
          line(
              Activate.class,
              (t, x) -> Activate.apply(t, x[0], Activation.SILU),
              of(s(3, 17)),
              of(s(7))),
          line(
              Activate.class,
              (t, x) -> Activate.apply(t, x[0], Activation.SIGMOID),
              Samples::awayFromKinks,
              of(s(3, 17)),
              of(s(9))),
          line(
              BatchNormActivate.class,
              (t, x) -> norm(t, Activation.SIGMOID, x),
              of(s(5, 3), s(3), s(3)),
              of(s(2, 3, 3, 17), s(17), s(17)),
              of(s(0, 4), s(4), s(4))),
          line(
              BatchNormActivate.class,
              (t, x) -> norm(t, Activation.IDENTITY, x),
              of(s(2, 3, 2, 5), s(5), s(5), s(2, 3, 2, 5)),
              of(s(4, 1), s(1), s(1), s(4, 1))),
          line(
              BatchNormActivate.class,
              (t, x) -> norm(t, Activation.HSWISH, x),
              of(s(2, 2, 2, 3), s(3), s(3))),
          line(
              NormalizedChain.class,
              (t, x) -> chain(t, Activation.SIGMOID, 1, x),
              of(s(2, 3, 2, 3), s(1, 1, 3, 4), s(4), s(4)),
              of(s(2, 4, 3, 2), s(3, 3, 2, 3), s(3), s(3)),
              of(s(2, 4, 3, 2), s(3, 3, 2), s(2), s(2)),
              of(s(0, 4, 3, 2), s(3, 3, 2), s(2), s(2))),
          line(
              NormalizedChain.class,
              (t, x) -> chain(t, Activation.SIGMOID, 3, x),
              of(
                  s(2, 4, 3, 2),
                  s(1, 1, 2, 5),
                  s(5),
                  s(5),
                  s(3, 3, 5),
                  s(5),
                  s(5),
                  s(1, 1, 5, 2),
                  s(2),
                  s(2),
                  s(2, 4, 3, 2))),
          line(
              NormalizedChain.class,
              (t, x) -> chain(t, Activation.HSWISH, 2, x),
              of(s(2, 3, 4, 2), s(5, 5, 2), s(2), s(2), s(3, 3, 2, 3), s(3), s(3))),
          line(
              Superkernel.class,
              OpTable::openSuperkernel,
              of(s(5, 5, 4), s(3)),
              of(s(3, 3, 17), s(2))),
          line(
              SuperkernelGates.class,
              OpTable::openGates,
              of(s(5, 5, 4), s(3)),
              of(s(3, 3, 17), s(2))),
          line(
              GateRows.class,
              (t, x) -> GateRows.groups(t, x[0], x[1], nesting(x[0].shape().rows())),
              of(s(1, 1, 9, 5), s(4)),
              of(s(3, 17), s(4))),
          line(
              GateRows.class,
              (t, x) -> GateRows.layer(t, x[0], x[1], nesting(7)),
              of(s(5), s(4)),
              of(s(1), s(4))),
          line(
              Dropout.class,
              (t, x) -> Dropout.apply(t, x[0], 0.4f, new Rng(5)),
              of(s(3, 17)),
              of(s(0)),
              of(s(2, 50, 50))),
          line(
              DropPath.class,
              (t, x) -> DropPath.apply(t, x[0], 0.4f, new Rng(5)),
              of(s(9, 2, 2, 3)),
              of(s(0, 2, 2, 3))),
          line(
              WeightedSum.class,
              (t, x) -> WeightedSum.apply(t, x[0], 1, x[1], x[2]),
              of(s(4), s(2, 3), s(2, 3)),
              of(s(3), s(2, 2, 2, 17), s(2, 2, 2, 17)),
              of(s(3), s(0, 2), s(0, 2))),
          line(
              ShuffleChannels.class,
              (t, x) -> ShuffleChannels.apply(t, x[0], 3),
              of(s(2, 6)),
              of(s(2, 2, 3, 12)),
              of(s(0, 3))),
          line(
              Rematerialize.class,
              (t, x) -> Rematerialize.apply(t, x[0], OpTable::segment),
              of(s(3, 17)),
              of(s(1, 1))),
          line(
              SoftmaxCrossEntropy.class,
              (t, x) -> crossEntropy(t, x[0], 0),
              of(s(3, 4)),
              of(s(1, 1)),
              of(s(7, 17))),
          line(
              SoftmaxCrossEntropy.class,
              (t, x) -> crossEntropy(t, x[0], 0.1f),
              of(s(3, 4)),
              of(s(0, 3)),
              of(s(1, 10))),
          line(
              SoftCrossEntropy.class,
              (t, x) -> SoftCrossEntropy.apply(t, x[0], teacher(t, x[0], 1)),
              of(s(3, 4)),
              of(s(1, 1)),
              of(s(0, 3)),
              of(s(7, 17))),
          line(
              Distillation.class,
              (t, x) ->
                  Distillation.apply(
                      t, crossEntropy(t, x[0], 0.1f), x[0], teacher(t, x[0], 3), 3, 0.7f),
              of(s(3, 4)),
              of(s(0, 3)),
              of(s(5, 10))));

  private static Shape s(int... extents) {
    return Shape.of(extents);
  }

  private static Shape[] of(Shape... inputs) {
    return inputs;
  }

  private static Line line(Class<?> op, GradientCheck.Function function, Shape[]... cases) {
    return line(op, function, Samples::uniform, cases);
  }

  private static Line line(
      Class<?> op, GradientCheck.Function function, Sampling sampling, Shape[]... cases) {
    return new Line(op, function, sampling, cases);
  }

  private static Variable norm(Tape tape, Activation activation, Variable... x) {
    Tensor mean = tape.output(x[1].shape(), "mean");
    Tensor variance = tape.output(x[1].shape(), "variance");
    tape.backend().elementwise().fill(mean, 0);
    tape.backend().elementwise().fill(variance, 1);
    return BatchNormActivate.apply(
        tape,
        x[0],
        x[1],
        x[2],
        new BatchNormActivate.Running(mean, variance, 0.1f, 1e-3f),
        activation,
        x.length > 3 ? x[3] : null);
  }

  /** x, then w, gamma and beta of each stage, then perhaps a residual. */
  private static Variable chain(Tape tape, Activation activation, int count, Variable... x) {
    List<NormalizedChain.ConvNorm> stages = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Variable w = x[3 * i + 1];
      Shape vector = x[3 * i + 2].shape();
      Tensor mean = tape.output(vector, "mean");
      Tensor variance = tape.output(vector, "variance");
      tape.backend().elementwise().fill(mean, 0);
      tape.backend().elementwise().fill(variance, 1);
      stages.add(
          new NormalizedChain.ConvNorm(
              w,
              Window.same(w.shape().get(0), 1),
              x[3 * i + 2],
              x[3 * i + 3],
              new BatchNormActivate.Running(mean, variance, 0.1f, 1e-3f),
              i < count - 1 || count == 1 ? activation : Activation.IDENTITY));
    }
    Variable residual = x.length > 3 * count + 1 ? x[3 * count + 1] : null;
    return NormalizedChain.apply(tape, x[0], stages, residual);
  }

  /**
   * With thresholds so low that all gates are open and their sigmoids flat: where they are not, the
   * straight-through gradient is not that of the function ({@link SuperkernelTest}).
   */
  private static Variable openSuperkernel(Tape tape, Variable... x) {
    Nesting nesting = nesting(x[0].shape());
    return Superkernel.apply(
        tape, x[0], low(tape, x[1]), halves(tape, x[1]), nesting, Superkernel.gates(tape, nesting));
  }

  private static Variable openGates(Tape tape, Variable... x) {
    return SuperkernelGates.apply(
        tape, x[0], low(tape, x[1]), halves(tape, x[1]), nesting(x[0].shape()));
  }

  private static Nesting nesting(Shape kernel) {
    int channels = kernel.channels();
    return kernel.get(0) == 5
        ? new Nesting(new int[] {3, 5}, new int[] {channels / 2, channels})
        : new Nesting(new int[] {1, 3}, new int[] {channels});
  }

  /** Two shells, and three groups of these channels. */
  private static Nesting nesting(int channels) {
    return new Nesting(new int[] {3, 5}, new int[] {1, 2, Math.max(3, channels)});
  }

  private static Variable low(Tape tape, Variable x) {
    Tensor low = tape.output(x.shape(), "low");
    tape.backend().elementwise().fill(low, -50);
    return Add.apply(tape, x, tape.constant(low));
  }

  private static Tensor halves(Tape tape, Variable thresholds) {
    Tensor scales = tape.output(thresholds.shape(), "scales");
    tape.backend().elementwise().fill(scales, 0.5f);
    return scales;
  }

  private static Variable segment(Tape tape, Variable x) {
    return Activate.apply(tape, Multiply.apply(tape, x, x), Activation.SIGMOID);
  }

  private static Variable crossEntropy(Tape tape, Variable logits, float smoothing) {
    int rows = logits.shape().get(0);
    Tensor labels = tape.backend().memory().ints(s(rows), Category.DATA, "labels");
    int[] values = new int[rows];
    Arrays.setAll(values, i -> i * 7 % logits.shape().get(1));
    tape.backend().upload(values, 0, labels);
    return SoftmaxCrossEntropy.apply(tape, logits, labels, smoothing);
  }

  private static Tensor teacher(Tape tape, Variable logits, float temperature) {
    Tensor probabilities = tape.output(logits.shape(), "teacher");
    float[] values = new float[probabilities.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = i * 5 % 7 - 3;
    }
    tape.backend().upload(values, 0, probabilities);
    SoftCrossEntropy.softmax(tape.backend(), probabilities, temperature, probabilities);
    return probabilities;
  }

  private OpTable() {}
}
