package dev.sextant.nas.supernet;

import dev.sextant.autograd.Parameter;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.ops.Activate;
import dev.sextant.autograd.ops.Add;
import dev.sextant.autograd.ops.Conv2d;
import dev.sextant.autograd.ops.Depthwise;
import dev.sextant.autograd.ops.GlobalAvgPool;
import dev.sextant.autograd.ops.MatMul;
import dev.sextant.autograd.ops.Rematerialize;
import dev.sextant.autograd.ops.Reshape;
import dev.sextant.autograd.ops.Scale;
import dev.sextant.autograd.ops.ScaleChannels;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.MbConv;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Window;
import java.util.ArrayList;
import java.util.List;
import java.util.SequencedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * One inverted bottleneck for all candidates of a choice (TuNAS's operation collapsing): the
 * pointwise convolutions are shared by all kernel sizes and expansions, each kernel size has its
 * own depthwise convolution and batch norm.
 */
final class SharedBlock extends SharedKernels {
  private record DepthwiseKernel(Parameter weight, Norm norm) {}

  private record Gate(Parameter reduce, Parameter reduceBias, Parameter expand, Parameter bias) {}

  private final @Nullable Parameter expand;
  private final @Nullable Norm expandNorm;
  private final SequencedMap<Integer, DepthwiseKernel> depthwise = new TreeMap<>();
  private final @Nullable Gate gate;
  private final Parameter project;
  private final Norm projectNorm;
  private final Averaging averaging;
  private @Nullable Layer selected;

  /** The block that averages of squeeze-and-excite take the gate's width from. */
  private final MbConv squeezed;

  private Averages averages = Averages.NONE;

  /**
   * A block with fresh weights.
   *
   * @param candidates blocks, of the largest widths, and perhaps skip
   * @param in largest number of input channels
   */
  SharedBlock(
      List<Layer> candidates, int in, double epsilon, Averaging averaging, Initializer init) {
    super(epsilon);
    this.averaging = averaging;
    List<MbConv> blocks = new ArrayList<>();
    for (Layer candidate : candidates) {
      if (candidate instanceof MbConv block) {
        blocks.add(block);
      }
    }
    MbConv any = blocks.getFirst();
    int mid = blocks.stream().mapToInt(block -> block.expanded(in)).max().orElseThrow();
    int hidden = blocks.stream().mapToInt(block -> block.squeezed(in)).max().orElseThrow();
    squeezed = blocks.stream().filter(b -> b.squeezeExcite() > 0).findFirst().orElse(any);
    boolean expands = blocks.stream().anyMatch(block -> block.expand() > 1);
    expand =
        expands ? parameter("expand.weight", init.heFanOut(Shape.of(1, 1, in, mid), mid)) : null;
    expandNorm = expands ? norm(init, "expand_norm", mid) : null;
    for (MbConv block : blocks) {
      int k = block.kernel();
      if (!depthwise.containsKey(k)) {
        Parameter weight =
            parameter(
                "depthwise_" + k + ".weight", init.heFanOut(Shape.of(k, k, mid), k * k * mid));
        depthwise.put(k, new DepthwiseKernel(weight, norm(init, "depthwise_norm_" + k, mid)));
      }
    }
    gate =
        hidden == 0
            ? null
            : new Gate(
                parameter(
                    "squeeze.reduce.weight",
                    init.uniform(Shape.of(mid, hidden), 1 / Math.sqrt(mid))),
                parameter("squeeze.reduce.bias", init.constant(hidden, 0, Parameter.Role.BIAS)),
                parameter(
                    "squeeze.expand.weight",
                    init.uniform(Shape.of(hidden, mid), 1 / Math.sqrt(hidden))),
                parameter("squeeze.expand.bias", init.constant(mid, 0, Parameter.Role.BIAS)));
    project = parameter("project.weight", init.heFanOut(Shape.of(1, 1, mid, any.out()), any.out()));
    projectNorm = norm(init, "project_norm", any.out());
    if (any.residual()) {
      // The block starts as the identity, as those with weights of their own do.
      init.backend().elementwise().fill(projectNorm.gamma().value(), 0);
    }
  }

  @Override
  void setCandidate(Layer candidate, Averages what) {
    selected = candidate;
    averages = what;
  }

  @Override
  @Nullable Parameter source(Layer candidate, String path) {
    if (!(candidate instanceof MbConv block)) {
      return null;
    }
    String own = path.replaceFirst("^depthwise(_norm)?\\.", "depthwise$1_" + block.kernel() + ".");
    return parameters().get(own);
  }

  @Override
  public Variable forward(Tape tape, Variable x) {
    return switch (selected) {
      case MbConv block ->
          averages.any()
              ? averaging.run(tape, x, (inside, input) -> block(inside, input, block))
              : block(tape, x, block);
      case null, default -> Reshape.apply(tape, x, x.shape());
    };
  }

  private Variable block(Tape tape, Variable x, MbConv block) {
    int in = x.shape().channels();
    int mid = block.expanded(in);
    Variable h = x;
    if (block.expand() > 1 && expand != null && expandNorm != null) {
      Variable w = narrow(tape, expand, in, mid);
      Variable z = Conv2d.apply(tape, x, w, Window.POINTWISE);
      w.release();
      h = normalize(tape, z, expandNorm, block.activation(), null);
    }
    Variable a =
        averages.kernels()
            ? Averaging.KEPT.mean(tape, h, kernels(block))
            : depthwise(tape, h, block, block.kernel());
    if (h != x) {
      h.release();
    }
    if (averages.squeezes()) {
      MbConv gated = withSqueeze(block);
      Variable mean =
          Averaging.KEPT.mean(
              tape,
              a,
              List.of(
                  (inside, y) -> Reshape.apply(inside, y, y.shape()),
                  (inside, y) -> squeeze(inside, y, gated, in)));
      a.release();
      a = mean;
    } else if (block.squeezeExcite() > 0) {
      Variable gated = squeeze(tape, a, block, in);
      a.release();
      a = gated;
    }
    Variable w = narrow(tape, project, mid, block.out());
    Variable z = Conv2d.apply(tape, a, w, Window.POINTWISE);
    w.release();
    a.release();
    return averages.skip()
        ? half(tape, x, normalize(tape, z, projectNorm, Activation.IDENTITY, null), block)
        : normalize(tape, z, projectNorm, Activation.IDENTITY, block.residual() ? x : null);
  }

  /** The mean of the layer, f with or without the shortcut, and the identity; releases f. */
  private static Variable half(Tape tape, Variable x, Variable f, MbConv block) {
    Variable halved = Scale.apply(tape, f, 0.5f);
    f.release();
    Variable kept = block.residual() ? x : Scale.apply(tape, x, 0.5f);
    Variable y = Add.apply(tape, kept, halved);
    halved.release();
    if (kept != x) {
      kept.release();
    }
    return y;
  }

  private MbConv withSqueeze(MbConv block) {
    return block.squeezedAs(squeezed);
  }

  private List<Rematerialize.Segment> kernels(MbConv block) {
    List<Rematerialize.Segment> branches = new ArrayList<>();
    for (int kernel : depthwise.keySet()) {
      branches.add((tape, h) -> depthwise(tape, h, block, kernel));
    }
    return branches;
  }

  private Variable depthwise(Tape tape, Variable h, MbConv block, int kernel) {
    DepthwiseKernel own = depthwise.get(kernel);
    if (own == null) {
      throw new IllegalArgumentException("no kernel " + kernel);
    }
    Variable w = narrow(tape, own.weight, kernel, h.shape().channels());
    Variable z = Depthwise.apply(tape, h, w, Window.same(kernel, block.stride()));
    w.release();
    return normalize(tape, z, own.norm, block.activation(), null);
  }

  private Variable squeeze(Tape tape, Variable x, MbConv block, int in) {
    int hidden = block.squeezed(in);
    if (gate == null) {
      throw new IllegalStateException("no candidate has squeeze-and-excite");
    }
    int channels = x.shape().channels();
    Variable mean = GlobalAvgPool.apply(tape, x);
    Variable reduce = narrow(tape, gate.reduce, channels, hidden);
    Variable h =
        biased(tape, MatMul.apply(tape, mean, reduce), gate.reduceBias, block.squeezeActivation());
    reduce.release();
    mean.release();
    Variable widen = narrow(tape, gate.expand, hidden, channels);
    Variable u = biased(tape, MatMul.apply(tape, h, widen), gate.bias, Activation.IDENTITY);
    widen.release();
    h.release();
    Variable s = Activate.apply(tape, u, block.gate());
    u.release();
    Variable y = ScaleChannels.apply(tape, x, s);
    s.release();
    return y;
  }
}
