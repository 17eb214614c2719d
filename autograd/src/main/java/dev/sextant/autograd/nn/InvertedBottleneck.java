package dev.sextant.autograd.nn;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.ops.NormalizedChain;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The mobile inverted bottleneck (Sandler et al., 2018): 1x1 expand, batch norm, activation, k x k
 * depthwise, batch norm, activation, optional squeeze-and-excite, 1x1 project, batch norm, and the
 * identity shortcut where asked.
 *
 * <p>Only the raw convolution outputs z1, z2, z3 and 2C statistics each are kept for the backward
 * pass, of a narrow input not even z1: the normalised, activated and gated tensors between them are
 * dropped and recomputed.
 */
public final class InvertedBottleneck extends Module {
  /** The convolutions before squeeze-and-excite, or all of them where there is none. */
  private final List<NormalizedChain.ConvNorm> head;

  private final @Nullable SqueezeExcite squeeze;
  private final NormalizedChain.ConvNorm project;
  private final BatchNorm projectNorm;
  private final boolean shortcut;

  /**
   * The numbers that make a block.
   *
   * @param in input channels
   * @param expanded channels of the depthwise convolution; equal to {@code in} means no expansion
   *     convolution
   * @param out output channels
   * @param window of the depthwise convolution
   * @param activation behind the expansion and the depthwise convolution
   * @param squeezed hidden units of squeeze-and-excite, 0 for none
   * @param shortcut whether the input is added; needs in = out and a window that keeps the size
   * @param epsilon of the batch norms
   */
  public record Config(
      int in,
      int expanded,
      int out,
      Window window,
      Activation activation,
      int squeezed,
      boolean shortcut,
      float epsilon) {
    /**
     * Checks that the numbers go together.
     *
     * @throws SextantException that says which do not
     */
    public Config {
      if (in < 1 || expanded < 1 || out < 1 || squeezed < 0) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "mbconv: channels %d, %d, %d or squeeze %d out of range",
                in,
                expanded,
                out,
                squeezed));
      }
      boolean keepsSize = window.stride() == 1 && 2 * window.padding() == window.span() - 1;
      if (shortcut && (in != out || !keepsSize)) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "mbconv: no shortcut from %d to %d channels through window %s",
                in,
                out,
                window));
      }
    }
  }

  /**
   * A block with fresh weights.
   *
   * @param init draws the weights, on its backend
   * @param config its numbers
   */
  public InvertedBottleneck(Initializer init, Config config) {
    int mid = config.expanded;
    List<NormalizedChain.ConvNorm> stages = new ArrayList<>();
    if (mid != config.in) {
      var expand = child("expand", new Convolution(init, config.in, mid, Window.POINTWISE));
      stages.add(expand.before(norm(init, "expand_norm", mid, config)));
    }
    var depthwise = child("depthwise", new DepthwiseConvolution(init, mid, config.window));
    stages.add(depthwise.before(norm(init, "depthwise_norm", mid, config)));
    squeeze =
        config.squeezed > 0
            ? child("squeeze", new SqueezeExcite(init, mid, config.squeezed))
            : null;
    var convolution = child("project", new Convolution(init, mid, config.out, Window.POINTWISE));
    projectNorm =
        child("project_norm", new BatchNorm(init, config.out, config.epsilon, Activation.IDENTITY));
    project = convolution.before(projectNorm);
    if (squeeze == null) {
      stages.add(project);
    }
    head = List.copyOf(stages);
    shortcut = config.shortcut;
  }

  private BatchNorm norm(Initializer init, String name, int channels, Config config) {
    return child(name, new BatchNorm(init, channels, config.epsilon, config.activation));
  }

  /**
   * Sets the last batch norm's gamma to 0 where there is a shortcut, so that the block starts as
   * the identity (Goyal et al., 2017). A supernet learns about twice as fast: a path through
   * candidates that have rarely met still carries its input.
   *
   * @param backend the backend of its parameters
   */
  public void startAsIdentity(Backend backend) {
    if (shortcut) {
      backend.elementwise().fill(projectNorm.gamma().value(), 0);
    }
  }

  @Override
  public Variable forward(Tape tape, Variable x) {
    Variable residual = shortcut ? x : null;
    if (squeeze == null) {
      return NormalizedChain.apply(tape, x, head, residual);
    }
    Variable gated = gated(squeeze, tape, x);
    Variable y = NormalizedChain.apply(tape, gated, List.of(project), residual);
    gated.release();
    return y;
  }

  /** {@return whether the input is added} */
  public boolean hasShortcut() {
    return shortcut;
  }

  /**
   * ⟨dy, o(x)⟩, where o is the block without its shortcut (ProxylessNAS, Appendix D). In training
   * from per-channel sums: the block's output is never written.
   *
   * @param tape gives the mode and the memory; nothing is recorded
   * @param x {@code [N, H, W, in]}
   * @param dy of the output's shape
   * @return the inner product, summed in double
   */
  public double innerProduct(Tape tape, Tensor x, Tensor dy) {
    if (squeeze == null) {
      return NormalizedChain.innerProduct(tape, x, head, dy);
    }
    try (Tape probe = tape.probe()) {
      Variable gated = gated(squeeze, probe, probe.constant(x));
      return NormalizedChain.innerProduct(probe, gated.value(), List.of(project), dy);
    }
  }

  private Variable gated(SqueezeExcite squeeze, Tape tape, Variable x) {
    Variable a = NormalizedChain.apply(tape, x, head, null);
    Variable gated = squeeze.forward(tape, a);
    a.release();
    return gated;
  }
}
