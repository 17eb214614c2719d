package dev.sextant.bench.libtorch;

import static dev.sextant.bench.libtorch.OpLine.constant;
import static dev.sextant.bench.libtorch.OpLine.image;
import static dev.sextant.bench.libtorch.OpLine.input;
import static dev.sextant.bench.libtorch.OpLine.line;
import static dev.sextant.bench.libtorch.OpLine.plain;
import static dev.sextant.bench.libtorch.OpLine.within;
import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.djl.ndarray.NDArray;
import dev.sextant.autograd.Op;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.ops.Activate;
import dev.sextant.autograd.ops.Add;
import dev.sextant.autograd.ops.AddBias;
import dev.sextant.autograd.ops.AvgPool;
import dev.sextant.autograd.ops.Concat;
import dev.sextant.autograd.ops.Conv2d;
import dev.sextant.autograd.ops.Depthwise;
import dev.sextant.autograd.ops.Dropout;
import dev.sextant.autograd.ops.GlobalAvgPool;
import dev.sextant.autograd.ops.MatMul;
import dev.sextant.autograd.ops.MaxPool;
import dev.sextant.autograd.ops.Multiply;
import dev.sextant.autograd.ops.Narrow;
import dev.sextant.autograd.ops.Rematerialize;
import dev.sextant.autograd.ops.Reshape;
import dev.sextant.autograd.ops.Scale;
import dev.sextant.autograd.ops.ScaleChannels;
import dev.sextant.autograd.ops.SliceChannels;
import dev.sextant.autograd.ops.SoftCrossEntropy;
import dev.sextant.autograd.ops.SoftmaxCrossEntropy;
import dev.sextant.autograd.ops.Sum;
import dev.sextant.bench.libtorch.OpLine.Input;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Every op in one table: its output and the gradient of each input against libtorch in double, on
 * every backend of this machine's processor.
 */
@ExtendWith(Parity.Extension.class)
class OpParityTest {
  private static final float DROPPED = 0.4f;
  private static final long MASK_SEED = 5;

  private static final List<OpLine> TABLE =
      Stream.of(
              elementwise(),
              channels(),
              products(),
              pools(),
              NormLines.lines(),
              SuperkernelLines.lines(),
              losses())
          .flatMap(List::stream)
          .toList();

  private static List<OpLine> elementwise() {
    List<OpLine> table = new ArrayList<>();
    for (int[] extents : new int[][] {{1}, {5, 33}, {2, 3, 5, 17}, {5, 40, 40, 3}}) {
      Input x = plain(extents);
      table.add(
          line(
              Add.class,
              (t, v) -> Add.apply(t, v[0], v[1]),
              "torch.add(x0, x1)",
              TensorRole.PLAIN,
              x,
              x));
      table.add(
          line(
              Multiply.class,
              (t, v) -> Multiply.apply(t, v[0], v[1]),
              "torch.mul(x0, x1)",
              TensorRole.PLAIN,
              x,
              x));
      table.add(
          line(
              Scale.class,
              (t, v) -> Scale.apply(t, v[0], -1.5f),
              "torch.mul(x0, -1.5)",
              TensorRole.PLAIN,
              x));
      table.add(
          line(Sum.class, (t, v) -> Sum.apply(t, v[0]), "torch.sum(x0)", TensorRole.PLAIN, x));
      table.add(
          line(
              Reshape.class,
              (t, v) -> Reshape.apply(t, v[0], Shape.of(v[0].shape().size())),
              "torch.reshape(x0, [-1])",
              TensorRole.PLAIN,
              x));
      table.add(
          line(
              Rematerialize.class,
              (t, v) -> Rematerialize.apply(t, v[0], OpParityTest::segment),
              "torch.sigmoid(torch.mul(x0, x0))",
              TensorRole.PLAIN,
              x));
      table.add(
          line(
              Dropout.class,
              "rate " + DROPPED,
              (t, v) -> Dropout.apply(t, v[0], DROPPED, new Rng(MASK_SEED)),
              "torch.mul(x0, x1)",
              TensorRole.PLAIN,
              x,
              mask(x.shape())));
      for (Activation activation : Activation.values()) {
        table.add(
            line(
                Activate.class,
                activation,
                (t, v) -> Activate.apply(t, v[0], activation),
                "torch.add(%s, 0)".formatted(LayerCode.activation("x0", activation, false)),
                TensorRole.PLAIN,
                within(-5, 8, extents)));
      }
    }
    return table;
  }

  private static Variable segment(Tape tape, Variable x) {
    return Activate.apply(tape, Multiply.apply(tape, x, x), Activation.SIGMOID);
  }

  /** What a dropout of that seed keeps, as its definition says. */
  private static Input mask(Shape shape) {
    Rng rng = new Rng(MASK_SEED);
    float[] mask = new float[shape.size()];
    for (int i = 0; i < mask.length; i++) {
      mask[i] = rng.nextDouble() < DROPPED ? 0 : 1 / (1 - DROPPED);
    }
    return constant(shape, mask);
  }

  private static List<OpLine> channels() {
    List<OpLine> table = new ArrayList<>();
    for (int[] s : new int[][] {{1, 1, 1, 1}, {2, 3, 5, 3}, {5, 4, 3, 17}, {1, 7, 6, 33}}) {
      int n = s[0];
      int c = s[3];
      Input x = image(s);
      table.add(
          line(
              AddBias.class,
              (t, v) -> AddBias.apply(t, v[0], v[1]),
              "torch.add(x0, torch.reshape(x1, [1, -1, 1, 1]))",
              TensorRole.IMAGE,
              x,
              plain(c)));
      table.add(
          line(
              ScaleChannels.class,
              (t, v) -> ScaleChannels.apply(t, v[0], v[1]),
              "torch.mul(x0, torch.unsqueeze(torch.unsqueeze(x1, -1), -1))",
              TensorRole.IMAGE,
              x,
              plain(n, c)));
      table.add(
          line(
              Concat.class,
              Concat::apply,
              "torch.cat([x0, x1, x2], 1)",
              TensorRole.IMAGE,
              x,
              image(n, s[1], s[2], 1),
              image(n, s[1], s[2], 19)));
      table.add(
          line(
              SliceChannels.class,
              (t, v) -> SliceChannels.apply(t, v[0], c / 3, c),
              "torch.narrow(x0, 1, %d, %d)".formatted(c / 3, c - c / 3),
              TensorRole.IMAGE,
              x));
      table.add(
          line(
              GlobalAvgPool.class,
              (t, v) -> GlobalAvgPool.apply(t, v[0]),
              "torch.mean(x0, [2, 3])",
              TensorRole.PLAIN,
              x));
    }
    return table;
  }

  private static List<OpLine> products() {
    List<OpLine> table = new ArrayList<>();
    for (int[] s : new int[][] {{1, 1, 1}, {2, 3, 17}, {5, 33, 1}, {65, 17, 33}, {130, 257, 70}}) {
      table.add(
          line(
              MatMul.class,
              (t, v) -> MatMul.apply(t, v[0], v[1]),
              "torch.mm(x0, x1)",
              TensorRole.PLAIN,
              plain(s[0], s[1]),
              plain(s[1], s[2])));
      int rows = (s[1] + 1) / 2;
      int columns = (s[2] + 1) / 2;
      table.add(
          line(
              Narrow.class,
              (t, v) -> Narrow.apply(t, v[0], rows, columns),
              "torch.narrow(torch.narrow(x0, 0, 0, %d), 1, 0, %d)".formatted(rows, columns),
              TensorRole.PLAIN,
              plain(s[1], s[2])));
    }
    int[][] dense = {{1, 1, 17}, {2, 3, 33}, {5, 17, 3}, {1, 33, 1}};
    int[] channels = {1, 3, 17, 33};
    int[] batches = {2, 1, 5, 1};
    int next = 0;
    for (int stride = 1; stride <= 2; stride++) {
      for (int dilation = 1; dilation <= 2; dilation++) {
        for (int k = 1; k <= 5; k += 2) {
          // Each window twice, with other channels each time; a pointwise one has no dilation.
          for (int i = 0; i < (k == 1 && dilation > 1 ? 0 : 2); i++) {
            int[] s = dense[next++ % dense.length];
            table.add(convolution(Window.same(k, stride, dilation), s[0], 9, 8, s[1], s[2]));
          }
        }
        for (int k = 3; k <= 7; k += 2) {
          for (int i = 0; i < 2; i++) {
            int at = next++ % channels.length;
            table.add(depthwise(Window.same(k, stride, dilation), batches[at], 9, 8, channels[at]));
          }
        }
      }
    }
    // Smaller than the window, and large enough for the threads to share.
    table.add(convolution(Window.same(5, 1), 2, 1, 2, 3, 17));
    table.add(convolution(Window.POINTWISE, 2, 24, 23, 17, 65));
    table.add(convolution(Window.same(3, 1), 2, 24, 23, 17, 33));
    table.add(depthwise(Window.same(7, 2), 2, 1, 2, 17));
    table.add(depthwise(Window.same(5, 1), 2, 24, 23, 65));
    return table;
  }

  private static OpLine convolution(Window window, int n, int h, int w, int in, int out) {
    int k = window.kernel();
    return line(
        Conv2d.class,
        window,
        (t, v) -> Conv2d.apply(t, v[0], v[1], window),
        LayerCode.convolution("x0", "x1", window, 1, "None"),
        TensorRole.IMAGE,
        image(n, h, w, in),
        input(TensorRole.KERNEL, k, k, in, out));
  }

  private static OpLine depthwise(Window window, int n, int h, int w, int channels) {
    int k = window.kernel();
    return line(
        Depthwise.class,
        window,
        (t, v) -> Depthwise.apply(t, v[0], v[1], window),
        LayerCode.convolution("x0", "x1", window, channels, "None"),
        TensorRole.IMAGE,
        image(n, h, w, channels),
        input(TensorRole.DEPTHWISE_KERNEL, k, k, channels));
  }

  private static List<OpLine> pools() {
    List<OpLine> table = new ArrayList<>();
    int[][] images = {{1, 1, 1, 1}, {2, 5, 4, 3}, {5, 7, 6, 17}, {1, 20, 21, 33}};
    List<Window> windows =
        List.of(Window.same(3, 1), Window.same(3, 2), Window.same(5, 1), Window.same(5, 2));
    for (int[] s : images) {
      for (Window window : windows) {
        table.add(
            line(
                MaxPool.class,
                window,
                (t, v) -> MaxPool.apply(t, v[0], window),
                LayerCode.pool("x0", true, window),
                TensorRole.IMAGE,
                image(s)));
        table.add(
            line(
                AvgPool.class,
                window,
                (t, v) -> AvgPool.apply(t, v[0], window),
                LayerCode.pool("x0", false, window),
                TensorRole.IMAGE,
                image(s)));
      }
    }
    return table;
  }

  private static List<OpLine> losses() {
    List<OpLine> table = new ArrayList<>();
    for (int[] s : new int[][] {{1, 1}, {1, 10}, {2, 3}, {5, 17}, {33, 100}}) {
      for (float smoothing : new float[] {0, 0.1f}) {
        table.add(
            line(
                SoftmaxCrossEntropy.class,
                "smoothing " + smoothing,
                (t, v) -> crossEntropy(t, v[0], smoothing),
                // 4 is 64-bit integers.
                TorchOps.crossEntropy("x0", "torch.to(x1, 4, False, False, None)", smoothing),
                TensorRole.PLAIN,
                within(-8, 8, s),
                constant(Shape.of(s[0]), labels(s[0], s[1]))));
      }
      float[] teacher = probabilities(s[0], s[1]);
      table.add(
          line(
              SoftCrossEntropy.class,
              (t, v) -> SoftCrossEntropy.apply(t, v[0], tensor(t, teacher, s)),
              "torch.cross_entropy_loss(x0, x1, None, 1, -100, 0.0)",
              TensorRole.PLAIN,
              within(-8, 8, s),
              constant(Shape.of(s), teacher)));
    }
    return table;
  }

  private static Tensor tensor(Tape tape, float[] values, int[] shape) {
    Tensor tensor = tape.output(Shape.of(shape), "probabilities");
    tape.backend().upload(values, 0, tensor);
    return tensor;
  }

  private static float[] probabilities(int rows, int classes) {
    float[] values = new float[rows * classes];
    for (int row = 0; row < rows; row++) {
      float sum = 0;
      for (int k = 0; k < classes; k++) {
        sum += 1 + (row + 3 * k) % 7;
      }
      for (int k = 0; k < classes; k++) {
        values[row * classes + k] = (1 + (row + 3 * k) % 7) / sum;
      }
    }
    return values;
  }

  private static float[] labels(int rows, int classes) {
    float[] labels = new float[rows];
    for (int i = 0; i < rows; i++) {
      labels[i] = i * 7 % classes;
    }
    return labels;
  }

  private static Variable crossEntropy(Tape tape, Variable logits, float smoothing) {
    Tensor labels = Parity.labels(tape.backend(), logits.shape().get(0), logits.shape().get(1));
    return SoftmaxCrossEntropy.apply(tape, logits, labels, smoothing);
  }

  @TestFactory
  Stream<DynamicTest> equalsLibtorch(Parity parity) {
    return TABLE.stream()
        .map(line -> DynamicTest.dynamicTest(line.toString(), () -> compare(parity, line)));
  }

  private static void compare(Parity parity, OpLine line) {
    String what = line.toString();
    Parity.Answer answer =
        parity.steady(
            what, line.kinks(), (seed, nudge) -> theirs(parity.torch(), line, seed, nudge));
    parity.checkAll(
        what,
        line.inputs().getFirst().shape().size(),
        answer.tensors(),
        backend -> ours(backend, line, answer.seed()));
  }

  private static SequencedMap<String, float[]> theirs(
      Libtorch torch, OpLine line, long seed, int nudge) {
    try (Libtorch.Scope _ = torch.scope()) {
      List<NDArray> inputs = new ArrayList<>();
      List<NDArray> leaves = new ArrayList<>();
      StringBuilder names = new StringBuilder();
      for (Input input : line.inputs()) {
        names.append(names.isEmpty() ? "x" : " x").append(inputs.size());
        float[] values = input.values(seed, inputs.size());
        boolean moves = input.constant() == null;
        NDArray array =
            torch.load(input.kind(), moves ? Parity.nudge(values, nudge) : values, input.shape());
        if (moves) {
          array.setRequiresGradient(true);
          leaves.add(array);
        }
        inputs.add(array);
      }
      NDArray y = torch.evaluate(names.toString(), line.theirs(), inputs.toArray(NDArray[]::new));
      SequencedMap<String, float[]> results = new LinkedHashMap<>();
      float[] output = torch.read(line.output(), y);
      results.put("output", output);
      NDArray dy =
          torch.load(line.output(), gradient(output.length), Parity.shapeHere(line.output(), y));
      List<NDArray> gradients = torch.gradients(List.of(y), leaves, List.of(dy));
      for (int i = 0, at = 0; i < line.inputs().size(); i++) {
        if (line.inputs().get(i).constant() == null) {
          results.put(
              "gradient of x" + at, torch.read(line.inputs().get(i).kind(), gradients.get(at++)));
        }
      }
      return results;
    }
  }

  private static float[] gradient(int size) {
    return Parity.uniform(77, size, -1, 1);
  }

  private static SequencedMap<String, float[]> ours(Backend backend, OpLine line, long seed) {
    List<Tensor> tensors = new ArrayList<>();
    for (int i = 0; i < line.inputs().size(); i++) {
      Input input = line.inputs().get(i);
      if (input.constant() == null) {
        tensors.add(Parity.tensor(backend, input.shape(), input.values(seed, i)));
      }
    }
    SequencedMap<String, float[]> results = new LinkedHashMap<>();
    try (Tape tape = new Tape(backend, Tape.Mode.TRAIN_STATELESS)) {
      Variable[] leaves = tensors.stream().map(tape::leaf).toArray(Variable[]::new);
      Variable y = line.ours().apply(tape, leaves);
      results.put("output", Parity.array(backend, y.value()));
      Tensor dy = tape.output(y.shape(), "dy");
      backend.upload(gradient(y.shape().size()), 0, dy);
      tape.backward(y, dy);
      for (int i = 0; i < leaves.length; i++) {
        results.put("gradient of x" + i, Parity.array(backend, leaves[i].gradient()));
      }
    }
    tensors.forEach(Tensor::close);
    return results;
  }

  @Test
  void everyOpHasALine() throws Exception {
    Set<String> inTable = new TreeSet<>();
    TABLE.forEach(line -> inTable.add(line.op().getSimpleName()));
    assertEquals(Parity.publicClasses(Add.class, Op.class), inTable);
  }
}
