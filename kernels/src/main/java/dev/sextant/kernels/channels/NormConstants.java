package dev.sextant.kernels.channels;

import dev.sextant.kernels.ptx.Activations;
import dev.sextant.kernels.ptx.Assembler;
import dev.sextant.kernels.ptx.Operand.B64;
import dev.sextant.kernels.ptx.Operand.F32;
import dev.sextant.tensor.Activation;

/**
 * The constants of a batch norm for one thread's channels: declared as parameters, then loaded,
 * then applied. The mean is subtracted before the scale, so that a large mean does not cancel.
 */
public final class NormConstants {
  private final ChannelThreads threads;
  private final F32[] mean;
  private final F32[] inverseDeviation;
  private final F32[] gamma;
  private final F32[] beta;
  private final F32[] scale;

  /** The parameters of a batch norm, in their order. */
  public record Parameters(B64 mean, B64 variance, B64 gamma, B64 beta, F32 epsilon) {
    public static Parameters of(Assembler k) {
      return of(k, "");
    }

    /** With that in front of each name. */
    public static Parameters of(Assembler k, String prefix) {
      return new Parameters(
          k.pointer(prefix + "mean", "of each channel"),
          k.pointer(prefix + "variance", "of each channel, biased"),
          k.pointer(prefix + "gamma", "scale of each channel"),
          k.pointer(prefix + "beta", "offset of each channel"),
          k.number(prefix + "epsilon", "added to the variance"));
    }
  }

  /** Loads this thread's constants. */
  public NormConstants(ChannelThreads threads, Parameters parameters) {
    this.threads = threads;
    Assembler k = threads.k;
    k.comment("constants of this thread's channels");
    mean = threads.vector(parameters.mean);
    gamma = threads.vector(parameters.gamma);
    beta = threads.vector(parameters.beta);
    F32[] variance = threads.vector(parameters.variance);
    inverseDeviation = new F32[threads.width];
    scale = new F32[threads.width];
    for (int lane = 0; lane < threads.width; lane++) {
      F32 deviation = k.squareRoot(k.add(variance[lane], parameters.epsilon));
      inverseDeviation[lane] = k.divide(k.constant(1f), deviation);
      scale[lane] = k.multiply(gamma[lane], inverseDeviation[lane]);
    }
  }

  /** (z - mean) / deviation. */
  public F32 normalized(F32 z, int lane) {
    Assembler k = threads.k;
    return k.multiply(k.subtract(z, mean[lane]), inverseDeviation[lane]);
  }

  /** activation(gamma (z - mean) / deviation + beta). */
  public F32 apply(Activation activation, F32 z, int lane) {
    Assembler k = threads.k;
    F32 y = k.fma(k.subtract(z, mean[lane]), scale[lane], beta[lane]);
    return Activations.apply(k, activation, y);
  }

  /** dy activation'(y) at the y recomputed from the normalised z. */
  F32 backward(Activation activation, F32 normalized, F32 dy, int lane) {
    Assembler k = threads.k;
    F32 y = k.fma(normalized, gamma[lane], beta[lane]);
    return Activations.backward(k, activation, y, dy);
  }

  /** gamma / deviation. */
  public F32 scale(int lane) {
    return scale[lane];
  }
}
