package dev.sextant.autograd.ops;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Backend.BatchNorm;
import dev.sextant.tensor.Backend.NormGradient;
import dev.sextant.tensor.Check;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
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
 */
public final class NormalizedChain {
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
  public record Stage(
      Variable w,
      Window window,
      Variable gamma,
      Variable beta,
      BatchNormActivate.Running running,
      Activation activation) {
    private boolean isDepthwise() {
      return w.shape().rank() == 3;
    }

    private Shape output(Shape x) {
      return isDepthwise()
          ? Check.depthwise("depthwise", x, w.shape(), window)
          : Check.conv2d("conv2d", x, w.shape(), window);
    }

    private BatchNorm norm(Tensor mean, Tensor variance) {
      return new BatchNorm(
          mean, variance, gamma.value(), beta.value(), running.epsilon(), activation);
    }

    private boolean requiresGradient() {
      return w.requiresGradient() || gamma.requiresGradient() || beta.requiresGradient();
    }
  }

  /**
   * Runs the stages on x {@code [N, H, W, C]}.
   *
   * @param stages at least one
   * @param residual added after the last stage, of its shape; may be x itself, or absent
   * @throws dev.sextant.tensor.SextantException if the shapes do not fit together
   */
  public static Variable apply(
      Tape tape, Variable x, List<Stage> stages, @Nullable Variable residual) {
    if (!tape.mode().usesBatchStatistics()) {
      return evaluate(tape, x, stages, residual);
    }
    List<Variable> inputs = new ArrayList<>();
    inputs.add(x);
    for (Stage stage : stages) {
      inputs.addAll(List.of(stage.w, stage.gamma, stage.beta));
    }
    if (residual != null) {
      inputs.add(residual);
    }
    Variable[] all = inputs.toArray(new Variable[0]);
    boolean recorded = tape.records(all);
    Pass pass = new Pass(tape, x, stages, residual);
    pass.forward(stages.size(), recorded);
    Tensor y = pass.output();
    if (!recorded) {
      pass.closeOutputs(stages.size());
    }
    return tape.record(
        "normalized_chain",
        y,
        all,
        pass.saved(),
        residual == null ? pass::output : null,
        pass::backward);
  }

  /** With running statistics, in place: nothing is recorded. */
  private static Variable evaluate(
      Tape tape, Variable x, List<Stage> stages, @Nullable Variable residual) {
    Backend backend = tape.backend();
    Tensor h = x.value().share();
    for (int i = 0; i < stages.size(); i++) {
      Stage stage = stages.get(i);
      Tensor z = tape.output(stage.output(h.shape()), "normalized_chain");
      if (stage.isDepthwise()) {
        backend.depthwise(h, stage.w.value(), stage.window, null, Activation.IDENTITY, z);
      } else {
        backend.conv2d(h, stage.w.value(), stage.window, null, Activation.IDENTITY, null, z);
      }
      h.close();
      BatchNorm norm = stage.norm(stage.running.mean(), stage.running.variance());
      boolean last = i == stages.size() - 1;
      backend.batchNormApply(z, norm, last && residual != null ? residual.value() : null, z);
      h = z;
    }
    return tape.record("normalized_chain", h, new Variable[0], new Variable[0], dy -> {});
  }

  /**
   * ⟨dy, y⟩ for the chain's output y without it, or the last convolution's, being written:
   * ProxylessNAS's gate gradient (Appendix D, eq. 9). Nothing is recorded and running statistics
   * stay. The last stage has no activation.
   *
   * @param x {@code [N, H, W, C]}
   * @param dy of the output's shape
   * @throws IllegalArgumentException if an activation follows the last norm
   */
  public static double innerProduct(Tape tape, Tensor x, List<Stage> stages, Tensor dy) {
    Stage last = stages.getLast();
    if (last.activation != Activation.IDENTITY || last.isDepthwise()) {
      throw new IllegalArgumentException("the chain must end in a dense convolution and its norm");
    }
    try (Tape probe = tape.probe()) {
      Variable input = probe.constant(x);
      if (!probe.mode().usesBatchStatistics()) {
        return probe.backend().dot(evaluate(probe, input, stages, null).value(), dy);
      }
      Pass pass = new Pass(probe, input, stages, null);
      pass.forward(stages.size() - 1, false);
      return pass.innerProduct(dy);
    }
  }

  /** One run through the stages in training, and what its backward pass reads. */
  private static final class Pass {
    private final Tape tape;
    private final Backend backend;
    private final Variable x;
    private final List<Stage> stages;
    private final @Nullable Variable residual;
    private final Tensor[] z;
    private final BatchNorm[] norms;

    // Both as they were when the pass was run: for what is thawed later nothing was saved.

    /** Whether the kernel of stage i needs a gradient. */
    private final boolean[] trained;

    /** Whether something before stage i needs a gradient. */
    private final boolean[] needed;

    Pass(Tape tape, Variable x, List<Stage> stages, @Nullable Variable residual) {
      this.tape = tape;
      this.backend = tape.backend();
      this.x = x;
      this.stages = stages;
      this.residual = residual;
      z = new Tensor[stages.size()];
      norms = new BatchNorm[stages.size()];
      trained = new boolean[stages.size()];
      needed = new boolean[stages.size()];
      boolean any = x.requiresGradient();
      for (int i = 0; i < needed.length; i++) {
        trained[i] = stages.get(i).w.requiresGradient();
        needed[i] = any;
        any |= stages.get(i).requiresGradient();
      }
    }

    /** Runs the first stages; outputs that only the next one reads are freed unless kept. */
    void forward(int count, boolean keep) {
      for (int i = 0; i < count; i++) {
        Stage stage = stages.get(i);
        Tensor input = input(i);
        Tensor mean = tape.output(stage.running.mean().shape(), "normalized_chain.mean");
        Tensor variance = tape.output(mean.shape(), "normalized_chain.variance");
        z[i] = tape.output(stage.output(input.shape()), "normalized_chain.convolution");
        if (stage.isDepthwise()) {
          backend.depthwiseNormalized(
              input, inputNorm(i), stage.w.value(), stage.window, z[i], mean, variance);
        } else {
          backend.conv2dNormalized(
              input, inputNorm(i), stage.w.value(), stage.window, z[i], mean, variance);
        }
        if (tape.mode().updatesStatistics()) {
          stage.running.update(backend, z[i].shape().rows(), mean, variance);
        }
        norms[i] = stage.norm(mean, variance);
        if (!keep && i > 0) {
          z[i - 1].close();
        }
      }
    }

    /** The chain's output from the last convolution's. */
    Tensor output() {
      int last = stages.size() - 1;
      Tensor y = tape.output(z[last].shape(), "normalized_chain");
      backend.batchNormApply(z[last], norms[last], residual == null ? null : residual.value(), y);
      return y;
    }

    /** Frees the outputs of the first stages. */
    void closeOutputs(int count) {
      for (int i = 0; i < count; i++) {
        z[i].close();
      }
    }

    /** From the outputs of all stages but the last. */
    double innerProduct(Tensor dy) {
      int last = stages.size() - 1;
      Stage stage = stages.get(last);
      return backend.conv2dNormalizedInnerProduct(
          input(last),
          inputNorm(last),
          stage.w.value(),
          stage.window,
          dy,
          stage.gamma.value(),
          stage.beta.value(),
          stage.running.epsilon(),
          stage.running.mean());
    }

    private Tensor input(int stage) {
      return stage == 0 ? x.value() : z[stage - 1];
    }

    private @Nullable BatchNorm inputNorm(int stage) {
      return stage == 0 ? null : norms[stage - 1];
    }

    /** Under frozen weights, as in an architecture step, x need not be kept. */
    Variable[] saved() {
      List<Variable> saved = new ArrayList<>();
      if (trained[0]) {
        saved.add(x);
      }
      for (Stage stage : stages) {
        saved.addAll(List.of(stage.w, stage.gamma, stage.beta));
      }
      return saved.toArray(new Variable[0]);
    }

    void backward(Tensor dy) {
      int last = stages.size() - 1;
      if (residual != null) {
        tape.accumulate(residual, dy.share());
      }
      NormGradient gradient = gradient(last);
      // Without an activation g is dy, and nothing is written.
      Tensor g =
          stages.get(last).activation == Activation.IDENTITY
              ? dy.share()
              : tape.overwrite(dy, "normalized_chain.gradient");
      backend.batchNormReduce(z[last], dy, gradient, g);
      for (int i = last; i > 0; i--) {
        NormGradient into = gradient(i - 1);
        Tensor gx = needed[i] ? tape.output(z[i - 1].shape(), "normalized_chain.gradient") : null;
        throughStage(i, g, gradient, into, gx);
        finish(i, g, gradient);
        if (gx == null) {
          into.dgamma().close();
          into.dbeta().close();
          closeOutputs(i);
          return;
        }
        g = gx;
        gradient = into;
      }
      Tensor dx = needed[0] ? tape.gradientLike(x, "normalized_chain.gradient") : null;
      throughStage(0, g, gradient, null, dx);
      finish(0, g, gradient);
      if (dx != null) {
        tape.accumulate(x, dx);
      }
    }

    private NormGradient gradient(int i) {
      Stage stage = stages.get(i);
      return new NormGradient(
          norms[i],
          tape.gradientLike(stage.gamma, "normalized_chain.gamma_gradient"),
          tape.gradientLike(stage.beta, "normalized_chain.beta_gradient"));
    }

    /** The gradient of the kernel where it is wanted, and gx where that is. */
    private void throughStage(
        int i, Tensor g, NormGradient gradient, @Nullable NormGradient into, @Nullable Tensor gx) {
      Stage stage = stages.get(i);
      Tensor dw =
          trained[i] ? tape.gradientLike(stage.w, "normalized_chain.filter_gradient") : null;
      Tensor input = into != null || dw != null ? input(i) : null;
      if (stage.isDepthwise()) {
        backend.depthwiseNormalizedBackward(
            g, z[i], gradient, stage.w.value(), stage.window, input, into, dw, gx);
      } else {
        if (dw != null && input != null) {
          backend.conv2dNormalizedBackwardFilter(
              input, inputNorm(i), g, z[i], gradient, stage.window, dw);
        }
        if (gx != null) {
          backend.conv2dNormalizedBackwardData(
              g, z[i], gradient, stage.w.value(), stage.window, input, into, gx);
        }
      }
      if (dw != null) {
        tape.accumulate(stage.w, dw);
      }
    }

    /** Frees what stage i kept, and hands over the gradients of its norm. */
    private void finish(int i, Tensor g, NormGradient gradient) {
      g.close();
      z[i].close();
      tape.accumulate(stages.get(i).gamma, gradient.dgamma());
      tape.accumulate(stages.get(i).beta, gradient.dbeta());
    }
  }
}
