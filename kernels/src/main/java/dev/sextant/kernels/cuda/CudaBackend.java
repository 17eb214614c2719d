package dev.sextant.kernels.cuda;

import dev.sextant.kernels.driver.Driver;
import dev.sextant.kernels.driver.Driver.Matrix;
import dev.sextant.kernels.driver.Launch;
import dev.sextant.kernels.family.CrossEntropy;
import dev.sextant.kernels.family.Elementwise.Operation;
import dev.sextant.kernels.family.OptimizerStep.Rule;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Nesting;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Hand-written kernels, cuBLAS and cuDNN behind {@link Backend}, on whatever driver it is given.
 * Inputs are checked by then. Kernels are queued on one stream; only what returns a number, and
 * downloads, wait for it.
 */
public final class CudaBackend implements Backend {
  private static final int ROWS_OF_BLOCK = 8;
  private static final int WARP = 32;

  private final Device device;
  private final Driver driver;
  private final CachingAllocator allocator;
  private final Memory memory;
  private final Kernels kernels;
  private final ElementLaunches elements;
  private final ChannelLaunches channels;
  private final ImageLaunches images;
  private final NormalizedLaunches normalized;
  private final SuperkernelLaunches superkernels;
  private final Staging staging;
  private final OptimizerLaunches optimizers;
  private final Graphs graphs;
  private boolean closed;

  /** A backend on a driver, which it closes with itself. */
  public CudaBackend(Device device, Driver driver) {
    this.device = device;
    this.driver = driver;
    allocator = new CachingAllocator(driver);
    memory = DeviceStorage.memory(allocator, driver);
    kernels = new Kernels(driver, memory);
    elements = new ElementLaunches(kernels);
    channels = new ChannelLaunches(kernels, elements);
    images = new ImageLaunches(kernels, channels, elements);
    normalized = new NormalizedLaunches(kernels, channels, images);
    superkernels = new SuperkernelLaunches(kernels);
    staging = new Staging(driver, allocator);
    optimizers = new OptimizerLaunches(kernels, elements, staging);
    graphs = new Graphs(driver, kernels);
  }

  @Override
  public Device device() {
    return device;
  }

  /** One: a device schedules its own threads. */
  @Override
  public int threads() {
    return 1;
  }

  @Override
  public Memory memory() {
    return memory;
  }

  /** The kernels loaded so far. */
  Kernels kernels() {
    return kernels;
  }

  /** What the allocator below the pool did so far. */
  public CachingAllocator.Counters allocatorCounters() {
    return allocator.counters();
  }

  @Override
  public void upload(float[] from, int offset, Tensor to) {
    staging.upload(from, offset, to.size(), DeviceStorage.address(to));
  }

  @Override
  public void upload(int[] from, int offset, Tensor to) {
    staging.upload(from, offset, to.size(), DeviceStorage.address(to));
  }

  @Override
  public void download(Tensor from, float[] to, int offset) {
    driver.download(DeviceStorage.address(from), to, offset, from.size());
  }

  @Override
  public String description() {
    Driver.DeviceInfo info = driver.info();
    return "%s, %s, compute capability %d.%d%s"
        .formatted(
            info.name(),
            Memory.human(info.bytes()),
            info.capability() / 10,
            info.capability() % 10,
            info.libraries() == null
                ? ""
                : ", %s, %s".formatted(info.libraries(), driver.libraryVersions()));
  }

  @Override
  public void synchronize() {
    driver.synchronize();
  }

  @Override
  public Runnable repeatable(Runnable work) {
    return graphs.record(work);
  }

  @Override
  public void fill(Tensor x, float value) {
    elements.fill(x, value);
  }

  @Override
  public void copy(Tensor from, Tensor to) {
    elements.copy(from, to);
  }

  @Override
  public void axpy(float a, Tensor x, Tensor y) {
    elements.axpy(a, x, y);
  }

  @Override
  public void scale(Tensor x, float factor, Tensor out) {
    elements.scale(x, factor, out);
  }

  @Override
  public void add(Tensor a, Tensor b, Tensor out) {
    elements.plain(Operation.ADD, Activation.IDENTITY, a, b, out);
  }

  @Override
  public void multiply(Tensor a, Tensor b, Tensor out) {
    elements.plain(Operation.MULTIPLY, Activation.IDENTITY, a, b, out);
  }

  @Override
  public void activate(Tensor x, Activation activation, Tensor out) {
    elements.plain(Operation.ACTIVATE, activation, x, out);
  }

  @Override
  public void activateBackward(Tensor x, Activation activation, Tensor dy, Tensor dx) {
    elements.plain(Operation.ACTIVATE_BACKWARD, activation, x, dy, dx);
  }

  @Override
  public void addBias(Tensor x, Tensor bias, Tensor out) {
    channels.bias(x, bias, Activation.IDENTITY, null, out);
  }

  @Override
  public void channelSum(Tensor x, Tensor out) {
    channels.sum(x, out);
  }

  @Override
  public void scaleChannels(Tensor x, Tensor s, Tensor out) {
    channels.scale(x, s, out);
  }

  @Override
  public void channelDot(Tensor a, Tensor b, Tensor out) {
    channels.imageDot(a, b, out);
  }

  @Override
  public void copyChannels(Tensor from, int fromChannel, Tensor to, int toChannel, int count) {
    channels.copyChannels(from, fromChannel, to, toChannel, count);
  }

  @Override
  public double sum(Tensor x) {
    return elements.total(x, null);
  }

  @Override
  public double dot(Tensor a, Tensor b) {
    return elements.total(a, b);
  }

  @Override
  public void gemm(
      Tensor a, boolean transposeA, Tensor b, boolean transposeB, Tensor c, boolean accumulate) {
    int inner = a.shape().get(transposeA ? 0 : 1);
    if (c.size() == 0 || (inner == 0 && accumulate)) {
      return;
    }
    if (inner == 0) {
      elements.fill(c, 0);
      return;
    }
    driver.gemm(matrix(a), transposeA, matrix(b), transposeB, matrix(c), inner, accumulate);
  }

  private static Matrix matrix(Tensor tensor) {
    return new Matrix(DeviceStorage.address(tensor), tensor.shape().get(0), tensor.shape().get(1));
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
    images.conv2d(x, w, window, bias, activation, residual, out);
  }

  @Override
  public void conv2dBackwardData(Tensor dy, Tensor w, Window window, Tensor dx) {
    images.conv2dBackwardData(dy, w, window, dx);
  }

  @Override
  public void conv2dBackwardFilter(Tensor x, Tensor dy, Window window, Tensor dw) {
    images.conv2dBackwardFilter(x, dy, window, dw);
  }

  @Override
  public void depthwise(
      Tensor x, Tensor w, Window window, @Nullable Tensor bias, Activation activation, Tensor out) {
    images.depthwise(x, w, window, bias, activation, out);
  }

  @Override
  public void depthwiseBackwardData(Tensor dy, Tensor w, Window window, Tensor dx) {
    images.depthwiseBackwardData(dy, w, window, dx);
  }

  @Override
  public void depthwiseBackwardFilter(Tensor x, Tensor dy, Window window, Tensor dw) {
    images.depthwiseBackwardFilter(x, dy, window, dw);
  }

  @Override
  public void batchNormStatistics(Tensor z, Tensor mean, Tensor variance) {
    channels.statistics(z, mean, variance);
  }

  @Override
  public void batchNormApply(Tensor z, BatchNorm norm, @Nullable Tensor residual, Tensor out) {
    channels.batchNorm(z, norm, residual, out);
  }

  @Override
  public void batchNormBackward(
      Tensor z, BatchNorm norm, Tensor dy, Tensor dz, Tensor dgamma, Tensor dbeta) {
    channels.batchNormBackward(z, norm, dy, dz, dgamma, dbeta);
  }

  /** Needs no estimate of the means: threads shift by values of z itself. */
  @Override
  public double batchNormInnerProduct(
      Tensor z, Tensor dy, Tensor gamma, Tensor beta, float epsilon, Tensor shift) {
    return channels.innerProduct(z, dy, gamma, beta, epsilon);
  }

  @Override
  public void batchNormReduce(Tensor z, Tensor dy, NormGradient gradient, Tensor g) {
    channels.normReduce(z, dy, gradient, g);
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
    normalized.conv2dBackwardData(g, z, gradient, w, window, x, into, gx);
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
    normalized.conv2dBackwardFilter(x, norm, g, z, gradient, window, dw);
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
    normalized.depthwise(x, norm, w, window, z, mean, variance);
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
    normalized.depthwiseBackward(g, z, gradient, w, window, x, into, dw, gx);
  }

  @Override
  public void superkernel(
      Tensor w, Tensor thresholds, Tensor scales, Nesting nesting, Tensor gates, Tensor effective) {
    superkernels.run(false, nesting, w, thresholds, scales, gates, effective);
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
    superkernels.run(true, nesting, w, thresholds, scales, dgates, deffective, dw, dthresholds);
  }

  @Override
  public void maxPool(Tensor x, Window window, Tensor out) {
    images.maxPool(x, window, out);
  }

  @Override
  public void maxPoolBackward(Tensor x, Tensor dy, Window window, Tensor dx) {
    images.maxPoolBackward(x, dy, window, dx);
  }

  @Override
  public void avgPool(Tensor x, Window window, Tensor out) {
    images.avgPool(x, window, out);
  }

  @Override
  public void avgPoolBackward(Tensor dy, Window window, Tensor dx) {
    images.avgPoolBackward(dy, window, dx);
  }

  @Override
  public void globalAvgPool(Tensor x, Tensor out) {
    if (x.size() == 0) {
      elements.fill(out, 0);
      return;
    }
    channels.imageSum(x, share(x), out);
  }

  @Override
  public void globalAvgPoolBackward(Tensor dy, Tensor dx) {
    channels.broadcast(dy, share(dx), dx);
  }

  /** 1 / pixels of an image. */
  private static float share(Tensor image) {
    return 1f / (image.shape().get(1) * image.shape().get(2));
  }

  @Override
  public double softmaxCrossEntropy(
      Tensor logits, Tensor labels, float smoothing, @Nullable Tensor dlogits) {
    int rows = logits.shape().get(0);
    int classes = logits.shape().get(1);
    if (rows == 0) {
      return 0;
    }
    CrossEntropy.Mode mode =
        dlogits == null ? CrossEntropy.Mode.LOSS : CrossEntropy.Mode.LOSS_AND_GRADIENT;
    try (Tensor losses = kernels.workspace(rows, "loss of each row")) {
      Launch launch = Kernels.arguments(kernels.of(new CrossEntropy(mode)), logits, labels, losses);
      if (dlogits != null) {
        Kernels.argument(launch, dlogits);
      }
      launch
          .integer(rows)
          .integer(classes)
          .number(1 - smoothing)
          .number(smoothing / classes)
          .number(1f / rows);
      rows(launch, rows);
      return kernels.hostSum(losses) / rows;
    }
  }

  @Override
  public int countCorrect(Tensor logits, Tensor labels) {
    int rows = logits.shape().get(0);
    if (rows == 0) {
      return 0;
    }
    try (Tensor correct = kernels.workspace(rows, "correct rows")) {
      Launch launch = kernels.of(new CrossEntropy(CrossEntropy.Mode.CORRECT));
      Kernels.arguments(launch, logits, labels, correct);
      rows(launch.integer(rows).integer(logits.shape().get(1)), rows);
      return (int) kernels.hostSum(correct);
    }
  }

  private static void rows(Launch launch, int rows) {
    launch.grid(Kernels.ceil(rows, ROWS_OF_BLOCK), 1, 1).block(WARP, ROWS_OF_BLOCK).run();
  }

  @Override
  public void sgdStep(
      Tensor w, Tensor g, Tensor v, float rate, float momentum, float decay, boolean nesterov) {
    Tensor[] tensors = {w, g, v};
    elements.step(nesterov ? Rule.SGD_NESTEROV : Rule.SGD, tensors, rate, momentum, decay);
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
    Tensor[] tensors = {w, g, m, v};
    elements.step(Rule.ADAM, tensors, adam(rate, beta1, beta2, epsilon, decay, step));
  }

  private static float[] adam(
      float rate, float beta1, float beta2, float epsilon, float decay, int step) {
    return new float[] {
      beta1,
      beta2,
      (float) (1.0 - beta1),
      (float) (1.0 - beta2),
      decay,
      (float) (rate / (1 - Math.pow(beta1, step))),
      (float) (1 / (1 - Math.pow(beta2, step))),
      epsilon
    };
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
    Tensor[] tensors = {w, g, s, v};
    elements.step(Rule.RMSPROP, tensors, rho, (float) (1.0 - rho), momentum, decay, rate, epsilon);
  }

  @Override
  public void sgdSteps(
      List<Tensor[]> tensors, float rate, float momentum, float[] decays, boolean nesterov) {
    optimizers.steps(
        nesterov ? Rule.SGD_NESTEROV : Rule.SGD,
        tensors,
        i -> new float[] {rate, momentum, decays[i]});
  }

  @Override
  public void adamSteps(
      List<Tensor[]> tensors,
      float rate,
      float beta1,
      float beta2,
      float epsilon,
      float[] decays,
      int[] steps) {
    optimizers.steps(
        Rule.ADAM, tensors, i -> adam(rate, beta1, beta2, epsilon, decays[i], steps[i]));
  }

  @Override
  public void rmsPropSteps(
      List<Tensor[]> tensors,
      float rate,
      float rho,
      float momentum,
      float epsilon,
      float[] decays) {
    optimizers.steps(
        Rule.RMSPROP,
        tensors,
        i -> new float[] {rho, (float) (1.0 - rho), momentum, decays[i], rate, epsilon});
  }

  /** Gives the memory back and closes the driver. Idempotent. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      graphs.close();
      staging.close();
      memory.trim();
      allocator.close();
      driver.close();
    }
  }
}
