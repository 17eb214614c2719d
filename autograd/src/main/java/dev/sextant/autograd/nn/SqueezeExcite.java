package dev.sextant.autograd.nn;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.ops.Activate;
import dev.sextant.autograd.ops.GlobalAvgPool;
import dev.sextant.autograd.ops.ScaleChannels;
import dev.sextant.tensor.Activation;

/**
 * Squeeze-and-excite (Hu et al., 2018): each channel is scaled by sigmoid(W2 relu(W1 mean)), as in
 * TuNAS's blocks.
 */
public final class SqueezeExcite extends Module {
  private final Linear reduce;
  private final Linear expand;

  /**
   * A gate over {@code channels} through {@code hidden} units.
   *
   * @param init draws the weights, on its backend
   * @param channels of the input and the output
   * @param hidden units between the two linear layers
   */
  public SqueezeExcite(Initializer init, int channels, int hidden) {
    reduce = child("reduce", new Linear(init, channels, hidden));
    expand = child("expand", new Linear(init, hidden, channels));
  }

  @Override
  public Variable forward(Tape tape, Variable x) {
    Variable mean = GlobalAvgPool.apply(tape, x);
    Variable z = reduce.forward(tape, mean);
    mean.release();
    Variable h = Activate.apply(tape, z, Activation.RELU);
    z.release();
    Variable u = expand.forward(tape, h);
    h.release();
    Variable gate = Activate.apply(tape, u, Activation.SIGMOID);
    u.release();
    Variable y = ScaleChannels.apply(tape, x, gate);
    gate.release();
    return y;
  }
}
