package dev.sextant.bench.libtorch;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.djl.ndarray.NDArray;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.nn.AuxiliaryTower;
import dev.sextant.autograd.nn.BatchNorm;
import dev.sextant.autograd.nn.Convolution;
import dev.sextant.autograd.nn.DepthwiseConvolution;
import dev.sextant.autograd.nn.FactorizedReduce;
import dev.sextant.autograd.nn.Identity;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.nn.Linear;
import dev.sextant.autograd.nn.Module;
import dev.sextant.autograd.nn.NormalizedConvolution;
import dev.sextant.autograd.nn.Pooling;
import dev.sextant.autograd.nn.ReluConvolution;
import dev.sextant.autograd.nn.ReluSeparable;
import dev.sextant.autograd.nn.Sequential;
import dev.sextant.autograd.nn.SqueezeExcite;
import dev.sextant.nas.supernet.LayerModule;
import dev.sextant.runtime.layer.Conv;
import dev.sextant.runtime.layer.Depthwise;
import dev.sextant.runtime.layer.Detect;
import dev.sextant.runtime.layer.GlobalAvgPool;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.MbConv;
import dev.sextant.runtime.layer.Pool;
import dev.sextant.runtime.layer.Residual;
import dev.sextant.runtime.layer.Separable;
import dev.sextant.runtime.layer.Shuffle;
import dev.sextant.runtime.layer.Skip;
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
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Every layer in one table against libtorch in double: the output by running statistics, the output
 * by the batch's, the gradients of the input and of every parameter, and the running statistics
 * afterwards.
 */
@ExtendWith(Parity.Extension.class)
@Tag("long")
class LayerParityTest {
  /**
   * A layer on an input.
   *
   * @param activation behind its batch norms or biases
   */
  private record Line(
      Class<? extends Module> layer,
      String name,
      Activation activation,
      Function<Initializer, Module> ours,
      TorchChain.Writer theirs,
      Shape input) {
    private boolean kinks() {
      return activation != Activation.IDENTITY && activation != Activation.SIGMOID;
    }

    private TensorRole kind() {
      return input.rank() == 4 ? TensorRole.IMAGE : TensorRole.PLAIN;
    }

    @Override
    public String toString() {
      return "%s %s %s %s".formatted(layer.getSimpleName(), name, activation, input);
    }
  }

  private static final List<Line> TABLE =
      Stream.of(alone(), convolutions(), blocks(), partsOfCells()).flatMap(List::stream).toList();

  /** Layers that libtorch's peer has as whole layers, in their order of parameters and paths. */
  private static Line line(
      Class<? extends Module> layer,
      Activation activation,
      Function<Initializer, Module> ours,
      Layer theirs,
      int... input) {
    Shape shape = Shape.of(input);
    return new Line(
        layer,
        theirs.toString(),
        activation,
        ours,
        code -> code.layer(theirs, shape.channels(), "x", ""),
        shape);
  }

  /** A layer as the search trains it. */
  private static Line searched(Activation activation, Layer layer, int... input) {
    return line(
        LayerModule.class,
        activation,
        init -> new LayerModule(layer, Shape.of(input), Parity.EPSILON, init),
        layer,
        input);
  }

  private static List<Line> alone() {
    List<Line> table = new ArrayList<>();
    for (int[] s : new int[][] {{2, 1}, {5, 33}, {2, 5, 4, 1}, {1, 3, 2, 17}, {2, 20, 21, 33}}) {
      Shape shape = Shape.of(s);
      int c = shape.channels();
      for (Activation activation : Activation.values()) {
        table.add(
            new Line(
                BatchNorm.class,
                "",
                activation,
                init -> new BatchNorm(init, c, Parity.EPSILON, activation),
                code -> code.norm("x", "", activation),
                shape));
      }
      table.add(line(Identity.class, Activation.IDENTITY, init -> new Identity(), new Skip(), s));
    }
    for (int[] s : new int[][] {{1, 1, 3}, {2, 3, 17}, {5, 33, 10}, {2, 320, 100}}) {
      table.add(
          line(
              Linear.class,
              Activation.IDENTITY,
              init -> new Linear(init, s[1], s[2]),
              new dev.sextant.runtime.layer.Linear(s[2]),
              s[0],
              s[1]));
    }
    for (int[] s : new int[][] {{1, 2, 3, 1, 1}, {2, 5, 4, 17, 3}, {5, 3, 3, 33, 8}}) {
      table.add(
          new Line(
              SqueezeExcite.class,
              "to " + s[4],
              Activation.IDENTITY,
              init -> new SqueezeExcite(init, s[3], s[4]),
              code ->
                  code.squeezeExcite("x", "", new MbConv(3, 1, 1, 1, Activation.RELU, 1, false)),
              Shape.of(s[0], s[1], s[2], s[3])));
    }
    for (int[] s : new int[][] {{1, 1, 1, 3}, {2, 7, 6, 17}}) {
      for (int stride = 1; stride <= 2; stride++) {
        Window window = Window.same(3, stride);
        table.add(
            line(
                Pooling.class,
                Activation.IDENTITY,
                init -> Pooling.max(window),
                new Pool(true, 3, stride),
                s));
        table.add(
            line(
                Pooling.class,
                Activation.IDENTITY,
                init -> Pooling.average(window),
                new Pool(false, 3, stride),
                s));
      }
      table.add(
          line(
              Pooling.class,
              Activation.IDENTITY,
              init -> Pooling.globalAverage(),
              new GlobalAvgPool(),
              s));
    }
    return table;
  }

  private static List<Line> convolutions() {
    List<Line> table = new ArrayList<>();
    int[][] dense = {{2, 1, 17}, {1, 3, 33}, {5, 17, 3}, {2, 33, 1}};
    int next = 0;
    for (int stride = 1; stride <= 2; stride++) {
      for (int k = 1; k <= 5; k += 2) {
        for (Activation activation : Activation.values()) {
          int[] s = dense[next++ % dense.length];
          int dilation = k > 1 && next % 3 == 0 ? 2 : 1;
          Window window = Window.same(k, stride, dilation);
          var bare = new Conv(k, stride, dilation, s[2], false, activation);
          var normalized = new Conv(k, stride, dilation, s[2], true, activation);
          table.add(
              line(
                  Convolution.class,
                  activation,
                  init -> new Convolution(init, s[1], s[2], window, activation),
                  bare,
                  s[0],
                  9,
                  8,
                  s[1]));
          table.add(
              line(
                  NormalizedConvolution.class,
                  activation,
                  init ->
                      new NormalizedConvolution(
                          new Convolution(init, s[1], s[2], window),
                          new BatchNorm(init, s[2], Parity.EPSILON, activation)),
                  normalized,
                  s[0],
                  9,
                  8,
                  s[1]));
        }
      }
      for (int k = 3; k <= 7; k += 2) {
        for (Activation activation : Activation.values()) {
          int[] s = dense[next++ % dense.length];
          int dilation = next % 3 == 0 ? 2 : 1;
          Window window = Window.same(k, stride, dilation);
          table.add(
              line(
                  DepthwiseConvolution.class,
                  activation,
                  init -> new DepthwiseConvolution(init, s[2], window, activation),
                  new Depthwise(k, stride, dilation, false, activation),
                  s[0],
                  9,
                  8,
                  s[2]));
          table.add(
              line(
                  NormalizedConvolution.class,
                  activation,
                  init ->
                      new NormalizedConvolution(
                          new DepthwiseConvolution(init, s[2], window),
                          new BatchNorm(init, s[2], Parity.EPSILON, activation)),
                  new Depthwise(k, stride, dilation, true, activation),
                  s[0],
                  9,
                  8,
                  s[2]));
          table.add(
              searched(
                  activation,
                  new Separable(k, stride, dilation, s[2], activation),
                  s[0],
                  9,
                  8,
                  s[1]));
        }
      }
    }
    return table;
  }

  private static List<Line> blocks() {
    List<Line> table = new ArrayList<>();
    int next = 0;
    int[][] shapes = {{2, 9, 8, 3}, {1, 7, 6, 17}, {5, 5, 4, 1}, {2, 14, 13, 33}};
    for (int k = 3; k <= 7; k += 2) {
      for (int expand : new int[] {1, 3, 6}) {
        for (int stride = 1; stride <= 2; stride++) {
          for (double squeeze : new double[] {0, 0.25}) {
            int[] s = shapes[next % shapes.length];
            Activation activation =
                next % 3 == 0
                    ? Activation.RELU6
                    : next % 3 == 1 ? Activation.HSWISH : Activation.RELU;
            boolean residual = stride == 1 && next % 2 == 0 | squeeze > 0;
            table.add(
                searched(
                    activation,
                    new MbConv(
                        k, stride, expand, residual ? s[3] : 10, activation, squeeze, residual),
                    s));
            next++;
          }
        }
      }
    }
    Layer predictor = new Detect(4, 3, 2, 0.2, 0.4, Activation.RELU6);
    table.add(searched(Activation.RELU6, predictor, 2, 5, 6, 9));
    for (int stride = 1; stride <= 2; stride++) {
      // Half of the channels pass where stride and width stay, else a left branch has them all.
      for (int in : new int[] {34, 3}) {
        Layer unit = new Shuffle(3, stride, 34, Activation.RELU);
        table.add(searched(Activation.RELU, unit, 2, 7, 6, in));
      }
      for (int in : new int[] {12, 5}) {
        table.add(
            searched(
                Activation.RELU, new Residual(3, stride, 0, 1, 12, Activation.RELU), 2, 7, 6, in));
        table.add(
            searched(
                Activation.RELU, new Residual(3, stride, 6, 2, 12, Activation.RELU), 2, 7, 6, in));
      }
      for (int groups = 2; groups <= 3; groups++) {
        for (boolean norm : new boolean[] {true, false}) {
          Layer grouped = new Conv(3, stride, 1, groups, 36, norm, Activation.RELU6);
          table.add(searched(Activation.RELU6, grouped, 2, 9, 8, 6));
        }
      }
    }
    table.add(
        new Line(
            Sequential.class,
            "of two blocks and a classifier",
            Activation.RELU6,
            init ->
                new Sequential(
                    List.of(
                        new LayerModule(BLOCK, Shape.of(2, 9, 8, 3), Parity.EPSILON, init),
                        new LayerModule(BLOCK, Shape.of(2, 9, 8, 17), Parity.EPSILON, init),
                        Pooling.globalAverage(),
                        new Linear(init, 17, 10))),
            code -> {
              String y = code.layer(BLOCK, 3, "x", "0.");
              y = code.layer(BLOCK, 17, y, "1.");
              y = code.layer(new GlobalAvgPool(), 17, y, "2.");
              return code.layer(new dev.sextant.runtime.layer.Linear(10), 17, y, "3.");
            },
            Shape.of(2, 9, 8, 3)));
    return table;
  }

  private static List<Line> partsOfCells() {
    List<Line> table = new ArrayList<>();
    for (int[] s : new int[][] {{2, 8, 6, 3, 4}, {1, 4, 4, 17, 34}}) {
      table.add(
          part(
              FactorizedReduce.class,
              "",
              init -> new FactorizedReduce(init, s[3], s[4], Parity.EPSILON, true),
              code -> CellCode.factorizedReduce(code, "x", ""),
              s));
      table.add(
          part(
              ReluConvolution.class,
              "to " + s[4],
              init -> new ReluConvolution(init, s[3], s[4], Window.POINTWISE, Parity.EPSILON, true),
              code -> CellCode.reluConvolution(code, "x", Window.POINTWISE, ""),
              s));
      for (int k = 3; k <= 5; k += 2) {
        for (int stride = 1; stride <= 2; stride++) {
          Window dilated = Window.same(k, stride, 2);
          int kernel = k;
          int step = stride;
          table.add(
              part(
                  ReluSeparable.class,
                  dilated.toString(),
                  init -> new ReluSeparable(init, s[3], dilated, Parity.EPSILON, true),
                  code -> CellCode.reluSeparable(code, "x", s[3], dilated, ""),
                  s));
          table.add(
              part(
                  ReluSeparable.class,
                  "twice, %d/%d".formatted(k, stride),
                  init -> ReluSeparable.twice(init, s[3], kernel, step, Parity.EPSILON, true),
                  code -> CellCode.separableTwice(code, "x", s[3], kernel, step, ""),
                  s));
        }
      }
    }
    table.add(
        part(
            AuxiliaryTower.class,
            "",
            init -> new AuxiliaryTower(init, 5, 3, Parity.EPSILON),
            code -> CellCode.auxiliaryTower(code, "x"),
            3,
            8,
            8,
            5));
    return table;
  }

  /** On an input of the first four of these numbers. */
  private static Line part(
      Class<? extends Module> layer,
      String name,
      Function<Initializer, Module> ours,
      TorchChain.Writer theirs,
      int... input) {
    Shape shape = Shape.of(input[0], input[1], input[2], input[3]);
    return new Line(layer, name, Activation.RELU, ours, theirs, shape);
  }

  private static final MbConv BLOCK = new MbConv(5, 1, 3, 17, Activation.RELU6, 0, false);

  private static Module module(Backend backend, Line line) {
    Module module = line.ours.apply(new Initializer(backend, new Rng(1)));
    Parity.wake(backend, module, 1);
    return module;
  }

  @TestFactory
  Stream<DynamicTest> equalsLibtorch(Parity parity) {
    return TABLE.stream()
        .map(line -> DynamicTest.dynamicTest(line.toString(), () -> compare(parity, line)));
  }

  private static void compare(Parity parity, Line line) {
    String what = line.toString();
    Parity.Answer answer =
        parity.steady(what, line.kinks(), (seed, nudge) -> theirs(parity, line, seed, nudge));
    parity.checkAll(
        what, line.input.size(), answer.tensors(), backend -> ours(backend, line, answer.seed()));
  }

  private static float[] values(Line line, long seed) {
    return Parity.uniform(seed, line.input.size(), -1, 1);
  }

  private static SequencedMap<String, float[]> theirs(
      Parity parity, Line line, long seed, int nudge) {
    Libtorch torch = parity.torch();
    SequencedMap<String, float[]> results = new LinkedHashMap<>();
    try (Libtorch.Scope _ = torch.scope();
        Module module = module(parity.cpu(1), line)) {
      TorchChain chain =
          new TorchChain(torch, new LayerCode(Parity.EPSILON, true), line.theirs, module.state());
      NDArray x = torch.load(line.kind(), Parity.nudge(values(line, seed), nudge), line.input);
      x.setRequiresGradient(true);
      NDArray evaluated = chain.evaluate(x);
      TensorRole kind = evaluated.getShape().dimension() == 4 ? TensorRole.IMAGE : TensorRole.PLAIN;
      results.put("evaluated", torch.read(kind, evaluated));
      Shape output = Parity.shapeHere(kind, evaluated);
      NDArray dy = torch.load(kind, Parity.uniform(77, output.size(), -1, 1), output);
      List<NDArray> gradients = chain.gradients(x, dy);
      chain.state().forEach((path, value) -> results.put("after it " + path, value));
      results.put("output", torch.read(kind, chain.forward(x)));
      results.put("gradient of x", torch.read(line.kind(), gradients.getFirst()));
      chain
          .read(gradients.subList(1, gradients.size()))
          .forEach((path, gradient) -> results.put("gradient of " + path, gradient));
    }
    return results;
  }

  private static SequencedMap<String, float[]> ours(Backend backend, Line line, long seed) {
    SequencedMap<String, float[]> results = new LinkedHashMap<>();
    try (Module module = module(backend, line);
        Tensor x = Parity.tensor(backend, line.input, values(line, seed))) {
      try (Tape tape = new Tape(backend, Tape.Mode.EVAL)) {
        Variable y = module.forward(tape, tape.constant(x));
        results.put("evaluated", Parity.array(backend, y.value()));
      }
      try (Tape tape = new Tape(backend, Tape.Mode.TRAIN)) {
        Variable leaf = tape.leaf(x);
        Variable y = module.forward(tape, leaf);
        results.put("output", Parity.array(backend, y.value()));
        Tensor dy = tape.output(y.shape(), "dy");
        backend.upload(Parity.uniform(77, y.shape().size(), -1, 1), 0, dy);
        tape.backward(y, dy);
        results.put("gradient of x", Parity.array(backend, leaf.gradient()));
        module
            .parameters()
            .forEach(
                (path, parameter) ->
                    results.put(
                        "gradient of " + path, Parity.array(backend, parameter.gradient())));
      }
      module
          .state()
          .forEach((path, value) -> results.put("after it " + path, Parity.array(backend, value)));
    }
    return results;
  }

  @Test
  void everyLayerHasALine() throws Exception {
    Set<String> inTable = new TreeSet<>();
    TABLE.stream()
        .map(Line::layer)
        .filter(layer -> layer.getPackage() == BatchNorm.class.getPackage())
        .forEach(layer -> inTable.add(layer.getSimpleName()));
    assertEquals(Parity.publicClasses(BatchNorm.class, Module.class), inTable);
  }
}
