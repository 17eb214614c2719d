package dev.sextant.kernels.cuda;

import dev.sextant.kernels.batchnorm.BatchNormLaunches;
import dev.sextant.kernels.bottleneck.BottleneckLaunches;
import dev.sextant.kernels.channels.ChannelLaunches;
import dev.sextant.kernels.channels.ChannelPasses;
import dev.sextant.kernels.convolution.ConvolutionLaunches;
import dev.sextant.kernels.depthwise.DepthwiseLaunches;
import dev.sextant.kernels.device.CachingAllocator;
import dev.sextant.kernels.device.DeviceStorage;
import dev.sextant.kernels.device.Kernels;
import dev.sextant.kernels.device.Staging;
import dev.sextant.kernels.driver.Driver;
import dev.sextant.kernels.elementwise.ElementwiseLaunches;
import dev.sextant.kernels.gemm.GemmLaunches;
import dev.sextant.kernels.loss.LossLaunches;
import dev.sextant.kernels.optimizer.OptimizerLaunches;
import dev.sextant.kernels.pooling.PoolingLaunches;
import dev.sextant.kernels.superkernel.SuperkernelLaunches;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.family.BatchNormalization;
import dev.sextant.tensor.family.Bottleneck;
import dev.sextant.tensor.family.Channels;
import dev.sextant.tensor.family.Convolution;
import dev.sextant.tensor.family.Depthwise;
import dev.sextant.tensor.family.Elementwise;
import dev.sextant.tensor.family.Gemm;
import dev.sextant.tensor.family.Loss;
import dev.sextant.tensor.family.Optimizer;
import dev.sextant.tensor.family.Pooling;
import dev.sextant.tensor.family.Superkernel;
import java.util.Locale;

/**
 * Hand-written kernels, cuBLAS and cuDNN behind {@link Backend}, on whatever driver it is given.
 * Kernels are queued on one stream; only what returns a number, and downloads, wait for it.
 */
public final class CudaBackend implements Backend {
  private final Device device;
  private final Driver driver;
  private final CachingAllocator allocator;
  private final Memory memory;
  private final Kernels kernels;
  private final Elementwise elementwise;
  private final Channels channels;
  private final Gemm gemm;
  private final Convolution convolution;
  private final Depthwise depthwise;
  private final BatchNormalization batchNorm;
  private final Bottleneck bottleneck;
  private final Superkernel superkernel;
  private final Pooling pooling;
  private final Loss loss;
  private final Optimizer optimizer;
  private final Staging staging;
  private final Graphs graphs;
  private boolean closed;

  /**
   * A backend on a driver, which it closes with itself.
   *
   * @param device what messages call it
   * @param driver opened on that device
   */
  public CudaBackend(Device device, Driver driver) {
    this.device = device;
    this.driver = driver;
    allocator = new CachingAllocator(driver);
    memory = DeviceStorage.memory(allocator, driver);
    kernels = new Kernels(driver, memory);
    staging = new Staging(driver, allocator);
    graphs = new Graphs(driver, kernels);
    ChannelPasses passes = new ChannelPasses(kernels);
    ElementwiseLaunches elements = new ElementwiseLaunches(kernels);
    ChannelLaunches channelLaunches = new ChannelLaunches(kernels, passes, elements);
    DepthwiseLaunches stencils = new DepthwiseLaunches(kernels, passes, elements);
    BatchNormLaunches norms = new BatchNormLaunches(kernels, passes);
    elementwise = elements;
    channels = channelLaunches;
    gemm = new GemmLaunches(driver, elements);
    convolution = new ConvolutionLaunches(kernels, channelLaunches, elements);
    depthwise = stencils;
    batchNorm = norms;
    bottleneck = new BottleneckLaunches(kernels, convolution, stencils, norms);
    superkernel = new SuperkernelLaunches(kernels);
    pooling = new PoolingLaunches(kernels, passes, elements);
    loss = new LossLaunches(kernels);
    optimizer = new OptimizerLaunches(kernels, staging);
  }

  @Override
  public Device device() {
    return device;
  }

  /** {@return one: a device schedules its own threads} */
  @Override
  public int threads() {
    return 1;
  }

  @Override
  public Memory memory() {
    return memory;
  }

  /** {@return the seam to the driver: for whoever times what a device does} */
  public Driver driver() {
    return driver;
  }

  /** {@return the kernels loaded so far} */
  public Kernels kernels() {
    return kernels;
  }

  /** {@return what the allocator below the pool did so far} */
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
    Driver.DeviceProperties properties = driver.properties();
    return String.format(
        Locale.ROOT,
        "%s, %s, compute capability %d.%d%s",
        properties.name(),
        Memory.human(properties.bytes()),
        properties.capability() / 10,
        properties.capability() % 10,
        properties.libraries() == null
            ? ""
            : String.format(
                Locale.ROOT, ", %s, %s", properties.libraries(), driver.libraryVersions()));
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
