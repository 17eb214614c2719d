package dev.sextant.nas.supernet;

import dev.sextant.autograd.Parameter;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.nn.BatchNorm;
import dev.sextant.autograd.nn.Convolution;
import dev.sextant.autograd.nn.DepthwiseConvolution;
import dev.sextant.autograd.nn.FactorizedReduce;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.nn.Linear;
import dev.sextant.autograd.nn.Module;
import dev.sextant.autograd.ops.Activate;
import dev.sextant.autograd.ops.Add;
import dev.sextant.autograd.ops.AvgPool;
import dev.sextant.autograd.ops.Concat;
import dev.sextant.autograd.ops.GlobalAvgPool;
import dev.sextant.autograd.ops.MaxPool;
import dev.sextant.autograd.ops.NormalizedChain;
import dev.sextant.autograd.ops.Reshape;
import dev.sextant.autograd.ops.ScaleChannels;
import dev.sextant.autograd.ops.SliceChannels;
import dev.sextant.runtime.graph.Graph;
import dev.sextant.runtime.graph.Operation;
import dev.sextant.runtime.layer.Detect;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The trainable form of a {@link Layer}, made from its operations. Paths of parameters are those
 * that {@link dev.sextant.runtime.CompiledModel} reads.
 *
 * <p>Convolutions with batch norms of which each is read by the next alone run as one {@link
 * NormalizedChain}: the body of a mobile inverted bottleneck keeps its raw convolution outputs and
 * 2C statistics each, and the inner product with its output is found without writing it.
 */
public final class LayerModule extends Module implements GateCandidate {
  /**
   * A step of the forward pass.
   *
   * @param compute null for a chain of stages
   * @param stages empty but for a chain
   */
  private record Step(
      @Nullable ValueOp compute,
      List<NormalizedChain.ConvNorm> stages,
      List<Integer> inputs,
      int output) {
    boolean isChain() {
      return compute == null;
    }

    @Nullable Integer residual() {
      return isChain() && inputs.size() > 1 ? inputs.get(1) : null;
    }
  }

  private static final float PREDICTOR_DEVIATION = 0.03f;

  private final boolean detects;
  private final float epsilon;
  private final Initializer init;
  private final List<Step> steps = new ArrayList<>();

  /** Values whose last reader a step is, by step. */
  private final int[][] freed;

  private final int output;

  /** Whether the last step adds the input, as a chain's residual. */
  private final boolean shortcut;

  /** The values of a pass, by their index in the graph. */
  private final Variable[] values;

  /**
   * A module with fresh weights.
   *
   * @param layer of one input
   * @param input {@code [N, H, W, C]}, or {@code [N, C]}
   * @param batchNormEpsilon added to the variances of its norms
   * @param init gives the weights, in the memory of its backend
   */
  public LayerModule(Layer layer, Shape input, double batchNormEpsilon, Initializer init) {
    Graph graph = layer.operations(input);
    if (graph.inputs().size() > 1) {
      throw new IllegalArgumentException(layer.label() + " has two inputs");
    }
    detects = layer instanceof Detect;
    epsilon = (float) batchNormEpsilon;
    this.init = init;
    for (Graph.Node node : graph.nodes()) {
      add(graph, node);
    }
    output = graph.output().index();
    values = new Variable[1 + graph.nodes().size()];
    freed = new int[steps.size()][];
    for (int i = 0; i < freed.length; i++) {
      freed[i] = freed(i);
    }
    Integer residual = steps.isEmpty() ? null : steps.getLast().residual();
    shortcut = residual != null && residual == 0;
    if (shortcut) {
      startAsIdentity(steps.getLast());
    }
  }

  /**
   * Sets the last batch norm's gamma to 0, so that the layer starts as the identity (Goyal et al.,
   * 2017). A supernet learns about twice as fast: a path through candidates that have rarely met
   * still carries its input.
   */
  private void startAsIdentity(Step last) {
    init.backend().elementwise().fill(last.stages.getLast().gamma().value(), 0);
  }

  /**
   * Draws the last weights of a predictor of objects as SSDLite has them, with a deviation of
   * {@value #PREDICTOR_DEVIATION}: by their fan-out alone, which is small, they would begin with
   * losses of 25 nats and more.
   */
  private void startQuietly(Convolution predictor, int out) {
    Tensor weight = Objects.requireNonNull(predictor.parameters().get("weight")).value();
    float drawn = (float) Math.sqrt(2.0 / out);
    init.backend().elementwise().scale(weight, PREDICTOR_DEVIATION / drawn, weight);
  }

  private int[] freed(int step) {
    return steps.get(step).inputs.stream()
        .distinct()
        .filter(value -> value != 0 && value != output)
        .filter(
            value ->
                steps.subList(step + 1, steps.size()).stream()
                    .noneMatch(later -> later.inputs.contains(value)))
        .mapToInt(Integer::intValue)
        .toArray();
  }

  private void add(Graph graph, Graph.Node node) {
    List<Integer> in = node.inputs().stream().map(Graph.Value::index).toList();
    int x = in.getFirst();
    int out = node.output().index();
    int channels = node.inputs().getFirst().shape().channels();
    switch (node.operation()) {
      case Operation.Convolution convolution -> convolution(graph, node, convolution, channels);
      case Operation.Depthwise depthwise -> depthwise(graph, node, depthwise, channels);
      case Operation.Linear linear -> {
        Linear module =
            child(linear.name(), new Linear(init, channels, linear.out(), linear.activation()));
        add(in, out, (tape, v) -> module.forward(tape, v[x]));
      }
      case Operation.Pool pool ->
          add(
              in,
              out,
              pool.max()
                  ? (tape, v) -> MaxPool.apply(tape, v[x], pool.window())
                  : (tape, v) -> AvgPool.apply(tape, v[x], pool.window()));
      case Operation.GlobalAvgPool _ -> add(in, out, (tape, v) -> GlobalAvgPool.apply(tape, v[x]));
      case Operation.Activate activate ->
          add(in, out, (tape, v) -> Activate.apply(tape, v[x], activate.activation()));
      case Operation.ScaleChannels _ ->
          add(in, out, (tape, v) -> ScaleChannels.apply(tape, v[x], v[in.get(1)]));
      case Operation.Add _ -> add(in, out, (tape, v) -> Add.apply(tape, v[x], v[in.get(1)]));
      case Operation.Slice slice ->
          add(in, out, (tape, v) -> SliceChannels.apply(tape, v[x], slice.from(), slice.to()));
      case Operation.Concat _ -> {
        Variable[] parts = new Variable[in.size()];
        add(in, out, (tape, v) -> Concat.apply(tape, gather(v, in, parts)));
      }
      case Operation.Interleave _ -> add(in, out, new ValueOp.Interleaving(in));
      case Operation.Predictions predictions ->
          add(in, out, new ValueOp.AnchorRows(predictions.anchors(), in));
      case Operation.FactorizedReduction reduction -> {
        FactorizedReduce module =
            child(
                reduction.name(),
                new FactorizedReduce(init, channels, reduction.out(), epsilon, true));
        add(in, out, (tape, v) -> module.forward(tape, v[x]));
      }
      case Operation.Custom custom -> custom(node, custom, in);
    }
  }

  private void add(List<Integer> inputs, int out, ValueOp compute) {
    steps.add(new Step(compute, List.of(), inputs, out));
  }

  private void convolution(
      Graph graph, Graph.Node node, Operation.Convolution convolution, int in) {
    String norm = convolution.norm();
    int groups = convolution.groups();
    Convolution module =
        child(
            convolution.name(),
            new Convolution(
                init,
                in,
                convolution.out(),
                convolution.window(),
                groups,
                convolution.bias(),
                convolution.bias() ? convolution.activation() : Activation.IDENTITY));
    if (detects && convolution.bias()) {
      startQuietly(module, convolution.out());
    }
    if (norm == null) {
      bare(node, module, convolution.bias() ? Activation.IDENTITY : convolution.activation());
      return;
    }
    BatchNorm behind = norm(norm, convolution.out(), convolution.activation());
    if (groups == 1) {
      chain(graph, node, module.before(behind));
      return;
    }
    List<Integer> inputs = node.inputs().stream().map(Graph.Value::index).toList();
    add(
        inputs,
        node.output().index(),
        (tape, v) -> {
          Variable z = module.forward(tape, v[inputs.getFirst()]);
          Variable residual = inputs.size() > 1 ? v[inputs.get(1)] : null;
          return replace(z, behind.forward(tape, z, residual));
        });
  }

  private void depthwise(Graph graph, Graph.Node node, Operation.Depthwise depthwise, int in) {
    String norm = depthwise.norm();
    if (norm != null) {
      DepthwiseConvolution module =
          child(depthwise.name(), new DepthwiseConvolution(init, in, depthwise.window()));
      chain(graph, node, module.before(norm(norm, in, depthwise.activation())));
      return;
    }
    DepthwiseConvolution module =
        child(
            depthwise.name(),
            depthwise.bias()
                ? new DepthwiseConvolution(init, in, depthwise.window(), depthwise.activation())
                : new DepthwiseConvolution(init, in, depthwise.window()));
    bare(node, module, depthwise.bias() ? Activation.IDENTITY : depthwise.activation());
  }

  private BatchNorm norm(String name, int channels, Activation activation) {
    return child(name, new BatchNorm(init, channels, epsilon, activation));
  }

  /** A convolution without batch norm, what is still to be done behind it, and a second input. */
  private void bare(Graph.Node node, Module module, Activation activation) {
    List<Integer> in = node.inputs().stream().map(Graph.Value::index).toList();
    add(
        in,
        node.output().index(),
        (tape, v) -> {
          Variable y = module.forward(tape, v[in.getFirst()]);
          if (activation != Activation.IDENTITY) {
            y = replace(y, Activate.apply(tape, y, activation));
          }
          return in.size() == 1 ? y : replace(y, Add.apply(tape, y, v[in.get(1)]));
        });
  }

  private static Variable replace(Variable old, Variable next) {
    old.release();
    return next;
  }

  /** Appends a stage: to the chain before it where nothing else reads what that gives. */
  private void chain(Graph graph, Graph.Node node, NormalizedChain.ConvNorm stage) {
    List<Integer> inputs = new ArrayList<>();
    node.inputs().forEach(input -> inputs.add(input.index()));
    List<NormalizedChain.ConvNorm> stages = new ArrayList<>();
    Step before = steps.isEmpty() ? null : steps.getLast();
    if (before != null
        && before.isChain()
        && before.inputs.size() == 1
        && before.output == inputs.getFirst()
        && graph.reads(node.inputs().getFirst()) == 1) {
      stages.addAll(before.stages);
      inputs.set(0, before.inputs.getFirst());
      steps.removeLast();
    }
    stages.add(stage);
    steps.add(new Step(null, List.copyOf(stages), inputs, node.output().index()));
  }

  private void custom(Graph.Node node, Operation.Custom custom, List<Integer> in) {
    List<Shape> shapes = node.inputs().stream().map(Graph.Value::shape).toList();
    List<Parameter> weights = new ArrayList<>();
    for (Operation.Weight weight : custom.kernel().weights(shapes)) {
      Shape shape = weight.shape();
      Parameter parameter =
          shape.rank() < 2
              ? init.constant(shape.size(), 0, Parameter.Role.BIAS)
              : init.heFanOut(shape, shape.size() / shape.get(shape.rank() - 2));
      weights.add(parameter(weight.name(), parameter));
    }
    KernelOp op = new KernelOp(custom.kernel(), in.size());
    Variable[] operands = new Variable[in.size() + weights.size()];
    for (int i = 0; i < weights.size(); i++) {
      operands[in.size() + i] = weights.get(i);
    }
    add(in, node.output().index(), (tape, v) -> op.apply(tape, gather(v, in, operands)));
  }

  private static Variable[] gather(Variable[] values, List<Integer> indices, Variable[] into) {
    for (int i = 0; i < indices.size(); i++) {
      into[i] = values[indices.get(i)];
    }
    return into;
  }

  /** Whether it looks for objects: a chain goes on with its input, not with its output. */
  boolean detects() {
    return detects;
  }

  @Override
  public Variable forward(Tape tape, Variable x) {
    return output == 0 ? Reshape.apply(tape, x, x.shape()) : run(tape, x, steps.size(), true);
  }

  /** The output of the first steps. */
  private Variable run(Tape tape, Variable x, int count, boolean withShortcut) {
    values[0] = x;
    Variable y = x;
    for (int i = 0; i < count; i++) {
      Step step = steps.get(i);
      if (step.compute != null) {
        y = step.compute.run(tape, values);
      } else {
        Integer residual = withShortcut || i < steps.size() - 1 ? step.residual() : null;
        y =
            NormalizedChain.apply(
                tape,
                values[step.inputs.getFirst()],
                step.stages,
                residual == null ? null : values[residual]);
      }
      for (int value : freed[i]) {
        values[value].release();
      }
      values[step.output] = y;
    }
    return y;
  }

  @Override
  public boolean hasShortcut() {
    return shortcut || output == 0;
  }

  /** In training, of a chain that ends in a linear convolution, its output is never written. */
  @Override
  public double innerProduct(Tape tape, Tensor x, Tensor dy) {
    if (output == 0) {
      return 0;
    }
    Step last = steps.getLast();
    boolean folds =
        last.isChain()
            && (last.residual() == null || shortcut)
            && last.stages.getLast().activation() == Activation.IDENTITY
            && last.stages.getLast().w().shape().rank() == 4;
    if (folds && steps.size() == 1) {
      return NormalizedChain.innerProduct(tape, x, last.stages, dy);
    }
    try (Tape probe = tape.probe()) {
      Variable constant = probe.constant(x);
      if (folds) {
        run(probe, constant, steps.size() - 1, true);
        Tensor input = values[last.inputs.getFirst()].value();
        return NormalizedChain.innerProduct(probe, input, last.stages, dy);
      }
      Variable y = run(probe, constant, steps.size(), !shortcut);
      return tape.backend().elementwise().dot(y.value(), dy);
    }
  }
}
