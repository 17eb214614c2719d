package dev.sextant.nas.supernet;

import dev.sextant.autograd.Parameter;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.nn.Module;
import dev.sextant.autograd.ops.Activate;
import dev.sextant.autograd.ops.AddBias;
import dev.sextant.autograd.ops.BatchNormActivate;
import dev.sextant.autograd.ops.Narrow;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A layer whose candidates share weights: every kernel is as wide as the widest candidate, and a
 * candidate uses its first inputs and outputs.
 *
 * <p>TuNAS masks the other channels, and masks them again after batch norm, whose offset would
 * revive them; here they are not computed at all, with the same numbers. Batch norm always uses the
 * batch's statistics: running ones would mix those of all candidates.
 */
abstract class SharedKernels extends Module {
  private static final float NO_MOMENTUM = 0;

  private final float epsilon;

  SharedKernels(double epsilon) {
    this.epsilon = (float) epsilon;
  }

  /**
   * What is averaged in the next passes, as TuNAS's op warm-up asks.
   *
   * @param kernels all kernel sizes
   * @param squeezes with and without squeeze-and-excite
   * @param skip the layer and its absence
   * @param layers all candidates, where they are no blocks
   */
  record Averages(boolean kernels, boolean squeezes, boolean skip, boolean layers) {
    static final Averages NONE = new Averages(false, false, false, false);

    boolean any() {
      return kernels || squeezes || skip || layers;
    }
  }

  /** Sets the candidate, with its output width, and what is averaged with it. */
  abstract void setCandidate(Layer candidate, Averages averages);

  /** The shared tensor from which a candidate has its own of that path; null for none. */
  abstract @Nullable Parameter source(Layer candidate, String path);

  /**
   * Scale and offset of a batch norm.
   *
   * @param running statistics, of which only the shapes are looked at in this mode
   */
  record Norm(Parameter gamma, Parameter beta, BatchNormActivate.Running running) {}

  final Norm norm(Initializer init, String name, int channels) {
    Parameter gamma = parameter(name + ".gamma", init.constant(channels, 1, Parameter.Role.NORM));
    Parameter beta = parameter(name + ".beta", init.constant(channels, 0, Parameter.Role.NORM));
    return new Norm(gamma, beta, unused(gamma.value()));
  }

  private BatchNormActivate.Running unused(Tensor ofShape) {
    return new BatchNormActivate.Running(ofShape, ofShape, NO_MOMENTUM, epsilon);
  }

  /** The first inputs and outputs of a kernel, or itself. */
  static Variable narrow(Tape tape, Parameter w, int rows, int channels) {
    boolean whole = w.shape().channels() == channels;
    if (w.shape().rank() > 1) {
      whole &= w.shape().get(-2) == rows;
    }
    return whole ? w : Narrow.apply(tape, w, rows, channels);
  }

  /** Refuses passes in which batch norm would read statistics that it does not keep. */
  static void checkMode(Tape tape) {
    if (tape.mode() != Tape.Mode.TRAIN_STATELESS) {
      throw new SextantException("shared weights: batch norm has no running statistics here");
    }
  }

  /** activation(norm(z)) + residual by the batch's statistics; releases z. */
  final Variable normalize(
      Tape tape, Variable z, Norm norm, Activation activation, @Nullable Variable residual) {
    checkMode(tape);
    int channels = z.shape().channels();
    Variable gamma = narrow(tape, norm.gamma, 1, channels);
    Variable beta = narrow(tape, norm.beta, 1, channels);
    BatchNormActivate.Running running = gamma == norm.gamma ? norm.running : unused(gamma.value());
    Variable y = BatchNormActivate.apply(tape, z, gamma, beta, running, activation, residual);
    z.release();
    gamma.release();
    beta.release();
    return y;
  }

  /** activation(z + bias); releases z. */
  static Variable biased(Tape tape, Variable z, Parameter bias, Activation activation) {
    Variable b = narrow(tape, bias, 1, z.shape().channels());
    Variable sum = AddBias.apply(tape, z, b);
    z.release();
    b.release();
    if (activation == Activation.IDENTITY) {
      return sum;
    }
    Variable y = Activate.apply(tape, sum, activation);
    sum.release();
    return y;
  }
}
