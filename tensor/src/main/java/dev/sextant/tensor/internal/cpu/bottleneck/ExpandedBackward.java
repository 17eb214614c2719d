package dev.sextant.tensor.internal.cpu.bottleneck;

import dev.sextant.tensor.Activation;
import dev.sextant.tensor.BatchNorm;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.NormGradient;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import dev.sextant.tensor.family.Expansions.ConvolutionGradient;
import dev.sextant.tensor.internal.cpu.batchnorm.BatchNormKernels;
import dev.sextant.tensor.internal.cpu.batchnorm.NormPlanes;
import dev.sextant.tensor.internal.cpu.depthwise.DepthwiseBackward;
import dev.sextant.tensor.internal.cpu.depthwise.DepthwiseKernels;
import dev.sextant.tensor.internal.cpu.depthwise.DepthwiseNormTiles;
import dev.sextant.tensor.internal.cpu.depthwise.DepthwiseSlab;
import dev.sextant.tensor.internal.cpu.gemm.GemmBlock;
import dev.sextant.tensor.internal.cpu.team.WorkerTeam;
import org.jspecify.annotations.Nullable;

/**
 * The gradients of a depthwise convolution of expanded images, an image and a block of its channels
 * at a time: z1 and g2 are made again in slabs unless they were kept, g1 never leaves its slab but
 * as its share of the gradients of x and of the expansion. Called from one thread at a time.
 */
final class ExpandedBackward {
  private static final int LANES = GemmBlock.LANES;
  private static final float[] NONE = {};

  private final ExpandedImages expanded;
  private final ExpansionGradients gradients;
  private final DepthwiseKernels depthwise;
  private final NormPlanes projectionNorm = new NormPlanes();

  /** g2, if it is made again. */
  private final DepthwiseSlab behind = new DepthwiseSlab();

  /** g1. */
  private final DepthwiseSlab inFront = new DepthwiseSlab();

  private final GemmBlock[] projections;
  private final Task task;
  private final int threads;
  private int outputs;

  ExpandedBackward(WorkerTeam team, Memory memory, InputMoments moments) {
    threads = team.threads();
    expanded = new ExpandedImages(team, memory);
    gradients = new ExpansionGradients(expanded, moments);
    depthwise = new DepthwiseKernels(team, memory);
    projections = GemmBlock.forTeam(threads);
    task = new Task(expanded);
  }

  /** As {@link dev.sextant.tensor.Expansions#backward}. */
  void run(
      Tensor g,
      Tensor z,
      ConvolutionGradient projection,
      Tensor middle,
      @Nullable Tensor keptBehind,
      ConvolutionGradient kernel,
      Window window,
      Tensor x,
      Tensor inputMean,
      Tensor covariance,
      @Nullable Tensor kept,
      ConvolutionGradient expansion,
      @Nullable Tensor dx) {
    if (x.size() == 0 || middle.size() == 0) {
      nothing(kernel, expansion, dx);
      return;
    }
    expanded.sizes(x, middle, true);
    outputs = z.shape().channels();
    projectionNorm.view(outputs);
    int planes = ExpandedImages.whole(projectionNorm.size());
    int perWorker = slabSizes();
    Tensor dkernel = kernel.dw();
    try (Tensor slabs = expanded.gemm.workspace(planes + threads * perWorker, "expansion.slabs");
        Tensor _ = kept == null ? expanded.bind(expansion.w(), null) : null;
        Tensor _ = keptBehind == null ? bindProjection(projection.w()) : null;
        Tensor work =
            depthwise.backwardWorkspace(
                x.shape(), middle, window, dkernel != null, true, true, expanded.blockTiles());
        ExpansionGradients _ = gradients.open(expansion, dx)) {
      projectionNorm.at(slabs.floats(), slabs.offset());
      NormGradient sums = projection.gradient();
      projectionNorm.set(sums.norm(), sums.dgamma(), sums.dbeta(), z.shape().rows());
      placeSlabs(slabs.floats(), slabs.offset() + planes, perWorker);
      task.bind(g, z, kept == null, keptBehind == null);
      bindDepthwise(work, x, kept, middle, keptBehind, kernel, expansion);
      expanded.team.run(task);
      if (dkernel != null) {
        depthwise.backward.filterGradient(threads, dkernel);
      }
      depthwise.sums(expansion.gradient());
      gradients.finish(inputMean, covariance);
    } finally {
      clear();
    }
  }

  /** The gradients of a convolution without outputs. */
  private static void nothing(
      ConvolutionGradient kernel, ConvolutionGradient expansion, @Nullable Tensor dx) {
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

  private @Nullable Tensor bindProjection(Tensor w) {
    int m = expanded.images * expanded.outPixels;
    return expanded.bind(projections, m, w, true, expanded.blocks, expanded.hidden, outputs);
  }

  private int frontSize() {
    return ExpandedImages.whole(expanded.pixels * expanded.blockTiles() * LANES);
  }

  private int behindSize() {
    return ExpandedImages.whole(expanded.outPixels * expanded.blockTiles() * LANES);
  }

  private int rowsSize() {
    return ExpandedImages.whole(expanded.outPixels * outputs);
  }

  /** Tiles that overlap would read in z1 what another has written of g1. */
  private boolean inPlace() {
    return expanded.hidden % LANES == 0;
  }

  private int slabSizes() {
    return frontSize() + behindSize() + rowsSize() + (inPlace() ? 0 : frontSize());
  }

  /** A worker has z1, g2, the gradient of z of an image, and g1, where z1 is if it can be. */
  private void placeSlabs(float[] a, int from, int perWorker) {
    int step = expanded.blockTiles() * LANES;
    expanded.slab.at(a, from, perWorker, step);
    behind.at(a, from + frontSize(), perWorker, step);
    task.rows = from + frontSize() + behindSize();
    task.rowsApart = perWorker;
    inFront.at(a, inPlace() ? from : task.rows + rowsSize(), perWorker, step);
  }

  private void bindDepthwise(
      Tensor work,
      Tensor x,
      @Nullable Tensor kept,
      Tensor middle,
      @Nullable Tensor keptBehind,
      ConvolutionGradient kernel,
      ConvolutionGradient expansion) {
    DepthwiseBackward backward = depthwise.backward;
    float[] a = work.floats();
    int channels = expanded.hidden;
    int constants = backward.outputConstants;
    DepthwiseNormTiles.constants(kernel.gradient(), middle.shape().rows(), channels, a, constants);
    if (keptBehind == null) {
      Activation activation = kernel.gradient().norm().activation();
      backward.gradient.gradient(middle, behind, constants, activation);
    } else {
      backward.gradient.gradient(middle, keptBehind, constants);
    }
    BatchNorm norm = expansion.gradient().norm();
    DepthwiseNormTiles.constants(norm, channels, a, backward.constants);
    expanded.source(backward.source, x, kept, backward.constants, norm);
    backward.activation = norm.activation();
    backward.x = kept == null ? expanded.slab.array : kept.floats();
    backward.xOffset = kept == null ? 0 : kept.offset();
    backward.xSlab = kept == null ? expanded.slab : null;
    backward.out = inFront.array;
    backward.outSlab = inFront;
    DepthwiseKernels.packWeights(kernel.w(), backward.gather, a, backward.weights);
    backward.reset(threads);
  }

  private void clear() {
    for (GemmBlock projection : projections) {
      projection.clear();
    }
    expanded.clear();
    behind.clear();
    inFront.clear();
    projectionNorm.clear();
    task.clear();
  }

  private final class Task extends ExpandedImages.Task {
    private float[] g = NONE;
    private int ig;
    private float[] z = NONE;
    private int iz;

    /** Whether z1 is made again, and g2. */
    private boolean expands;

    private boolean projects;

    /** Where worker 0 has the gradient of z of an image. */
    private int rows;

    private int rowsApart;

    Task(ExpandedImages expanded) {
      super(expanded);
    }

    void bind(Tensor gradient, Tensor raw, boolean expand, boolean project) {
      g = gradient.floats();
      ig = gradient.offset();
      z = raw.floats();
      iz = raw.offset();
      expands = expand;
      projects = project;
    }

    void clear() {
      g = NONE;
      z = NONE;
    }

    @Override
    void start(int worker) {
      depthwise.backward.start(worker);
      gradients.start(worker);
    }

    @Override
    void image(int worker, int image) {
      DepthwiseBackward backward = depthwise.backward;
      if (projects) {
        gradientOfProjection(worker, image);
      }
      for (int block = 0; block < expanded.blocks; block++) {
        int first = expanded.firstTile(block);
        int end = expanded.firstTile(block + 1);
        if (expands) {
          expanded.expand(worker, image, block);
        }
        if (projects) {
          GemmBlock projection = projections[worker];
          projection.c(behind.array, behind.row(worker, 0, first), behind.step, false);
          projection.run(0, expanded.outPixels, first, end, expanded.scratch(worker));
        }
        backward.slice(worker, backward.own(worker), image, 0, backward.outHeight, first, end);
        gradients.add(worker, image, first, end, inFront);
      }
    }

    /** Finds the gradient of z of an image, from which its blocks of g2 are made. */
    private void gradientOfProjection(int worker, int image) {
      int count = expanded.outPixels * outputs;
      int at = image * count;
      int own = rows + worker * rowsApart;
      expanded.touch(worker, z, iz + at, count);
      expanded.touch(worker, g, ig + at, count);
      projectionNorm.gradient(z, iz + at, g, ig + at, behind.array, own, count);
      projections[worker].a(behind.array, own, outputs, 1);
    }
  }
}
