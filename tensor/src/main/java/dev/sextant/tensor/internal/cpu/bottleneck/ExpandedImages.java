package dev.sextant.tensor.internal.cpu.bottleneck;

import dev.sextant.tensor.BatchNorm;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.internal.cpu.depthwise.DepthwiseSlab;
import dev.sextant.tensor.internal.cpu.depthwise.DepthwiseSource;
import dev.sextant.tensor.internal.cpu.depthwise.DepthwiseTiles;
import dev.sextant.tensor.internal.cpu.gemm.GemmBlock;
import dev.sextant.tensor.internal.cpu.gemm.GemmKernels;
import dev.sextant.tensor.internal.cpu.team.WorkerTeam;
import dev.sextant.tensor.internal.cpu.vector.CacheLines;
import org.jspecify.annotations.Nullable;

/**
 * The images of a bottleneck on their way through an expansion: x w of one image and some
 * neighbouring tiles at a time, for each worker, in a slab in the second-level cache or, where it
 * is kept, where it belongs in memory.
 *
 * <p>Images are cut among the workers, so that sums are the same from run to run. Set before a team
 * runs and only read by the workers. Called from one thread at a time.
 */
final class ExpandedImages {
  private static final int LANES = GemmBlock.LANES;

  /** Floats that a worker's slabs aim at: 384 KiB of a second-level cache of 1 MiB. */
  private static final int SLAB_FLOATS = 96 << 10;

  /**
   * Fewest tiles of a block, if there are as many: a last tile that begins early then finds its
   * channels in its block.
   */
  private static final int LEAST_TILES = 2;

  /** Slabs begin with a cache line, as tensors do. */
  private static final int LINE = 16;

  private static final float[] NONE = {};

  final WorkerTeam team;
  final GemmKernels gemm;

  /** The slabs. */
  final DepthwiseSlab slab = new DepthwiseSlab();

  private final GemmBlock[] products;
  private final float[][] scratch;

  int images;

  /** Of an image before the depthwise convolution, and behind it. */
  int pixels;

  int outPixels;
  int inputs;

  /** Channels of the expansion. */
  int hidden;

  /** Blocks of tiles. */
  int blocks;

  float[] x = NONE;
  private int ix;
  private float[] kept = NONE;
  private int ikept;
  private boolean keeps;

  ExpandedImages(WorkerTeam team, Memory memory) {
    this.team = team;
    gemm = new GemmKernels(team, memory);
    products = GemmBlock.forTeam(team.threads());
    scratch = new float[team.threads()][GemmBlock.SCRATCH];
  }

  /** That many floats, up to a whole line. */
  static int whole(int floats) {
    return (floats + LINE - 1) / LINE * LINE;
  }

  /**
   * Takes the extents, and cuts the tiles into blocks whose slabs fit.
   *
   * @param backward whether there is a slab behind the convolution as well
   */
  void sizes(Tensor input, Tensor output, boolean backward) {
    Shape in = input.shape();
    Shape out = output.shape();
    images = in.get(0);
    pixels = in.get(1) * in.get(2);
    outPixels = out.get(1) * out.get(2);
    inputs = in.channels();
    hidden = out.channels();
    int tiles = DepthwiseTiles.count(hidden);
    int tile = (backward ? pixels + outPixels : pixels) * LANES;
    int fitting = Math.max(LEAST_TILES, Math.min(tiles, SLAB_FLOATS / tile));
    blocks = (tiles + fitting - 1) / fitting;
    x = input.floats();
    ix = input.offset();
  }

  /** Most tiles of a block. */
  int blockTiles() {
    return (DepthwiseTiles.count(hidden) + blocks - 1) / blocks;
  }

  int firstTile(int block) {
    return GemmBlock.stretch(DepthwiseTiles.count(hidden), block, blocks);
  }

  /** Where an image of x begins. */
  int image(int image) {
    return ix + image * pixels * inputs;
  }

  /**
   * Points the products at an expansion.
   *
   * @param z where x w is to be kept; null if it is in slabs alone
   * @return the workspace to close afterwards, or null
   */
  @Nullable Tensor bind(Tensor w, @Nullable Tensor z) {
    kept = z == null ? NONE : z.floats();
    ikept = z == null ? 0 : z.offset();
    keeps = z != null;
    return bind(products, images * pixels, w, false, blocks, hidden, inputs);
  }

  /**
   * Points the products of all workers, of n columns and k in depth, at op(b).
   *
   * @return the workspace to close afterwards, or null
   */
  @Nullable Tensor bind(
      GemmBlock[] to, int m, Tensor b, boolean transpose, int across, int n, int k) {
    to[0].sizes(m, n, k);
    to[0].across = across;
    Tensor bound = gemm.bindB(to[0], b, transpose);
    for (int i = 1; i < to.length; i++) {
      to[i].shareB(to[0]);
    }
    return bound;
  }

  /** Makes the expanded images, through their norm, what a depthwise kernel reads. */
  void source(
      DepthwiseSource source, Tensor input, @Nullable Tensor z, int constants, BatchNorm norm) {
    if (z == null) {
      source.normalized(slab, input.shape(), hidden, constants, norm.activation());
    } else {
      source.normalized(z, constants, norm.activation());
    }
  }

  /** Makes a block of an image. */
  void expand(int worker, int image, int block) {
    GemmBlock product = products[worker];
    int first = firstTile(block);
    product.a(x, image(image), inputs, 1);
    if (keeps) {
      product.c(kept, ikept + image * pixels * hidden, hidden, false);
    } else {
      product.c(slab.array, slab.row(worker, 0, first), slab.step, false);
    }
    product.run(0, pixels, first, firstTile(block + 1), scratch[worker]);
  }

  /** A worker's scratch for products. */
  float[] scratch(int worker) {
    return scratch[worker];
  }

  void touch(int worker, float[] a, int from, int count) {
    scratch[worker][0] = CacheLines.touch(a, from, count);
  }

  /** Forgets the arrays. */
  void clear() {
    for (GemmBlock product : products) {
      product.clear();
    }
    slab.clear();
    x = NONE;
    kept = NONE;
  }

  /** What is done to each image of a worker. */
  abstract static class Task implements WorkerTeam.Task {
    private final ExpandedImages expanded;

    Task(ExpandedImages expanded) {
      this.expanded = expanded;
    }

    @Override
    public final void run(int worker, int team) {
      int from = GemmKernels.cut(expanded.images, worker, team);
      int to = GemmKernels.cut(expanded.images, worker + 1, team);
      start(worker);
      for (int image = from; image < to; image++) {
        expanded.touch(
            worker, expanded.x, expanded.image(image), expanded.pixels * expanded.inputs);
        image(worker, image);
      }
    }

    /** Before a worker's first image. */
    abstract void start(int worker);

    abstract void image(int worker, int image);
  }
}
