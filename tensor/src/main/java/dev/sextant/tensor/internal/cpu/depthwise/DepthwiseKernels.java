package dev.sextant.tensor.internal.cpu.depthwise;

import dev.sextant.tensor.Activation;
import dev.sextant.tensor.BatchNorm;
import dev.sextant.tensor.FixedKernel;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.NormGradient;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import dev.sextant.tensor.family.Depthwise;
import dev.sextant.tensor.family.DepthwiseRules;
import dev.sextant.tensor.internal.cpu.team.WorkerTeam;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Depthwise convolution on the Vector API: the methods of {@link dev.sextant.tensor.Backend} of
 * these names, for shapes that the caller has checked.
 *
 * <p>Both the forward pass and the gradient of the input are dense correlations ({@link
 * DepthwisePlan}) of zero-padded tiles ({@link DepthwiseTiles}). Scratch comes from the memory as
 * workspace and goes back before a method returns.
 *
 * <p>Not thread-safe: called from the thread of the memory.
 */
public final class DepthwiseKernels implements Depthwise {
  private static final int LANES = DepthwiseTiles.LANES;

  /** Floats between two workers' scratch, so that they share no cache line. */
  private static final int GAP = 32;

  /** Multiply-adds below which waking the team costs more than it gains (about 1 us). */
  private static final long SHARE_FROM = 1 << 16;

  /** Floats of an image that is in the second-level cache: three quarters of 1 MiB. */
  private static final int NEAR_FLOATS = 3 << 16;

  private static final float[] NONE = {};

  private final WorkerTeam team;
  private final Memory memory;

  /** Set by {@link #forwardWorkspace}. */
  public final DepthwiseForward forward = new DepthwiseForward();

  /** Set by {@link #backwardWorkspace}. */
  public final DepthwiseBackward backward = new DepthwiseBackward();

  /** Kernels that run on this team and take their scratch from this memory. */
  public DepthwiseKernels(WorkerTeam team, Memory memory) {
    this.team = team;
    this.memory = memory;
  }

  /** out = activation(depthwise(x, w) + bias). */
  @Override
  public void forward(
      Tensor x, Tensor w, Window window, @Nullable Tensor bias, Activation activation, Tensor out) {
    DepthwiseRules.forward(x, w, window, bias, out);
    if (out.size() == 0) {
      return;
    }
    forward.measured = false;
    try (Tensor work = forwardWorkspace(x.shape(), window, out, 0)) {
      forward.source.plain(x);
      forward.activation = activation;
      if (bias != null) {
        biases(bias, work.floats(), forward.biases);
      }
      packWeights(w, forward.plan, work.floats(), forward.weights);
      team.run(forward);
    }
  }

  @Override
  public FixedKernel fix(Tensor w, Tensor bias, Window window) {
    DepthwiseRules.fix(w, bias, window);
    int channels = w.shape().channels();
    int tiles = DepthwiseTiles.count(channels);
    int kernelSize = window.kernel() * window.kernel() * LANES;
    Shape size = Shape.of(Math.multiplyExact(tiles, kernelSize + LANES));
    Tensor values = w.memory().floats(size, Category.WEIGHTS, "fixed kernel");
    int extent = Math.max(1, window.span() - 2 * window.padding());
    int out = window.outputExtent(extent);
    forward.plan.forward(window, extent, extent, out, out, true);
    packWeights(w, forward.plan, values.floats(), values.offset());
    int at = values.offset() + tiles * kernelSize;
    Arrays.fill(values.floats(), at, at + tiles * LANES, 0f);
    biases(bias, values.floats(), at);
    return new FixedKernel(w.shape(), window, values, null, 1);
  }

  @Override
  public void forward(Tensor x, FixedKernel kernel, Activation activation, Tensor out) {
    DepthwiseRules.forward(x, kernel, out);
    if (out.size() == 0) {
      return;
    }
    forward.measured = false;
    Window window = kernel.window();
    // A fixed kernel is a network's that runs, whose images were written just before.
    boolean near = x.size() <= NEAR_FLOATS;
    try (Tensor _ = forwardWorkspace(x.shape(), window, out.shape(), 0, kernel, near)) {
      output(out);
      forward.source.plain(x);
      forward.activation = activation;
      long macs = (long) out.size() * window.kernel() * window.kernel();
      if (macs < SHARE_FROM) {
        forward.run(0, 1);
      } else {
        team.run(forward);
      }
    } finally {
      forward.kernels = NONE;
    }
  }

  /**
   * Plans a forward pass by a fixed kernel over rows that workers bring about themselves, and takes
   * its scratch. {@link DepthwiseForward#rows} does the work, to the output or to rows of each
   * worker.
   *
   * @param x the extents of the images
   * @param array where all workers' rows are
   * @param shifts for each worker, how much further on than in the whole images its rows lie
   * @param middle the extents of the output
   * @param out where the output is to go, from {@code to} on
   * @param outShifts the same for the output's rows; null where it is whole
   */
  public Tensor bandWorkspace(
      Shape x,
      FixedKernel kernel,
      Activation activation,
      float[] array,
      int[] shifts,
      Shape middle,
      float[] out,
      int to,
      int @Nullable [] outShifts) {
    forward.measured = false;
    Tensor work = forwardWorkspace(x, kernel.window(), middle, 0, kernel, true);
    forward.source.bands(x, x.channels(), array, shifts);
    forward.activation = activation;
    forward.out = out;
    forward.outOffset = to;
    forward.outShifts = outShifts;
    return work;
  }

  /** z = depthwise(norm(x), w), and the mean and the variance of z. */
  public void forwardNormalized(
      Tensor x,
      @Nullable BatchNorm norm,
      Tensor w,
      Window window,
      Tensor z,
      Tensor mean,
      Tensor variance) {
    if (z.size() == 0) {
      zero(mean);
      zero(variance);
      return;
    }
    forward.measured = true;
    try (Tensor work = forwardWorkspace(x.shape(), window, z, 0)) {
      if (norm == null) {
        forward.source.plain(x);
      } else {
        DepthwiseNormTiles.constants(norm, forward.channels, work.floats(), forward.constants);
        forward.source.normalized(x, forward.constants, norm.activation());
      }
      forward.statistics.reset(team.threads(), DepthwiseTiles.count(forward.channels));
      packWeights(w, forward.plan, work.floats(), forward.weights);
      team.run(forward);
      forward.statistics.total(team.threads(), forward.channels, mean, variance);
    }
  }

  /**
   * Plans a forward pass and takes its scratch: weights, biases (zeros), constants of a norm.
   *
   * @param blockTiles tiles that are worked on at a time, or 0 for as many as are best
   */
  public Tensor forwardWorkspace(Shape x, Window window, Tensor out, int blockTiles) {
    Tensor work = forwardWorkspace(x, window, out.shape(), blockTiles, null, false);
    output(out);
    return work;
  }

  private void output(Tensor out) {
    forward.out = out.floats();
    forward.outOffset = out.offset();
    forward.outShifts = null;
  }

  private Tensor forwardWorkspace(
      Shape x,
      Window window,
      Shape out,
      int blockTiles,
      @Nullable FixedKernel fixed,
      boolean near) {
    int channels = out.get(3);
    int tiles = DepthwiseTiles.count(channels);
    DepthwisePlan plan = forward.plan;
    plan.forward(window, x.get(1), x.get(2), out.get(1), out.get(2), true);
    forward.planned = forward.image.plan(window, x.get(2), out.get(2));
    output(forward, out, window);
    forward.source.width = x.get(2);
    forward.source.near = near;
    long tileBytes = (long) plan.ringRows * plan.width * LANES * Float.BYTES;
    forward.divide(team.threads(), tileBytes, !forward.measured, near);
    if (blockTiles > 0) {
      forward.blockTiles = blockTiles;
    }
    int kernelSize = window.kernel() * window.kernel() * LANES;
    int shared = fixed == null ? tiles * (kernelSize + LANES + DepthwiseNormTiles.CONSTANTS) : 0;
    forward.workerSize = forward.scratchSize() + GAP;
    Tensor work = workspace(shared + GAP + team.threads() * forward.workerSize);
    forward.work = work.floats();
    Tensor kernels = fixed == null ? work : fixed.values();
    forward.kernels = kernels.floats();
    forward.weights = kernels.offset();
    forward.biases = kernels.offset() + tiles * kernelSize;
    forward.constants = forward.biases + tiles * LANES;
    forward.workers = work.offset() + shared + GAP;
    if (fixed == null) {
      Arrays.fill(work.floats(), forward.biases, forward.biases + tiles * LANES, 0f);
    }
    return work;
  }

  /** dx = the gradient with respect to the input. */
  @Override
  public void backwardData(Tensor dy, Tensor w, Window window, Tensor dx) {
    DepthwiseRules.backwardData(dy, w, window, dx);
    if (dx.size() == 0) {
      return;
    }
    try (Tensor work = backwardWorkspace(dx.shape(), dy, window, false, true, false, 0)) {
      gradient(dx);
      backward.gradient.plain(dy);
      packWeights(w, backward.gather, work.floats(), backward.weights);
      team.run(backward);
    }
  }

  /** dw = the gradient with respect to the kernel. */
  @Override
  public void backwardFilter(Tensor x, Tensor dy, Window window, Tensor dw) {
    DepthwiseRules.backwardFilter(x, dy, window, dw);
    if (dy.size() == 0) {
      zero(dw);
      return;
    }
    try (Tensor _ = backwardWorkspace(x.shape(), dy, window, true, false, false, 0)) {
      backward.source.plain(x);
      backward.gradient.plain(dy);
      team.run(backward);
      backward.filterGradient(team.threads(), dw);
    }
  }

  /** Both gradients of z = depthwise(norm(x), w) in one pass. */
  public void backwardNormalized(
      Tensor g,
      Tensor z,
      NormGradient gradient,
      Tensor w,
      Window window,
      @Nullable Tensor x,
      @Nullable NormGradient into,
      @Nullable Tensor dw,
      @Nullable Tensor gx) {
    if (z.size() == 0) {
      nothing(into, dw, gx);
      return;
    }
    Tensor image = gx != null ? gx : x;
    if (image == null || (dw == null && gx == null)) {
      return;
    }
    boolean reduced = into != null && gx != null;
    try (Tensor work =
        backwardWorkspace(image.shape(), z, window, dw != null, gx != null, reduced, 0)) {
      int channels = backward.channels;
      float[] a = work.floats();
      int outputNorm = backward.outputConstants;
      DepthwiseNormTiles.constants(gradient, z.size() / channels, channels, a, outputNorm);
      backward.gradient.gradient(z, g, outputNorm);
      if (x != null && into != null) {
        DepthwiseNormTiles.constants(into.norm(), channels, a, backward.constants);
        backward.source.normalized(x, backward.constants, into.norm().activation());
        backward.activation = into.norm().activation();
        backward.x = x.floats();
        backward.xOffset = x.offset();
      } else if (x != null) {
        backward.source.plain(x);
      }
      if (gx != null) {
        gradient(gx);
        packWeights(w, backward.gather, a, backward.weights);
      }
      backward.reset(team.threads());
      team.run(backward);
      if (dw != null) {
        backward.filterGradient(team.threads(), dw);
      }
      if (into != null && gx != null) {
        sums(into);
      }
    }
  }

  /** Writes the sums of the input's norm after a backward pass. */
  public void sums(NormGradient into) {
    for (int c = 0; c < backward.channels; c++) {
      double inverse = DepthwiseNormTiles.inverse(into.norm(), c);
      double product = backward.sum(team.threads(), 1, c);
      into.dgamma().floats()[into.dgamma().offset() + c] = (float) (product * inverse);
      into.dbeta().floats()[into.dbeta().offset() + c] = (float) backward.sum(team.threads(), 0, c);
    }
  }

  /** The gradients of a convolution without outputs. */
  private static void nothing(
      @Nullable NormGradient into, @Nullable Tensor dw, @Nullable Tensor gx) {
    if (dw != null) {
      zero(dw);
    }
    if (gx != null) {
      zero(gx);
      if (into != null) {
        zero(into.dgamma());
        zero(into.dbeta());
      }
    }
  }

  /**
   * Plans a backward pass and takes its scratch: weights, zeros, constants of two norms.
   *
   * @param blockTiles tiles that are worked on at a time, or 0 for as many as are best
   */
  public Tensor backwardWorkspace(
      Shape x,
      Tensor dy,
      Window window,
      boolean filterWanted,
      boolean dataWanted,
      boolean reduced,
      int blockTiles) {
    int channels = dy.shape().get(3);
    int tiles = DepthwiseTiles.count(channels);
    int outHeight = dy.shape().get(1);
    int outWidth = dy.shape().get(2);
    output(backward, dy.shape(), window);
    backward.filterWanted = filterWanted;
    backward.dataWanted = dataWanted;
    backward.reduced = reduced;
    backward.inHeight = x.get(1);
    backward.inWidth = x.get(2);
    backward.xSlab = null;
    backward.outSlab = null;
    backward.forward.forward(window, x.get(1), x.get(2), outHeight, outWidth, false);
    backward.gather.backwardData(window, x.get(1), x.get(2), outHeight, outWidth);
    backward.gather.cover(backward.forward.paddedColumns());
    backward.divide(team.threads(), backward.tileBytes(), !filterWanted && !reduced, false);
    if (blockTiles > 0) {
      backward.blockTiles = blockTiles;
    }
    int kernelSize = window.kernel() * window.kernel() * LANES;
    int shared = LANES + tiles * (kernelSize + 2 * DepthwiseNormTiles.CONSTANTS);
    backward.workerSize = backward.scratchSize() + GAP;
    Tensor work = workspace(shared + GAP + team.threads() * backward.workerSize);
    backward.work = work.floats();
    backward.zeros = work.offset();
    backward.weights = work.offset() + LANES;
    backward.constants = backward.weights + tiles * kernelSize;
    backward.outputConstants = backward.constants + tiles * DepthwiseNormTiles.CONSTANTS;
    backward.workers = work.offset() + shared + GAP;
    Arrays.fill(work.floats(), backward.zeros, backward.zeros + LANES, 0f);
    return work;
  }

  private void gradient(Tensor dx) {
    backward.out = dx.floats();
    backward.outOffset = dx.offset();
  }

  private static void output(DepthwiseTask task, Shape out, Window window) {
    task.images = out.get(0);
    task.outHeight = out.get(1);
    task.outWidth = out.get(2);
    task.channels = out.get(3);
    task.kernel = window.kernel();
  }

  private Tensor workspace(int size) {
    return memory.floats(Shape.of(size), Category.WORKSPACE, "depthwise");
  }

  /** Copies a bias into {@code [tile, lanes]}; what a last tile lacks stays as it is. */
  private static void biases(Tensor bias, float[] a, int to) {
    int channels = bias.size();
    for (int tile = 0; tile < DepthwiseTiles.count(channels); tile++) {
      System.arraycopy(
          bias.floats(),
          bias.offset() + DepthwiseTiles.channel(tile, channels),
          a,
          to + tile * LANES,
          Math.min(LANES, channels));
    }
  }

  /** Packs w into {@code [tile, kernel row, place, lanes]}, the order in which taps are met. */
  public static void packWeights(Tensor w, DepthwisePlan plan, float[] a, int to) {
    int kernel = w.shape().get(0);
    int channels = w.shape().get(2);
    int taps = kernel * kernel;
    for (int tile = 0; tile < DepthwiseTiles.count(channels); tile++) {
      int from = w.offset() + DepthwiseTiles.channel(tile, channels);
      int at = to + tile * taps * LANES;
      if (channels < LANES) {
        Arrays.fill(a, at, at + taps * LANES, 0f);
      } else if (plan.packedInOrder()) {
        DepthwiseTiles.load(w.floats(), from, channels, taps, a, at);
        continue;
      }
      for (int tap = 0; tap < taps; tap++) {
        int kernelTap = tap / kernel * kernel + plan.packed[tap % kernel];
        int lanes = Math.min(LANES, channels);
        System.arraycopy(w.floats(), from + kernelTap * channels, a, at + tap * LANES, lanes);
      }
    }
  }

  private static void zero(Tensor tensor) {
    Arrays.fill(tensor.floats(), tensor.offset(), tensor.offset() + tensor.size(), 0f);
  }
}
