package dev.sextant.tensor.internal.reference;

import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.family.BatchNormalization;
import dev.sextant.tensor.family.Bottleneck;
import dev.sextant.tensor.family.Channels;
import dev.sextant.tensor.family.ComposedBottleneck;
import dev.sextant.tensor.family.Convolution;
import dev.sextant.tensor.family.Depthwise;
import dev.sextant.tensor.family.Elementwise;
import dev.sextant.tensor.family.Gemm;
import dev.sextant.tensor.family.Loss;
import dev.sextant.tensor.family.Optimizer;
import dev.sextant.tensor.family.Pooling;
import dev.sextant.tensor.family.Superkernel;

/**
 * The oracle: plain loops in double, each element rounded to float once, on the calling thread.
 *
 * <p>Every kernel reads its inputs into arrays of doubles before it writes. It is also the CPU
 * backend where the JVM has no vector module.
 */
public final class ReferenceBackend implements Backend {
  private final Device device;
  private final Memory memory = new Memory();
  private final Elementwise elementwise = new ReferenceElementwise();
  private final Channels channels = new ReferenceChannels();
  private final Gemm gemm = new ReferenceGemm();
  private final Convolution convolution = new ReferenceConvolution();
  private final Depthwise depthwise = new ReferenceDepthwise();
  private final BatchNormalization batchNorm = new ReferenceNorm(memory, elementwise);
  private final Bottleneck bottleneck =
      new ComposedBottleneck(memory, convolution, depthwise, batchNorm);
  private final Superkernel superkernel = new ReferenceSuperkernel();
  private final Pooling pooling = new ReferencePooling();
  private final Loss loss = new ReferenceLoss();
  private final Optimizer optimizer = new ReferenceOptimizer();

  /** The reference device with a memory of its own. */
  public ReferenceBackend() {
    this(Device.REFERENCE);
  }

  /** The same kernels under another device's name, such as the CPU's. */
  public ReferenceBackend(Device device) {
    this.device = device;
  }

  @Override
  public Device device() {
    return device;
  }

  @Override
  public int threads() {
    return 1;
  }

  @Override
  public Memory memory() {
    return memory;
  }

  @Override
  public Elementwise elementwise() {
    return elementwise;
  }

  @Override
  public Channels channels() {
    return channels;
  }

  @Override
  public Gemm gemm() {
    return gemm;
  }

  @Override
  public Convolution convolution() {
    return convolution;
  }

  @Override
  public Depthwise depthwise() {
    return depthwise;
  }

  @Override
  public BatchNormalization batchNorm() {
    return batchNorm;
  }

  @Override
  public Bottleneck bottleneck() {
    return bottleneck;
  }

  @Override
  public Superkernel superkernel() {
    return superkernel;
  }

  @Override
  public Pooling pooling() {
    return pooling;
  }

  @Override
  public Loss loss() {
    return loss;
  }

  @Override
  public Optimizer optimizer() {
    return optimizer;
  }

  /** Has no threads to stop. */
  @Override
  public void close() {}
}
