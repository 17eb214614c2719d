package dev.sextant.tensor.internal.cpu;

import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.SextantException;
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
import dev.sextant.tensor.internal.cpu.batchnorm.BatchNormKernels;
import dev.sextant.tensor.internal.cpu.bottleneck.CpuBottleneck;
import dev.sextant.tensor.internal.cpu.channels.ChannelKernels;
import dev.sextant.tensor.internal.cpu.convolution.ConvolutionKernels;
import dev.sextant.tensor.internal.cpu.depthwise.DepthwiseKernels;
import dev.sextant.tensor.internal.cpu.elementwise.ElementwiseKernels;
import dev.sextant.tensor.internal.cpu.gemm.GemmKernels;
import dev.sextant.tensor.internal.cpu.loss.LossKernels;
import dev.sextant.tensor.internal.cpu.optimizer.OptimizerKernels;
import dev.sextant.tensor.internal.cpu.pooling.PoolKernels;
import dev.sextant.tensor.internal.cpu.team.WorkerTeam;
import dev.sextant.tensor.internal.cpu.vector.VectorWidth;
import dev.sextant.tensor.internal.reference.ReferenceBackend;
import dev.sextant.tensor.internal.reference.ReferenceSuperkernel;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The CPU on the Vector API: kernels of each family, which split their work over one {@link
 * WorkerTeam}.
 *
 * <p>Serves one thread at a time, as does its memory.
 */
public final class CpuBackend implements Backend {
  private static final AtomicBoolean WARNED = new AtomicBoolean();

  private final Memory memory = new Memory();
  private final WorkerTeam team;

  /** Whether the team ends with this backend. */
  private final boolean own;

  private final Elementwise elementwise;
  private final Channels channels;
  private final Gemm gemm;
  private final Convolution convolution;
  private final Depthwise depthwise;
  private final BatchNormalization batchNorm;
  private final Bottleneck bottleneck;
  private final Superkernel superkernel = new ReferenceSuperkernel();
  private final Pooling pooling;
  private final Loss loss;
  private final Optimizer optimizer;

  private CpuBackend(WorkerTeam team, boolean own) {
    this.team = team;
    this.own = own;
    elementwise = new ElementwiseKernels(team);
    channels = new ChannelKernels(team);
    gemm = new GemmKernels(team, memory);
    convolution = new ConvolutionKernels(team, memory);
    DepthwiseKernels depthwiseKernels = new DepthwiseKernels(team, memory);
    depthwise = depthwiseKernels;
    batchNorm = new BatchNormKernels(team, memory);
    bottleneck = new CpuBottleneck(team, memory, convolution, depthwiseKernels, batchNorm);
    pooling = new PoolKernels(team, memory);
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
    return hasVectors() ? new CpuBackend(new WorkerTeam(threads), true) : scalar();
  }

  /** The same with a team that others use too, which the caller closes. */
  public static Backend open(WorkerTeam shared) {
    return hasVectors() ? new CpuBackend(shared, false) : scalar();
  }

  private static boolean hasVectors() {
    if (ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent()) {
      VectorWidth.check();
      return true;
    }
    return false;
  }

  private static Backend scalar() {
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
  public Runnable repeatable(Runnable work) {
    return own ? work : () -> team.inTurn(work);
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

  @Override
  public void close() {
    if (own) {
      team.close();
    }
  }
}
