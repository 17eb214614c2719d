package dev.sextant.autograd.ops;

import dev.sextant.autograd.Op;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.BatchNorm;
import dev.sextant.tensor.NormGradient;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import dev.sextant.tensor.family.ConvolutionRules;
import dev.sextant.tensor.family.DepthwiseRules;
import dev.sextant.tensor.family.Expansions;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Convolutions one after another, each followed by its batch norm and activation: the body of a
 * mobile inverted bottleneck, of a separable convolution, or a single normalised convolution.
 *
 * <p>One op so that only the raw convolution outputs and 2C statistics each are kept. Norms and
 * activations are applied while the next convolution loads, and again in the backward pass;
 * statistics and the sums of gradients are taken while outputs are stored; the gradient of a norm's
 * input is never stored. In training that moves about half the bytes of separate ops.
 *
 * <p>Where the backend has kernels for it, the expansion of a bottleneck's narrow input is not kept
 * either: its statistics come from the covariance of x, and it is made again in the backward pass
 * ({@link Expansions}).
 */
@SuppressWarnings("NullAway.Init") // fields are set before the op is recorded
public final class NormalizedChain extends Op {
  private static final Kind<NormalizedChain> KIND =
      new Kind<>("normalized_chain", NormalizedChain::new);

  private Variable x;
  private @Nullable Variable residual;

  /** One for each stage; of longer chains before this one there may be more. */
  private final List<ChainLink> links = new ArrayList<>();

  private int count;

  /** The first two stages of a bottleneck, where they run together. */
  private final ExpandedStages expansion = new ExpandedStages();

  /** Whether they do. */
  private boolean expands;

  private NormalizedChain() {}

  /**
   * A convolution and the norm behind it.
   *
   * @param w {@code [k, k, Cin, Cout]}, or {@code [k, k, C]} for a depthwise convolution
   * @param window of the convolution
   * @param gamma scale of the norm, {@code [Cout]}
   * @param beta offset of the norm, {@code [Cout]}
   * @param running statistics of the norm: read in evaluation, updated in training
   * @param activation behind the norm
   */
  public record ConvNorm(
      Variable w,
      Window window,
      Variable gamma,
      Variable beta,
      BatchNormActivate.Running running,
      Activation activation) {
    boolean isDepthwise() {
      return w.shape().rank() == 3;
    }

    Shape output(Shape x) {
      return isDepthwise()
          ? DepthwiseRules.output("depthwise", x, w.shape(), window)
          : ConvolutionRules.output("conv2d", x, w.shape(), window);
    }

    boolean isPointwise() {
      return !isDepthwise() && window.isPointwise();
    }

    private boolean requiresGradient() {
      return w.requiresGradient() || gamma.requiresGradient() || beta.requiresGradient();
    }
  }

  /**
   * Runs the stages on x {@code [N, H, W, C]}.
   *
   * @param tape open; records the op if an input requires a gradient
   * @param x the input {@code [N, H, W, C]}
   * @param stages at least one
   * @param residual added after the last stage, of its shape; may be x itself, or absent
   * @return the output; the caller releases it
   * @throws dev.sextant.tensor.SextantException if the shapes do not fit together
   */
  public static Variable apply(
      Tape tape, Variable x, List<ConvNorm> stages, @Nullable Variable residual) {
    NormalizedChain op = tape.op(KIND);
    op.set(x, stages, residual);
    if (!tape.mode().usesBatchStatistics()) {
      return tape.record(op, op.evaluate(tape));
    }
    boolean recorded = op.dependOn(tape);
    op.expands = op.expands(tape.backend()) && (!recorded || op.link(1).needed);
    if (recorded && (op.expands || op.link(0).trained)) {
      op.save(x);
    }
    op.forward(tape, op.count, recorded);
    Tensor y = op.recompute(tape);
    if (!recorded) {
      op.link(op.count - 1).z.close();
    }
    return tape.record(op, y);
  }

  /**
   * ⟨dy, y⟩ for the chain's output y, where neither y nor the last convolution's output is written:
   * ProxylessNAS's gate gradient (Appendix D, eq. 9). Nothing is recorded and running statistics
   * stay.
   *
   * @param tape gives the mode and the memory; nothing is recorded
   * @param x {@code [N, H, W, C]}
   * @param stages the last a dense convolution without an activation
   * @param dy of the output's shape
   * @return the inner product, summed in double
   * @throws IllegalArgumentException if the last stage is another
   */
  public static double innerProduct(Tape tape, Tensor x, List<ConvNorm> stages, Tensor dy) {
    ConvNorm last = stages.getLast();
    if (last.activation != Activation.IDENTITY || last.isDepthwise()) {
      throw new IllegalArgumentException("the chain must end in a dense convolution and its norm");
    }
    try (Tape probe = tape.probe()) {
      NormalizedChain op = probe.op(KIND);
      op.set(probe.constant(x), stages, null);
      op.expands = op.expands(tape.backend());
      double product = op.innerProduct(probe, dy);
      probe.discard(op);
      return product;
    }
  }

  private void set(Variable input, List<ConvNorm> stages, @Nullable Variable added) {
    x = input;
    residual = added;
    count = stages.size();
    boolean needed = input.requiresGradient();
    for (int i = 0; i < count; i++) {
      if (i == links.size()) {
        links.add(new ChainLink());
      }
      ConvNorm stage = stages.get(i);
      ChainLink link = link(i);
      link.stage = stage;
      link.trained = stage.w.requiresGradient();
      link.needed = needed;
      needed |= stage.requiresGradient();
    }
  }

  private ChainLink link(int i) {
    return links.get(i);
  }

  private boolean expands(Backend backend) {
    return count == 3 && ExpandedStages.pay(backend, x.shape(), links);
  }

  /** Names inputs and what is saved, but for x. */
  private boolean dependOn(Tape tape) {
    boolean recorded = tape.records(input(x));
    for (int i = 0; i < count; i++) {
      ConvNorm stage = link(i).stage;
      recorded |= tape.records(input(save(stage.w)));
      recorded |= tape.records(input(save(stage.gamma)));
      recorded |= tape.records(input(save(stage.beta)));
    }
    return recorded | (residual != null && tape.records(input(save(residual))));
  }

  /** With running statistics, in place; nothing is recorded. */
  private Tensor evaluate(Tape tape) {
    Backend backend = tape.backend();
    Tensor h = x.value().share();
    for (int i = 0; i < count; i++) {
      ChainLink link = link(i);
      ConvNorm stage = link.stage;
      Tensor z = tape.output(stage.output(h.shape()), "normalized_chain");
      if (stage.isDepthwise()) {
        backend.depthwise().forward(h, stage.w.value(), stage.window, null, Activation.IDENTITY, z);
      } else {
        backend
            .convolution()
            .forward(h, stage.w.value(), stage.window, null, Activation.IDENTITY, null, z);
      }
      h.close();
      link.mean = stage.running.mean();
      link.variance = stage.running.variance();
      backend.batchNorm().apply(z, link.norm(), i == count - 1 ? added() : null, z);
      h = z;
    }
    return h;
  }

  /** Runs the first stages; an output that only the next one reads is freed unless kept. */
  private void forward(Tape tape, int stages, boolean keep) {
    Backend backend = tape.backend();
    if (expands) {
      expansion.forward(tape, x.value(), link(0), link(1), keep);
    }
    for (int i = expands ? 2 : 0; i < stages; i++) {
      ChainLink link = link(i);
      ConvNorm stage = link.stage;
      Tensor input = before(i);
      link.mean = tape.output(stage.gamma.shape(), "normalized_chain.mean");
      link.variance = tape.output(stage.gamma.shape(), "normalized_chain.variance");
      link.z = tape.output(stage.output(input.shape()), "normalized_chain.convolution");
      if (stage.isDepthwise()) {
        backend
            .bottleneck()
            .depthwise(
                input,
                normBefore(i),
                stage.w.value(),
                stage.window,
                link.z,
                link.mean,
                link.variance);
      } else {
        backend
            .bottleneck()
            .convolution(
                input,
                normBefore(i),
                stage.w.value(),
                stage.window,
                link.z,
                link.mean,
                link.variance);
      }
      if (tape.mode().updatesStatistics()) {
        stage.running.update(backend, link.z.shape().rows(), link.mean, link.variance);
      }
      if (!keep && i > 0) {
        link(i - 1).z.close();
      }
    }
  }

  private double innerProduct(Tape tape, Tensor dy) {
    Backend backend = tape.backend();
    if (!tape.mode().usesBatchStatistics()) {
      return backend.elementwise().dot(evaluate(tape), dy);
    }
    int last = count - 1;
    forward(tape, last, false);
    ConvNorm stage = link(last).stage;
    return backend
        .bottleneck()
        .convolutionInnerProduct(
            before(last),
            normBefore(last),
            stage.w.value(),
            stage.window,
            dy,
            stage.gamma.value(),
            stage.beta.value(),
            stage.running.epsilon(),
            stage.running.mean());
  }

  private Tensor before(int stage) {
    return stage == 0 ? x.value() : link(stage - 1).z;
  }

  private @Nullable BatchNorm normBefore(int stage) {
    return stage == 0 ? null : link(stage - 1).norm();
  }

  /**
   * Of residual blocks one after another the inputs are sums of what came before, so the first
   * asked for brings back those of all blocks since the last one without a residual. Between the
   * passes there is none.
   */
  @Override
  protected boolean recomputes() {
    return true;
  }

  @Override
  protected Tensor recompute(Tape tape) {
    ChainLink last = link(count - 1);
    Tensor y = tape.output(last.z.shape(), "normalized_chain");
    tape.backend().batchNorm().apply(last.z, last.norm(), added(), y);
    return y;
  }

  private @Nullable Tensor added() {
    return residual == null ? null : residual.value();
  }

  @Override
  protected void backward(Tape tape, Tensor dy) {
    if (residual != null) {
      tape.accumulate(residual, dy.share());
    }
    ChainLink last = link(count - 1);
    NormGradient gradient = last.newGradient(tape);
    // Without an activation g is dy, and nothing is written.
    Tensor g =
        last.stage.activation == Activation.IDENTITY
            ? dy.share()
            : tape.overwrite(dy, "normalized_chain.gradient");
    tape.backend().batchNorm().reduce(last.z, dy, gradient, g);
    if (expands) {
      Tensor dx = link(0).needed ? tape.gradientLike(x, "normalized_chain.gradient") : null;
      expansion.backward(tape, g, gradient, links, x.value(), dx);
      if (dx != null) {
        tape.accumulate(x, dx);
      }
      return;
    }
    for (int i = count - 1; i > 0; i--) {
      NormGradient into = link(i - 1).newGradient(tape);
      Tensor gx =
          link(i).needed ? tape.output(before(i).shape(), "normalized_chain.gradient") : null;
      through(tape, i, g, gradient, into, gx);
      if (gx == null) {
        into.dgamma().close();
        into.dbeta().close();
        for (int j = 0; j < i; j++) {
          link(j).z.close();
        }
        return;
      }
      g = gx;
      gradient = into;
    }
    Tensor dx = link(0).needed ? tape.gradientLike(x, "normalized_chain.gradient") : null;
    through(tape, 0, g, gradient, null, dx);
    if (dx != null) {
      tape.accumulate(x, dx);
    }
  }

  /**
   * The gradients of a stage's kernel and norm, and gx where it is wanted. Frees what the stage
   * kept.
   */
  private void through(
      Tape tape,
      int i,
      Tensor g,
      NormGradient gradient,
      @Nullable NormGradient into,
      @Nullable Tensor gx) {
    ChainLink link = link(i);
    ConvNorm stage = link.stage;
    Backend backend = tape.backend();
    Tensor dw =
        link.trained ? tape.gradientLike(stage.w, "normalized_chain.filter_gradient") : null;
    Tensor input = into != null || dw != null ? before(i) : null;
    if (stage.isDepthwise()) {
      backend
          .bottleneck()
          .depthwiseBackward(
              g, link.z, gradient, stage.w.value(), stage.window, input, into, dw, gx);
    } else {
      if (dw != null && input != null) {
        backend
            .bottleneck()
            .convolutionBackwardFilter(input, normBefore(i), g, link.z, gradient, stage.window, dw);
      }
      if (gx != null) {
        backend
            .bottleneck()
            .convolutionBackwardData(
                g, link.z, gradient, stage.w.value(), stage.window, input, into, gx);
      }
    }
    g.close();
    link.z.close();
    if (dw != null) {
      tape.accumulate(stage.w, dw);
    }
    tape.accumulate(stage.gamma, gradient.dgamma());
    tape.accumulate(stage.beta, gradient.dbeta());
  }
}
