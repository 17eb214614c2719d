package dev.sextant.tensor.internal.cpu;

import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend.BatchNorm;
import dev.sextant.tensor.Backend.NormGradient;
import dev.sextant.tensor.Expansions.Stage;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A depthwise convolution whose input is the product of x and an expansion, an image at a time and
 * some of its channels: the product goes into a slab in the second-level cache, from there through
 * the depthwise kernel, and in the backward pass its gradient from the slab into those of x and the
 * expansion. The algebra is that of {@link dev.sextant.tensor.Expansions}.
 *
 * <p>Images are cut among the workers, so that sums are the same from run to run. Called from one
 * thread at a time.
 */
final class ExpandedDepthwise {
  /** Floats of a worker's slabs, if two tiles take no more: 384 KiB of a cache of 1 MiB. */
  private static final int SLAB_FLOATS = 96 << 10;

  private static final int LANES = GemmBlock.LANES;

  /** Slabs begin with a cache line, as tensors do. */
  private static final int LINE = 16;

  private static final float[] NONE = {};

  private final WorkerTeam team;
  private final GemmKernels gemm;
  private final InputMoments inputMoments;
  private final DepthwiseKernels depthwise;
  private final Worker[] workers;
  private final NormPlanes projectionNorm = new NormPlanes();
  private final DepthwiseSlab expanded = new DepthwiseSlab();
  private final DepthwiseSlab behind = new DepthwiseSlab();
  private final DepthwiseSlab inFront = new DepthwiseSlab();
  private final Forward forward = new Forward();
  private final Backward backward = new Backward();
  private final Correction correction = new Correction();

  private int images;
  private int pixels;
  private int outPixels;
  private int inputs;
  private int hidden;
  private int outputs;

  /** Blocks of tiles. */
  private int blocks;

  private float[] x = NONE;
  private int ix;
  private float[] space = NONE;

  /** What a worker multiplies. */
  private static final class Worker {
    final GemmBlock expand = new GemmBlock();
    final GemmBlock project = new GemmBlock();
    final GemmBlock filter = new GemmBlock();
    final GemmBlock data = new GemmBlock();
    final float[] scratch = new float[GemmBlock.SCRATCH];
  }

  ExpandedDepthwise(WorkerTeam team, Memory memory, InputMoments inputMoments) {
    this.team = team;
    this.inputMoments = inputMoments;
    gemm = new GemmKernels(team, memory);
    depthwise = new DepthwiseKernels(team, memory);
    workers = new Worker[team.threads()];
    for (int i = 0; i < workers.length; i++) {
      workers[i] = new Worker();
    }
  }

  /** z = depthwise(norm(x w), kernel), and the mean and the variance of z. */
  void forward(
      Tensor input,
      Tensor w,
      BatchNorm norm,
      @Nullable Tensor kept,
      Tensor kernel,
      Window window,
      Tensor z,
      Tensor mean,
      Tensor variance) {
    if (z.size() == 0) {
      BatchNormKernels.zero(mean);
      BatchNormKernels.zero(variance);
      return;
    }
    sizes(input, z);
    int blockTiles = divide(pixels);
    int step = blockTiles * LANES;
    int slab = whole(pixels * step);
    DepthwiseForward task = depthwise.forward;
    task.measured = true;
    try (Tensor slabs =
            gemm.workspace(kept == null ? workers.length * slab : 0, "expansion.slabs");
        Tensor _ = bindExpansion(w);
        Tensor work = depthwise.forwardWorkspace(input.shape(), window, z, blockTiles)) {
      x = input.floats();
      ix = input.offset();
      keep(kept);
      expanded.at(slabs.floats(), slabs.offset(), slab, step);
      DepthwiseNormTiles.constants(norm, hidden, work.floats(), task.constants);
      source(task.source, kept, input, task.constants, norm);
      task.statistics.reset(workers.length, DepthwiseTiles.count(hidden));
      DepthwiseKernels.packWeights(kernel, task.plan, work.floats(), task.weights);
      team.run(forward);
      task.statistics.total(workers.length, hidden, mean, variance);
    } finally {
      clear();
    }
  }

  /** See {@link dev.sextant.tensor.Expansions#backward}. */
  void backward(
      Tensor g,
      Tensor z,
      Stage projection,
      Tensor middle,
      @Nullable Tensor keptBehind,
      Stage kernel,
      Window window,
      Tensor input,
      Tensor inputMean,
      Tensor covariance,
      @Nullable Tensor kept,
      Stage expansion,
      @Nullable Tensor dx) {
    if (input.size() == 0 || middle.size() == 0) {
      nothing(kernel, expansion, dx);
      return;
    }
    sizes(input, middle);
    outputs = z.shape().channels();
    int blockTiles = divide(pixels + outPixels);
    int step = blockTiles * LANES;
    // Tiles that overlap read what another has written already.
    boolean inPlace = hidden % LANES == 0;
    // A pixel of x fits as well, for the correction.
    int front = whole(Math.max(pixels * step, inputs));
    int back = whole(outPixels * step);
    int rows = whole(outPixels * outputs);
    int perWorker = front + back + rows + (inPlace ? 0 : front);
    Tensor dw = expansion.dw();
    Tensor dkernel = kernel.dw();
    BatchNorm norm = expansion.gradient().norm();
    BatchNorm middleNorm = kernel.gradient().norm();
    projectionNorm.view(outputs);
    int partial = inputs * DepthwiseTiles.count(hidden) * LANES;
    DepthwiseBackward task = depthwise.backward;
    try (Tensor slabs =
            gemm.workspace(
                whole(projectionNorm.size()) + workers.length * perWorker, "expansion.slabs");
        Tensor partials =
            gemm.workspace(dw == null ? 0 : workers.length * partial, "expansion.partials");
        Tensor _ = bindExpansion(expansion.w());
        Tensor _ = bindProjection(projection.w());
        Tensor scaled = scaled(expansion.w(), norm);
        Tensor _ = bindData(scaled);
        Tensor work =
            depthwise.backwardWorkspace(
                input.shape(), middle, window, dkernel != null, true, true, blockTiles)) {
      x = input.floats();
      ix = input.offset();
      space = slabs.floats();
      projectionNorm.at(space, slabs.offset());
      NormGradient behindProjection = projection.gradient();
      projectionNorm.set(
          behindProjection.norm(),
          behindProjection.dgamma(),
          behindProjection.dbeta(),
          images * outPixels);
      int own = slabs.offset() + whole(projectionNorm.size());
      expanded.at(space, own, perWorker, step);
      behind.at(space, own + front, perWorker, step);
      backward.bind(g, z, own + front + back, perWorker);
      inFront.at(space, inPlace ? own : own + front + back + rows, perWorker, step);
      backward.partials = partials.floats();
      backward.ipartials = partials.offset();
      backward.partial = partial;
      backward.filterWanted = dw != null;
      backward.dx = dx == null ? NONE : dx.floats();
      backward.idx = dx == null ? 0 : dx.offset();
      backward.dataWanted = dx != null;
      float[] a = work.floats();
      DepthwiseNormTiles.constants(
          kernel.gradient(), images * outPixels, hidden, a, task.outputConstants);
      backward.expands = kept == null;
      backward.projects = keptBehind == null;
      if (keptBehind == null) {
        task.gradient.gradient(middle, behind, task.outputConstants, middleNorm.activation());
      } else {
        task.gradient.gradient(middle, keptBehind, task.outputConstants);
      }
      DepthwiseNormTiles.constants(norm, hidden, a, task.constants);
      source(task.source, kept, input, task.constants, norm);
      task.activation = norm.activation();
      task.x = kept == null ? space : kept.floats();
      task.xOffset = kept == null ? 0 : kept.offset();
      task.xSlab = kept == null ? expanded : null;
      task.out = space;
      task.outSlab = inFront;
      DepthwiseKernels.packWeights(kernel.w(), task.gather, a, task.weights);
      task.reset(workers.length);
      team.run(backward);
      if (dkernel != null) {
        task.filterGradient(workers.length, dkernel);
      }
      depthwise.sums(expansion.gradient());
      if (dw != null) {
        filterGradient(inputMean, covariance, expansion, dw);
      }
      if (dx != null) {
        correct(inputMean, expansion, scaled);
      }
    } finally {
      clear();
    }
  }

  /** The gradients of a convolution without outputs. */
  private static void nothing(Stage kernel, Stage expansion, @Nullable Tensor dx) {
    zero(kernel.dw());
    zero(expansion.dw());
    zero(expansion.gradient().dgamma());
    zero(expansion.gradient().dbeta());
    zero(dx);
  }

  private static void zero(@Nullable Tensor tensor) {
    if (tensor != null) {
      BatchNormKernels.zero(tensor);
    }
  }

  private void sizes(Tensor input, Tensor middle) {
    Shape in = input.shape();
    Shape out = middle.shape();
    images = in.get(0);
    pixels = in.get(1) * in.get(2);
    outPixels = out.get(1) * out.get(2);
    inputs = in.channels();
    hidden = out.channels();
  }

  /** Cuts the tiles into blocks whose slabs fit; returns the most tiles of a block. */
  private int divide(int slabPixels) {
    int tiles = DepthwiseTiles.count(hidden);
    // A block of two or more holds the channels of a last tile that begins early.
    int fitting = Math.clamp(SLAB_FLOATS / Math.max(1, slabPixels * LANES), 2, Math.max(2, tiles));
    blocks = (tiles + fitting - 1) / fitting;
    return (tiles + blocks - 1) / blocks;
  }

  private int firstTile(int block) {
    return GemmBlock.stretch(DepthwiseTiles.count(hidden), block, blocks);
  }

  private static int whole(int floats) {
    return (floats + LINE - 1) / LINE * LINE;
  }

  private void keep(@Nullable Tensor tensor) {
    forward.kept = tensor == null ? NONE : tensor.floats();
    forward.ikept = tensor == null ? 0 : tensor.offset();
    forward.keeps = tensor != null;
  }

  /** The depthwise kernel's input is in the slab, or in memory if it is kept. */
  private void source(
      DepthwiseSource source, @Nullable Tensor kept, Tensor input, int constants, BatchNorm norm) {
    if (kept == null) {
      source.normalized(expanded, input.shape(), hidden, constants, norm.activation());
    } else {
      source.normalized(kept, constants, norm.activation());
    }
  }

  private @Nullable Tensor bindExpansion(Tensor w) {
    GemmBlock first = workers[0].expand;
    first.sizes(images * pixels, hidden, inputs);
    first.across = blocks;
    Tensor bound = gemm.bindB(first, w, false);
    for (int i = 1; i < workers.length; i++) {
      workers[i].expand.shareB(first);
    }
    return bound;
  }

  private @Nullable Tensor bindProjection(Tensor w) {
    GemmBlock first = workers[0].project;
    first.sizes(images * outPixels, hidden, outputs);
    first.across = blocks;
    Tensor bound = gemm.bindB(first, w, true);
    for (int i = 1; i < workers.length; i++) {
      workers[i].project.shareB(first);
    }
    return bound;
  }

  private @Nullable Tensor bindData(Tensor scaled) {
    GemmBlock first = workers[0].data;
    first.sizes(images * pixels, inputs, hidden);
    Tensor bound = gemm.bindB(first, scaled, true);
    for (int i = 1; i < workers.length; i++) {
      workers[i].data.shareB(first);
    }
    return bound;
  }

  /** w with each column times its channel's gamma / sqrt(variance + epsilon), in workspace. */
  private Tensor scaled(Tensor w, BatchNorm norm) {
    Tensor out = gemm.workspace(w.size(), "expansion.scaled");
    for (int c = 0; c < hidden; c++) {
      float scale = (float) scale(norm, c);
      for (int i = c; i < w.size(); i += hidden) {
        out.floats()[out.offset() + i] = scale * w.floats()[w.offset() + i];
      }
    }
    return out;
  }

  private static double scale(BatchNorm norm, int channel) {
    return at(norm.gamma(), channel) * NormPlanes.inverse(norm, channel);
  }

  private static double at(Tensor tensor, int index) {
    return tensor.floats()[tensor.offset() + index];
  }

  /** dw = s (x' g1 - mean(x) dbeta - C w r dgamma), from the workers' x' g1 in their order. */
  private void filterGradient(Tensor inputMean, Tensor covariance, Stage expansion, Tensor dw) {
    NormGradient gradient = expansion.gradient();
    int stride = backward.partial / inputs;
    try (Tensor product = inputMoments.times(covariance, expansion.w(), inputs, hidden)) {
      for (int c = 0; c < hidden; c++) {
        double scale = scale(gradient.norm(), c);
        double slope = NormPlanes.inverse(gradient.norm(), c) * at(gradient.dgamma(), c);
        double offset = at(gradient.dbeta(), c);
        for (int i = 0; i < inputs; i++) {
          double sum = 0;
          for (int worker = 0; worker < workers.length; worker++) {
            sum +=
                backward.partials[backward.ipartials + worker * backward.partial + i * stride + c];
          }
          int at = i * hidden + c;
          sum -= at(inputMean, i) * offset + at(product, at) * slope;
          dw.floats()[dw.offset() + at] = (float) (scale * sum);
        }
      }
    }
  }

  /**
   * Adds to dx what depends on sums over the batch: -(x - mean(x)) w t w' - w u, where t = s r
   * dgamma / n and u = s dbeta / n.
   */
  private void correct(Tensor inputMean, Stage expansion, Tensor scaled) {
    NormGradient gradient = expansion.gradient();
    Tensor w = expansion.w();
    int count = images * pixels;
    try (Tensor matrix = gemm.workspace(inputs * inputs, "expansion.correction");
        Tensor vector = gemm.workspace(whole(inputs + LANES), "expansion.correction")) {
      Arrays.fill(vector.floats(), vector.offset(), vector.offset() + vector.size(), 0f);
      for (int i = 0; i < inputs; i++) {
        double sum = 0;
        for (int c = 0; c < hidden; c++) {
          int at = i * hidden + c;
          sum -= at(scaled, at) * at(gradient.dbeta(), c) / count;
        }
        vector.floats()[vector.offset() + i] = (float) sum;
      }
      for (int c = 0; c < hidden; c++) {
        double slope = -NormPlanes.inverse(gradient.norm(), c) * at(gradient.dgamma(), c) / count;
        for (int i = c; i < scaled.size(); i += hidden) {
          scaled.floats()[scaled.offset() + i] *= (float) slope;
        }
      }
      gemm.product(
          scaled,
          false,
          w,
          true,
          matrix,
          inputs,
          inputs,
          hidden,
          false,
          null,
          Activation.IDENTITY,
          null);
      for (int i = 0; i < inputs; i++) {
        double sum = at(vector, i);
        for (int j = 0; j < inputs; j++) {
          sum -= at(inputMean, j) * at(matrix, j * inputs + i);
        }
        vector.floats()[vector.offset() + i] = (float) sum;
      }
      GemmBlock first = workers[0].data;
      first.sizes(count, inputs, inputs);
      try (Tensor _ = gemm.bindB(first, matrix, false)) {
        first.bias(vector.floats(), vector.offset());
        for (int i = 1; i < workers.length; i++) {
          workers[i].data.shareB(first);
        }
        team.run(correction);
      }
    }
  }

  private void clear() {
    for (Worker worker : workers) {
      worker.expand.clear();
      worker.project.clear();
      worker.filter.clear();
      worker.data.clear();
    }
    expanded.clear();
    behind.clear();
    inFront.clear();
    projectionNorm.clear();
    forward.kept = NONE;
    backward.clear();
    x = NONE;
    space = NONE;
  }

  /** Leaves a block of an image's x w there. */
  private void expand(int worker, int image, int block, float[] to, int at, int step) {
    GemmBlock product = workers[worker].expand;
    product.a(x, ix + image * pixels * inputs, inputs, 1);
    product.c(to, at, step, false);
    product.run(0, pixels, firstTile(block), firstTile(block + 1), workers[worker].scratch);
  }

  /** Leaves a block of an image's x w in the worker's slab. */
  private void expand(int worker, int image, int block) {
    int at = expanded.row(worker, 0, firstTile(block));
    expand(worker, image, block, expanded.array, at, expanded.step);
  }

  private void touch(int worker, float[] a, int from, int count) {
    workers[worker].scratch[0] = CacheLines.touch(a, from, count);
  }

  /** The images of a worker. */
  private abstract class Images implements WorkerTeam.Task {
    @Override
    public final void run(int worker, int team) {
      int from = GemmKernels.cut(images, worker, team);
      int to = GemmKernels.cut(images, worker + 1, team);
      start(worker);
      for (int image = from; image < to; image++) {
        image(worker, image);
      }
    }

    abstract void start(int worker);

    abstract void image(int worker, int image);
  }

  private final class Forward extends Images {
    private boolean keeps;
    private float[] kept = NONE;
    private int ikept;

    @Override
    void start(int worker) {
      depthwise.forward.start(worker);
    }

    @Override
    void image(int worker, int image) {
      DepthwiseForward task = depthwise.forward;
      touch(worker, x, ix + image * pixels * inputs, pixels * inputs);
      for (int block = 0; block < blocks; block++) {
        if (keeps) {
          expand(worker, image, block, kept, ikept + image * pixels * hidden, hidden);
        } else {
          expand(worker, image, block);
        }
        task.slice(
            worker,
            task.own(worker),
            image,
            0,
            task.outHeight,
            firstTile(block),
            firstTile(block + 1));
      }
    }
  }

  private final class Backward extends Images {
    private float[] g = NONE;
    private int ig;
    private float[] z = NONE;
    private int iz;

    /** Whether z1 is made again, and g2. */
    private boolean expands;

    private boolean projects;

    /** Where a worker keeps the gradient of z of an image. */
    private int rows;

    private int rowsApart;
    private boolean filterWanted;

    /** x' g1 of each worker, {@code [workers, inputs, tiles, lanes]}. */
    private float[] partials = NONE;

    private int ipartials;
    private int partial;
    private boolean dataWanted;
    private float[] dx = NONE;
    private int idx;

    void bind(Tensor gradients, Tensor raw, int own, int perWorker) {
      g = gradients.floats();
      ig = gradients.offset();
      z = raw.floats();
      iz = raw.offset();
      rows = own;
      rowsApart = perWorker;
    }

    void clear() {
      g = NONE;
      z = NONE;
      partials = NONE;
      dx = NONE;
    }

    @Override
    void start(int worker) {
      depthwise.backward.start(worker);
      if (filterWanted) {
        int own = ipartials + worker * partial;
        Arrays.fill(partials, own, own + partial, 0f);
      }
    }

    @Override
    void image(int worker, int image) {
      DepthwiseBackward task = depthwise.backward;
      touch(worker, x, ix + image * pixels * inputs, pixels * inputs);
      if (projects) {
        gradientOfProjection(worker, image);
      }
      for (int block = 0; block < blocks; block++) {
        int first = firstTile(block);
        int end = firstTile(block + 1);
        if (expands) {
          expand(worker, image, block);
        }
        if (projects) {
          GemmBlock project = workers[worker].project;
          project.c(space, behind.row(worker, 0, first), behind.step, false);
          project.run(0, outPixels, first, end, workers[worker].scratch);
        }
        task.slice(worker, task.own(worker), image, 0, task.outHeight, first, end);
        if (filterWanted) {
          filter(worker, image, first, end);
        }
        if (dataWanted) {
          data(worker, image, first, end);
        }
      }
    }

    /** Finds the gradient of z of an image, from which its blocks of g2 are made. */
    private void gradientOfProjection(int worker, int image) {
      int at = image * outPixels * outputs;
      int own = rows + worker * rowsApart;
      touch(worker, z, iz + at, outPixels * outputs);
      touch(worker, g, ig + at, outPixels * outputs);
      projectionNorm.gradient(z, iz + at, g, ig + at, space, own, outPixels * outputs);
      workers[worker].project.a(space, own, outputs, 1);
    }

    private void filter(int worker, int image, int first, int end) {
      GemmBlock product = workers[worker].filter;
      // Whole vectors: what the padding columns hold is never read.
      product.sizes(inputs, (end - first) * LANES, pixels);
      product.a(x, ix + image * pixels * inputs, 1, inputs);
      product.bRowMajor(space, inFront.of(worker), inFront.step);
      product.c(partials, ipartials + worker * partial + first * LANES, partial / inputs, true);
      product.run(0, inputs, 0, product.vectors(), 0, pixels, true, workers[worker].scratch);
    }

    private void data(int worker, int image, int first, int end) {
      GemmBlock product = workers[worker].data;
      int from = first * LANES;
      product.a(space, inFront.of(worker) - from, inFront.step, 1);
      product.c(dx, idx + image * pixels * inputs, inputs, false);
      product.run(
          0,
          pixels,
          0,
          product.vectors(),
          from,
          Math.min(hidden, end * LANES),
          first > 0,
          workers[worker].scratch);
    }
  }

  /** dx += x matrix + vector, an image at a time. */
  private final class Correction extends Images {
    @Override
    void start(int worker) {}

    @Override
    void image(int worker, int image) {
      GemmBlock product = workers[worker].data;
      int own = expanded.of(worker);
      int step = Math.max(1, pixels * expanded.step / inputs);
      for (int pixel = 0; pixel < pixels; pixel += step) {
        int count = Math.min(step, pixels - pixel);
        int at = (image * pixels + pixel) * inputs;
        product.a(x, ix + at, inputs, 1);
        product.c(space, own, inputs, false);
        product.run(0, count, 0, product.vectors(), workers[worker].scratch);
        int to = backward.idx + at;
        VectorMath.add(space, own, backward.dx, to, backward.dx, to, count * inputs);
      }
    }
  }
}
