package dev.sextant.tensor.internal.cpu.bottleneck;

import dev.sextant.tensor.Activation;
import dev.sextant.tensor.BatchNorm;
import dev.sextant.tensor.NormGradient;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.family.Expansions.ConvolutionGradient;
import dev.sextant.tensor.internal.cpu.batchnorm.NormPlanes;
import dev.sextant.tensor.internal.cpu.depthwise.DepthwiseSlab;
import dev.sextant.tensor.internal.cpu.depthwise.DepthwiseTiles;
import dev.sextant.tensor.internal.cpu.gemm.GemmBlock;
import dev.sextant.tensor.internal.cpu.gemm.GemmKernels;
import dev.sextant.tensor.internal.cpu.vector.VectorMath;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The gradients of an expansion's kernel w and of x, either or both, from blocks of g1 as they
 * come: x' g1 and (s g1) w', and what depends on sums over the batch at the end. The algebra is
 * that of {@link dev.sextant.tensor.Expansions}.
 */
final class ExpansionGradients implements AutoCloseable {
  private static final int LANES = GemmBlock.LANES;
  private static final float[] NONE = {};

  private final ExpandedImages expanded;
  private final InputMoments moments;
  private final GemmKernels gemm;
  private final GemmBlock[] filters;
  private final GemmBlock[] data;
  private final Correction correction;
  private final int threads;
  private @Nullable ConvolutionGradient expansion;
  private @Nullable Tensor dx;

  /** w with each column times its channel's s. */
  private @Nullable Tensor scaled;

  private @Nullable Tensor packed;

  /** x' g1 of each worker, {@code [workers, inputs, tiles, lanes]}. */
  private @Nullable Tensor partials;

  private int partial;
  private int stride;

  ExpansionGradients(ExpandedImages expanded, InputMoments moments) {
    this.expanded = expanded;
    this.moments = moments;
    gemm = expanded.gemm;
    threads = expanded.team.threads();
    filters = GemmBlock.forTeam(threads);
    data = GemmBlock.forTeam(threads);
    correction = new Correction(expanded);
  }

  /** Begins those that are wanted; to be closed. */
  ExpansionGradients open(ConvolutionGradient stage, @Nullable Tensor gradient) {
    expansion = stage;
    dx = gradient;
    stride = DepthwiseTiles.count(expanded.hidden) * LANES;
    partial = expanded.inputs * stride;
    if (stage.dw() != null) {
      partials = gemm.workspace(threads * partial, "expansion.partials");
    }
    if (gradient != null) {
      Tensor columns = scaled(stage.w(), stage.gradient().norm());
      int m = expanded.images * expanded.pixels;
      packed = expanded.bind(data, m, columns, true, 1, expanded.inputs, expanded.hidden);
      scaled = columns;
    }
    return this;
  }

  /** Before a worker's first image. */
  void start(int worker) {
    Tensor sums = partials;
    if (sums != null) {
      int own = sums.offset() + worker * partial;
      Arrays.fill(sums.floats(), own, own + partial, 0f);
    }
  }

  /** Adds a worker's block of tiles of g1 of an image. */
  void add(int worker, int image, int firstTile, int endTile, DepthwiseSlab g1) {
    if (partials != null) {
      GemmBlock product = filters[worker];
      int columns = firstTile * LANES;
      // Whole vectors: what the padding columns hold is never read.
      product.sizes(expanded.inputs, (endTile - firstTile) * LANES, expanded.pixels);
      product.a(expanded.x, expanded.image(image), 1, expanded.inputs);
      product.bRowMajor(g1.array, g1.of(worker), g1.step);
      int to = partials.offset() + worker * partial + columns;
      product.c(partials.floats(), to, stride, true);
      product.run(
          0,
          expanded.inputs,
          0,
          product.vectors(),
          0,
          expanded.pixels,
          true,
          expanded.scratch(worker));
    }
    if (dx != null) {
      GemmBlock product = data[worker];
      int from = firstTile * LANES;
      product.a(g1.array, g1.row(worker, 0, firstTile), g1.step, 1);
      int to = dx.offset() + image * expanded.pixels * expanded.inputs;
      product.c(dx.floats(), to, expanded.inputs, false);
      product.run(
          0,
          expanded.pixels,
          0,
          product.vectors(),
          from,
          Math.min(expanded.hidden, endTile * LANES),
          from > 0,
          expanded.scratch(worker));
    }
  }

  /** Ends them, once the sums of the expansion's norm are there. */
  void finish(Tensor inputMean, Tensor covariance) {
    ConvolutionGradient stage = expansion;
    if (stage == null) {
      throw new IllegalStateException("not open");
    }
    if (partials != null && stage.dw() != null) {
      filterGradient(inputMean, covariance, stage, stage.dw(), partials);
    }
    if (dx != null && scaled != null) {
      correct(inputMean, stage, scaled);
    }
  }

  @Override
  public void close() {
    free(packed);
    free(scaled);
    free(partials);
    packed = null;
    scaled = null;
    partials = null;
    expansion = null;
    dx = null;
    for (int i = 0; i < threads; i++) {
      filters[i].clear();
      data[i].clear();
    }
    correction.space = NONE;
  }

  private static void free(@Nullable Tensor tensor) {
    if (tensor != null) {
      tensor.close();
    }
  }

  private Tensor scaled(Tensor w, BatchNorm norm) {
    int hidden = expanded.hidden;
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
  private void filterGradient(
      Tensor inputMean, Tensor covariance, ConvolutionGradient stage, Tensor dw, Tensor sums) {
    NormGradient gradient = stage.gradient();
    int hidden = expanded.hidden;
    try (Tensor product = moments.times(covariance, stage.w(), expanded.inputs, hidden)) {
      for (int c = 0; c < hidden; c++) {
        double scale = scale(gradient.norm(), c);
        double slope = NormPlanes.inverse(gradient.norm(), c) * at(gradient.dgamma(), c);
        double offset = at(gradient.dbeta(), c);
        for (int i = 0; i < expanded.inputs; i++) {
          double sum = 0;
          for (int worker = 0; worker < threads; worker++) {
            sum += at(sums, worker * partial + i * stride + c);
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
  private void correct(Tensor inputMean, ConvolutionGradient stage, Tensor columns) {
    NormGradient gradient = stage.gradient();
    int inputs = expanded.inputs;
    int hidden = expanded.hidden;
    int count = expanded.images * expanded.pixels;
    correction.step = Math.min(expanded.pixels, Correction.PIXELS);
    correction.perWorker = ExpandedImages.whole(correction.step * inputs);
    try (Tensor matrix = gemm.workspace(inputs * inputs, "expansion.correction");
        Tensor vector = gemm.workspace(inputs + LANES, "expansion.correction");
        Tensor space = gemm.workspace(threads * correction.perWorker, "expansion.correction")) {
      Arrays.fill(vector.floats(), vector.offset(), vector.offset() + vector.size(), 0f);
      for (int i = 0; i < inputs; i++) {
        double sum = 0;
        for (int c = 0; c < hidden; c++) {
          sum -= at(columns, i * hidden + c) * at(gradient.dbeta(), c) / count;
        }
        vector.floats()[vector.offset() + i] = (float) sum;
      }
      for (int c = 0; c < hidden; c++) {
        double slope = -NormPlanes.inverse(gradient.norm(), c) * at(gradient.dgamma(), c) / count;
        for (int i = c; i < columns.size(); i += hidden) {
          columns.floats()[columns.offset() + i] *= (float) slope;
        }
      }
      gemm.product(
          columns,
          false,
          stage.w(),
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
      data[0].bias(vector.floats(), vector.offset());
      correction.space = space.floats();
      correction.ispace = space.offset();
      try (Tensor _ = expanded.bind(data, count, matrix, false, 1, inputs, inputs)) {
        expanded.team.run(correction);
      }
    }
  }

  /** dx += x matrix + vector, some pixels at a time. */
  private final class Correction extends ExpandedImages.Task {
    /** Most pixels at a time. */
    static final int PIXELS = 256;

    private float[] space = NONE;
    private int ispace;
    private int perWorker;
    private int step;

    Correction(ExpandedImages expanded) {
      super(expanded);
    }

    @Override
    void start(int worker) {}

    @Override
    void image(int worker, int image) {
      Tensor out = dx;
      if (out == null) {
        return;
      }
      GemmBlock product = data[worker];
      int inputs = expanded.inputs;
      int own = ispace + worker * perWorker;
      for (int pixel = 0; pixel < expanded.pixels; pixel += step) {
        int count = Math.min(step, expanded.pixels - pixel);
        product.a(expanded.x, expanded.image(image) + pixel * inputs, inputs, 1);
        product.c(space, own, inputs, false);
        product.run(0, count, 0, product.vectors(), expanded.scratch(worker));
        int to = out.offset() + (image * expanded.pixels + pixel) * inputs;
        VectorMath.add(space, own, out.floats(), to, out.floats(), to, count * inputs);
      }
    }
  }
}
