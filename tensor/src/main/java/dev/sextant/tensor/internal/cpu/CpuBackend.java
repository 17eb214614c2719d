package dev.sextant.tensor.internal.cpu;

import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.Expansions;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Nesting;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import dev.sextant.tensor.internal.Superkernel;
import dev.sextant.tensor.internal.reference.ReferenceBackend;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * The CPU on the Vector API: hands over to the kernel classes, which split their work over one
 * {@link WorkerTeam}. Inputs are checked by then ({@code CheckedBackend}).
 *
 * <p>Serves one thread at a time, as does its memory.
 */
public final class CpuBackend implements Backend {
  private static final AtomicBoolean WARNED = new AtomicBoolean();

  private final Memory memory = new Memory();
  private final WorkerTeam team;
  private final ElementwiseKernels elementwise;
  private final ChannelKernels channel;
  private final GemmKernels gemm;
  private final ConvolutionKernels convolution;
  private final NormalizedPointwise normalizedPointwise;
  private final CpuExpansions expansions;
  private final DepthwiseKernels depthwise;
  private final BatchNormKernels batchNorm;
  private final PoolKernels pool;
  private final LossKernels loss;
  private final OptimizerKernels optimizer;
  private final Superkernel superkernel = new Superkernel();

  private CpuBackend(int threads) {
    team = new WorkerTeam(threads);
    elementwise = new ElementwiseKernels(team);
    channel = new ChannelKernels(team);
    gemm = new GemmKernels(team, memory);
    convolution = new ConvolutionKernels(team, memory);
    normalizedPointwise = new NormalizedPointwise(team, memory);
    expansions = new CpuExpansions(team, memory, normalizedPointwise);
    depthwise = new DepthwiseKernels(team, memory);
    batchNorm = new BatchNormKernels(team, memory);
    pool = new PoolKernels(team, memory);
    loss = new LossKernels(team);
    optimizer = new OptimizerKernels(team);
  }

  /**
   * Opens the CPU with that many threads; where the JVM was started without the vector module, the
   * scalar reference stands in, after one warning that says what to type.
   *
   * @throws SextantException if the system property for the width of vectors is no such width
   */
  public static Backend open(int threads) {
    if (ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent()) {
      VectorWidth.check();
      return new CpuBackend(threads);
    }
    if (WARNED.compareAndSet(false, true)) {
      System.getLogger("dev.sextant")
          .log(
              System.Logger.Level.WARNING,
              "The Vector API is off: kernels run as slow scalar code. Start java with"
                  + " --add-modules jdk.incubator.vector");
    }
    return new ReferenceBackend(Device.CPU);
  }

  @Override
  public Device device() {
    return Device.CPU;
  }

  @Override
  public int threads() {
    return team.threads();
  }

  @Override
  public Memory memory() {
    return memory;
  }

  @Override
  public void fill(Tensor x, float value) {
    elementwise.fill(x, value);
  }

  @Override
  public void copy(Tensor from, Tensor to) {
    elementwise.copy(from, to);
  }

  @Override
  public void axpy(float a, Tensor x, Tensor y) {
    elementwise.axpy(a, x, y);
  }

  @Override
  public void scale(Tensor x, float factor, Tensor out) {
    elementwise.scale(x, factor, out);
  }

  @Override
  public void add(Tensor a, Tensor b, Tensor out) {
    elementwise.add(a, b, out);
  }

  @Override
  public void multiply(Tensor a, Tensor b, Tensor out) {
    elementwise.multiply(a, b, out);
  }

  @Override
  public void activate(Tensor x, Activation activation, Tensor out) {
    elementwise.activate(x, activation, out);
  }

  @Override
  public void activateBackward(Tensor x, Activation activation, Tensor dy, Tensor dx) {
    elementwise.activateBackward(x, activation, dy, dx);
  }

  @Override
  public void addBias(Tensor x, Tensor bias, Tensor out) {
    channel.addBias(x, bias, out);
  }

  @Override
  public void channelSum(Tensor x, Tensor out) {
    channel.channelSum(x, out);
  }

  @Override
  public void scaleChannels(Tensor x, Tensor s, Tensor out) {
    channel.scaleChannels(x, s, out);
  }

  @Override
  public void channelDot(Tensor a, Tensor b, Tensor out) {
    channel.channelDot(a, b, out);
  }

  @Override
  public void copyChannels(Tensor from, int fromChannel, Tensor to, int toChannel, int count) {
    channel.copyChannels(from, fromChannel, to, toChannel, count);
  }

  @Override
  public double sum(Tensor x) {
    return elementwise.sum(x);
  }

  @Override
  public double dot(Tensor a, Tensor b) {
    return elementwise.dot(a, b);
  }

  @Override
  public void gemm(
      Tensor a, boolean transposeA, Tensor b, boolean transposeB, Tensor c, boolean accumulate) {
    gemm.gemm(a, transposeA, b, transposeB, c, accumulate);
  }

  @Override
  public void conv2d(
      Tensor x,
      Tensor w,
      Window window,
      @Nullable Tensor bias,
      Activation activation,
      @Nullable Tensor residual,
      Tensor out) {
    convolution.conv2d(x, w, window, bias, activation, residual, out);
  }

  @Override
  public void conv2dBackwardData(Tensor dy, Tensor w, Window window, Tensor dx) {
    convolution.conv2dBackwardData(dy, w, window, dx);
  }

  @Override
  public void conv2dBackwardFilter(Tensor x, Tensor dy, Window window, Tensor dw) {
    convolution.conv2dBackwardFilter(x, dy, window, dw);
  }

  @Override
  public void depthwise(
      Tensor x, Tensor w, Window window, @Nullable Tensor bias, Activation activation, Tensor out) {
    depthwise.depthwise(x, w, window, bias, activation, out);
  }

  @Override
  public void depthwiseBackwardData(Tensor dy, Tensor w, Window window, Tensor dx) {
    depthwise.depthwiseBackwardData(dy, w, window, dx);
  }

  @Override
  public void depthwiseBackwardFilter(Tensor x, Tensor dy, Window window, Tensor dw) {
    depthwise.depthwiseBackwardFilter(x, dy, window, dw);
  }

  @Override
  public void depthwiseNormalized(
      Tensor x,
      @Nullable BatchNorm norm,
      Tensor w,
      Window window,
      Tensor z,
      Tensor mean,
      Tensor variance) {
    depthwise.depthwiseNormalized(x, norm, w, window, z, mean, variance);
  }

  @Override
  public void depthwiseNormalizedBackward(
      Tensor g,
      Tensor z,
      NormGradient gradient,
      Tensor w,
      Window window,
      @Nullable Tensor x,
      @Nullable NormGradient into,
      @Nullable Tensor dw,
      @Nullable Tensor gx) {
    // Where x is absent only its shape is asked for, which gx has.
    Tensor input = x == null ? gx : x;
    if (input != null) {
      depthwise.depthwiseNormalizedBackward(g, z, gradient, w, window, input, into, dw, gx);
    }
  }

  @Override
  public void batchNormStatistics(Tensor z, Tensor mean, Tensor variance) {
    batchNorm.batchNormStatistics(z, mean, variance);
  }

  @Override
  public void batchNormApply(Tensor z, BatchNorm norm, @Nullable Tensor residual, Tensor out) {
    batchNorm.batchNormApply(z, norm, residual, out);
  }

  @Override
  public void batchNormBackward(
      Tensor z, BatchNorm norm, Tensor dy, Tensor dz, Tensor dgamma, Tensor dbeta) {
    batchNorm.batchNormBackward(z, norm, dy, dz, dgamma, dbeta);
  }

  @Override
  public double batchNormInnerProduct(
      Tensor z, Tensor dy, Tensor gamma, Tensor beta, float epsilon, Tensor shift) {
    return batchNorm.batchNormInnerProduct(z, dy, gamma, beta, epsilon, shift);
  }

  @Override
  public void superkernel(
      Tensor w, Tensor thresholds, Tensor scales, Nesting nesting, Tensor gates, Tensor effective) {
    superkernel.forward(w, thresholds, scales, nesting, gates, effective);
  }

  @Override
  public void superkernelBackward(
      Tensor w,
      Tensor thresholds,
      Tensor scales,
      Nesting nesting,
      Tensor dgates,
      Tensor deffective,
      Tensor dw,
      Tensor dthresholds) {
    superkernel.backward(w, thresholds, scales, nesting, dgates, deffective, dw, dthresholds);
  }

  @Override
  public void batchNormReduce(Tensor z, Tensor dy, NormGradient gradient, Tensor g) {
    batchNorm.batchNormReduce(z, gradient.norm(), dy, g, gradient.dgamma(), gradient.dbeta());
  }

  @Override
  public void conv2dNormalized(
      Tensor x,
      @Nullable BatchNorm norm,
      Tensor w,
      Window window,
      Tensor z,
      Tensor mean,
      Tensor variance) {
    if (fuses(window, x, z)) {
      normalizedPointwise.conv2d(x, norm, w, z, mean, variance);
    } else {
      Backend.super.conv2dNormalized(x, norm, w, window, z, mean, variance);
    }
  }

  @Override
  public double conv2dNormalizedInnerProduct(
      Tensor x,
      @Nullable BatchNorm norm,
      Tensor w,
      Window window,
      Tensor dy,
      Tensor gamma,
      Tensor beta,
      float epsilon,
      Tensor shift) {
    return fuses(window, x, dy)
        ? normalizedPointwise.innerProduct(x, norm, w, dy, gamma, beta, epsilon, shift)
        : Backend.super.conv2dNormalizedInnerProduct(
            x, norm, w, window, dy, gamma, beta, epsilon, shift);
  }

  @Override
  public void conv2dNormalizedBackwardData(
      Tensor g,
      Tensor z,
      NormGradient gradient,
      Tensor w,
      Window window,
      @Nullable Tensor x,
      @Nullable NormGradient into,
      Tensor gx) {
    if (fuses(window, gx, z)) {
      normalizedPointwise.backwardData(g, z, gradient, w, x == null ? gx : x, into, gx);
    } else {
      Backend.super.conv2dNormalizedBackwardData(g, z, gradient, w, window, x, into, gx);
    }
  }

  @Override
  public void conv2dNormalizedBackwardFilter(
      Tensor x,
      @Nullable BatchNorm norm,
      Tensor g,
      Tensor z,
      NormGradient gradient,
      Window window,
      Tensor dw) {
    if (fuses(window, x, z)) {
      normalizedPointwise.backwardFilter(x, norm, g, z, gradient, dw);
    } else {
      Backend.super.conv2dNormalizedBackwardFilter(x, norm, g, z, gradient, window, dw);
    }
  }

  @Override
  public Expansions expansions() {
    return expansions;
  }

  /**
   * Whether a convolution between norms has a kernel of its own. Wider windows read each pixel of
   * their input kernel² times: their norm is better applied once, beforehand.
   */
  private static boolean fuses(Window window, Tensor x, Tensor z) {
    return window.isPointwise() && x.size() > 0 && z.size() > 0;
  }

  @Override
  public void maxPool(Tensor x, Window window, Tensor out) {
    pool.maxPool(x, window, out);
  }

  @Override
  public void maxPoolBackward(Tensor x, Tensor dy, Window window, Tensor dx) {
    pool.maxPoolBackward(x, dy, window, dx);
  }

  @Override
  public void avgPool(Tensor x, Window window, Tensor out) {
    pool.avgPool(x, window, out);
  }

  @Override
  public void avgPoolBackward(Tensor dy, Window window, Tensor dx) {
    pool.avgPoolBackward(dy, window, dx);
  }

  @Override
  public void globalAvgPool(Tensor x, Tensor out) {
    pool.globalAvgPool(x, out);
  }

  @Override
  public void globalAvgPoolBackward(Tensor dy, Tensor dx) {
    pool.globalAvgPoolBackward(dy, dx);
  }

  @Override
  public double softmaxCrossEntropy(
      Tensor logits, Tensor labels, float smoothing, @Nullable Tensor dlogits) {
    return loss.softmaxCrossEntropy(logits, labels, smoothing, dlogits);
  }

  @Override
  public int countCorrect(Tensor logits, Tensor labels) {
    return loss.countCorrect(logits, labels);
  }

  @Override
  public void sgdStep(
      Tensor w, Tensor g, Tensor v, float rate, float momentum, float decay, boolean nesterov) {
    optimizer.sgdStep(w, g, v, rate, momentum, decay, nesterov);
  }

  @Override
  public void adamStep(
      Tensor w,
      Tensor g,
      Tensor m,
      Tensor v,
      float rate,
      float beta1,
      float beta2,
      float epsilon,
      float decay,
      int step) {
    optimizer.adamStep(w, g, m, v, rate, beta1, beta2, epsilon, decay, step);
  }

  @Override
  public void rmsPropStep(
      Tensor w,
      Tensor g,
      Tensor s,
      Tensor v,
      float rate,
      float rho,
      float momentum,
      float epsilon,
      float decay) {
    optimizer.rmsPropStep(w, g, s, v, rate, rho, momentum, epsilon, decay);
  }

  @Override
  public void close() {
    team.close();
  }
}
