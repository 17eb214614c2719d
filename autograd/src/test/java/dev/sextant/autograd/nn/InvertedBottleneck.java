package dev.sextant.autograd.nn;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.ops.NormalizedChain;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The mobile inverted bottleneck (Sandler et al., 2018) as the search runs it, one {@link
 * NormalizedChain} or two around squeeze-and-excite: 1x1 expand, batch norm, activation, k x k
 * depthwise, batch norm, activation, optional squeeze-and-excite, 1x1 project, batch norm, and the
 * identity shortcut where asked.
 */
final class InvertedBottleneck extends Module {
  /** The convolutions before squeeze-and-excite, or all of them where there is none. */
  private final List<NormalizedChain.ConvNorm> head;

  private final @Nullable SqueezeExcite squeeze;
  private final NormalizedChain.ConvNorm project;
  private final boolean shortcut;

  /**
   * The numbers that make a block.
   *
   * @param in input channels
   * @param expanded channels of the depthwise convolution; equal to {@code in} means no expansion
   *     convolution
   * @param out output channels
   * @param window of the depthwise convolution
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
      float epsilon) {}

  /** A block with fresh weights. */
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
    var projectNorm =
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

  /** Whether the input is added. */
  public boolean hasShortcut() {
    return shortcut;
  }

  /**
   * ⟨dy, o(x)⟩, where o is the block without its shortcut (ProxylessNAS, Appendix D). In training
   * from per-channel sums: the block's output is never written.
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
