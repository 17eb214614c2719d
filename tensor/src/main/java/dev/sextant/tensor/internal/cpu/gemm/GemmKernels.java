package dev.sextant.tensor.internal.cpu.gemm;

import dev.sextant.tensor.Activation;
import dev.sextant.tensor.FixedKernel;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.family.Gemm;
import dev.sextant.tensor.family.GemmRules;
import dev.sextant.tensor.internal.cpu.team.WorkerTeam;
import org.jspecify.annotations.Nullable;

/**
 * Matrix products: chooses what is packed and how the work is cut, then covers the output with the
 * tiles of {@link GemmBlock}.
 *
 * <p>The left operand is never packed, it is broadcast from where it lies. The right one is packed
 * for many rows, and read in place for few, where packing costs more than it saves. The output is
 * cut into a grid of rows and columns; a small output with a long inner extent (the gradient of a
 * filter) is cut along that extent instead. Called from one thread at a time.
 */
public final class GemmKernels implements Gemm {
  /** From so many rows on, packing b costs below 3 % of the product. */
  private static final int PACK_FROM_ROWS = 256;

  /** Multiply-adds below which waking the team costs more than it gains (about 1 us). */
  private static final long SHARE_FROM = 1 << 17;

  /** Inner extents from here on may be cut among the workers. */
  private static final int SPLIT_FROM_DEPTH = 1024;

  /** Most floats of partial products: 16 MiB. */
  private static final int MOST_PARTIALS = 1 << 22;

  /**
   * Rows that can be computed in the time in which a vector of weights comes from memory: 64 bytes
   * at about 20 GB/s, against half a cycle a row.
   */
  private static final int READ_ROWS = 20;

  /** Floats of both operands that a step of the inner extent reads: a quarter of 1 MiB. */
  private static final int SPLIT_STEP_FLOATS = 1 << 16;

  private final WorkerTeam team;
  private final Memory memory;
  private final GemmBlock[] blocks;
  private final float[][] scratch;
  private final PackTask pack = new PackTask();
  private final ProductTask product = new ProductTask();
  private final SplitTask split = new SplitTask();
  private final PartialSum partialSum = new PartialSum();

  public GemmKernels(WorkerTeam team, Memory memory) {
    this.team = team;
    this.memory = memory;
    blocks = GemmBlock.forTeam(team.threads());
    scratch = new float[team.threads()][GemmBlock.SCRATCH];
  }

  @Override
  public void multiply(
      Tensor a, boolean transposeA, Tensor b, boolean transposeB, Tensor c, boolean accumulate) {
    GemmRules.multiply(a, transposeA, b, transposeB, c);
    int m = c.shape().get(0);
    int n = c.shape().get(1);
    int k = a.shape().get(transposeA ? 0 : 1);
    product(a, transposeA, b, transposeB, c, m, n, k, accumulate, null, Activation.IDENTITY, null);
  }

  /**
   * c {@code [m, n]} = activation(op(a) op(b) + bias) + residual, or c += op(a) op(b) without the
   * rest; the tensors may have any shape with as many elements.
   */
  public void product(
      Tensor a,
      boolean transposeA,
      Tensor b,
      boolean transposeB,
      Tensor c,
      int m,
      int n,
      int k,
      boolean accumulate,
      @Nullable Tensor bias,
      Activation activation,
      @Nullable Tensor residual) {
    if (m == 0 || n == 0 || (k == 0 && accumulate)) {
      return;
    }
    boolean plain = bias == null && activation == Activation.IDENTITY && residual == null;
    if (plain && !transposeB && isLong(m, n, k)) {
      splitProduct(a, transposeA, b, c, m, n, k, accumulate);
      return;
    }
    GemmBlock block = blocks[0];
    int workers = (long) m * n * k < SHARE_FROM ? 1 : team.threads();
    block.sizes(m, n, k);
    block.across = across(tiles(m), block.vectors(), workers);
    block.a(a.floats(), a.offset(), transposeA ? 1 : k, transposeA ? m : 1);
    block.c(c.floats(), c.offset(), n, accumulate);
    block.epilogue(activation);
    if (residual != null) {
      block.residual(residual.floats(), residual.offset());
    }
    try (Tensor _ = bindB(block, b, transposeB);
        Tensor _ = bindBias(block, bias)) {
      if (workers == 1) {
        product.run(0, 1);
      } else {
        team.run(product);
      }
    } finally {
      block.clear();
    }
  }

  /**
   * c {@code [m, n]} = activation(a b + bias) + residual, with b {@code [k, n]} and the bias laid
   * out before.
   */
  public void product(
      Tensor a,
      FixedKernel b,
      Tensor c,
      int m,
      int n,
      int k,
      Activation activation,
      @Nullable Tensor residual) {
    if (m == 0 || n == 0) {
      return;
    }
    GemmBlock block = blocks[0];
    block.sizes(m, n, k);
    block.fixed(b);
    block.a(a.floats(), a.offset(), k, 1);
    block.c(c.floats(), c.offset(), n, false);
    block.epilogue(activation);
    if (residual != null) {
      block.residual(residual.floats(), residual.offset());
    }
    try {
      run(product, (long) m * n * k);
    } finally {
      block.clear();
    }
  }

  /** Runs a task on the team, or on the caller alone where it has too few multiply-adds. */
  public void run(WorkerTeam.Task task, long macs) {
    if (macs < SHARE_FROM) {
      task.run(0, 1);
    } else {
      team.run(task);
    }
  }

  /**
   * Into how many stretches of columns a product with weights is cut, so that its slowest worker
   * has least to compute and to read.
   */
  public static int stretches(int m, int n, int k, int workers) {
    if ((long) m * n * k < SHARE_FROM) {
      return 1;
    }
    int tiles = tiles(m);
    int vectors = (n + GemmBlock.LANES - 1) / GemmBlock.LANES;
    int best = 1;
    long least = Long.MAX_VALUE;
    for (int across = 1; across <= Math.min(workers, vectors); across++) {
      if (workers % across == 0) {
        int down = workers / across;
        long rows = Math.min(m, (long) (tiles + down - 1) / down * GemmBlock.TILE_ROWS);
        long work = (rows + READ_ROWS) * ((vectors + across - 1) / across);
        if (work < least) {
          least = work;
          best = across;
        }
      }
    }
    return best;
  }

  /**
   * Points a block at op(b), of the sizes it has: packed by the team into workspace, or in place.
   *
   * @return the workspace to close after the product, or null
   */
  public @Nullable Tensor bindB(GemmBlock block, Tensor b, boolean transposeB) {
    int n = block.n;
    int k = block.k;
    if (transposeB || block.m >= PACK_FROM_ROWS) {
      Tensor packed = workspace(GemmPack.size(k, n), "gemm.packed");
      pack.set(b, transposeB, block, packed);
      if ((long) k * n < SHARE_FROM) {
        pack.run(0, 1);
      } else {
        team.run(pack);
      }
      pack.clear();
      block.bPacked(packed.floats(), packed.offset());
      return packed;
    }
    block.bRowMajor(b.floats(), b.offset(), n);
    return bindTail(block, b, n);
  }

  /** Packs those last rows of a row-major b that cannot be read in whole vectors, if any. */
  private @Nullable Tensor bindTail(GemmBlock block, Tensor b, int n) {
    int rows = block.k - block.safeRows;
    if (rows == 0) {
      return null;
    }
    Tensor tail = workspace(GemmPack.size(rows, n), "gemm.tail");
    GemmPack.pack(
        b.floats(),
        b.offset() + block.safeRows * n,
        n,
        false,
        rows,
        n,
        block.across,
        tail.floats(),
        tail.offset(),
        0,
        1);
    block.tail = tail.floats();
    block.itail = tail.offset();
    return tail;
  }

  /**
   * Points a block at a bias, copied to workspace if it cannot be read in whole vectors.
   *
   * @return the workspace to close after the product, or null
   */
  public @Nullable Tensor bindBias(GemmBlock block, @Nullable Tensor bias) {
    if (bias == null) {
      return null;
    }
    int length = block.vectors() * GemmBlock.LANES;
    if (bias.offset() + length <= bias.floats().length) {
      block.bias(bias.floats(), bias.offset());
      return null;
    }
    Tensor padded = workspace(length, "gemm.bias");
    System.arraycopy(bias.floats(), bias.offset(), padded.floats(), padded.offset(), bias.size());
    block.bias(padded.floats(), padded.offset());
    return padded;
  }

  public Tensor workspace(int floats, String label) {
    return memory.floats(Shape.of(floats), Memory.Category.WORKSPACE, label);
  }

  private boolean isLong(int m, int n, int k) {
    long most = (long) team.threads() * (m + GemmBlock.LANES) * (n + GemmBlock.LANES);
    return k >= SPLIT_FROM_DEPTH && k / 4 >= Math.max(m, n) && most <= MOST_PARTIALS;
  }

  /** A product whose inner extent is cut among the workers, each with its own partial product. */
  private void splitProduct(
      Tensor a, boolean transposeA, Tensor b, Tensor c, int m, int n, int k, boolean accumulate) {
    boolean swap = transposeA && tilingCost(n, m) < tilingCost(m, n);
    int rows = swap ? n : m;
    int columns = swap ? m : n;
    Tensor left = swap ? b : a;
    Tensor right = swap ? a : b;
    GemmBlock first = blocks[0];
    first.sizes(rows, columns, k);
    int stride = first.vectors() * GemmBlock.LANES;
    int parts = (long) m * n * k < SHARE_FROM ? 1 : blocks.length;
    first.bRowMajor(right.floats(), right.offset(), columns);
    try (Tensor _ = bindTail(first, right, columns);
        Tensor partials = workspace(parts * rows * stride, "gemm.partials")) {
      for (int part = 0; part < parts; part++) {
        GemmBlock block = blocks[part];
        // Whole vectors: what the padding columns hold is never read.
        block.sizes(rows, stride, k);
        block.a(left.floats(), left.offset(), transposeA ? 1 : k, transposeA ? rows : 1);
        block.bRowMajor(right.floats(), right.offset(), columns);
        block.tail = first.tail;
        block.itail = first.itail;
        block.c(partials.floats(), partials.offset() + part * rows * stride, stride, false);
      }
      partialSum.from(partials.floats(), partials.offset(), parts, stride, swap);
      partialSum.to(c.floats(), c.offset(), m, n, accumulate);
      if (parts == 1) {
        split.run(0, 1);
        partialSum.run(0, 1);
      } else {
        team.run(split);
        team.run(partialSum);
      }
    } finally {
      partialSum.clear();
      for (GemmBlock block : blocks) {
        block.clear();
      }
    }
  }

  private static int tiles(int rows) {
    return (rows + GemmBlock.TILE_ROWS - 1) / GemmBlock.TILE_ROWS;
  }

  /** Stretches of columns in the grid of rows and columns whose largest cell is least work. */
  private static int across(int tiles, int vectors, int workers) {
    int best = 1;
    long least = Long.MAX_VALUE;
    for (int across = 1; across <= workers; across++) {
      if (workers % across == 0) {
        int down = workers / across;
        long work = (long) ((tiles + down - 1) / down) * ((vectors + across - 1) / across);
        if (work < least) {
          least = work;
          best = across;
        }
      }
    }
    return best;
  }

  /** Work of a tiling of m rows and n columns relative to what they need, about. */
  public static double tilingCost(int m, int n) {
    int lanes = GemmBlock.LANES;
    int vectors = (n + lanes - 1) / lanes;
    double padding = (double) vectors * lanes / n;
    double rows = m % 8 == 0 ? 1 : 1 + 2.0 / m;
    // A single vector in width leaves the multipliers waiting for loads.
    return padding * rows * (vectors == 1 ? 1.5 : 1);
  }

  private static final class PackTask implements WorkerTeam.Task {
    private static final float[] NONE = {};
    private float[] b = NONE;
    private int ib;
    private int stride;
    private boolean transposed;
    private int k;
    private int n;
    private int across = 1;
    private float[] out = NONE;
    private int iout;

    void set(Tensor from, boolean transpose, GemmBlock block, Tensor to) {
      b = from.floats();
      ib = from.offset();
      stride = transpose ? block.k : block.n;
      transposed = transpose;
      k = block.k;
      n = block.n;
      across = block.across;
      out = to.floats();
      iout = to.offset();
    }

    void clear() {
      b = NONE;
      out = NONE;
    }

    @Override
    public void run(int worker, int workers) {
      GemmPack.pack(b, ib, stride, transposed, k, n, across, out, iout, worker, workers);
    }
  }

  private final class ProductTask implements WorkerTeam.Task {
    @Override
    public void run(int worker, int workers) {
      GemmBlock block = blocks[0];
      int tiles = tiles(block.m);
      int vectors = block.vectors();
      int across = block.across;
      int down = Math.max(1, workers / across);
      // One cell each, unless weights were laid out for a larger team.
      for (int cell = worker; cell < across * down; cell += workers) {
        int row = cell / across;
        int column = cell % across;
        block.run(
            Math.min(block.m, cut(tiles, row, down) * GemmBlock.TILE_ROWS),
            Math.min(block.m, cut(tiles, row + 1, down) * GemmBlock.TILE_ROWS),
            GemmBlock.stretch(vectors, column, across),
            GemmBlock.stretch(vectors, column + 1, across),
            scratch[worker]);
      }
    }
  }

  private final class SplitTask implements WorkerTeam.Task {
    @Override
    public void run(int worker, int workers) {
      GemmBlock block = blocks[worker];
      int to = cut(block.k, worker + 1, workers);
      int step = Math.max(64, SPLIT_STEP_FLOATS / (block.m + block.n));
      boolean adding = false;
      for (int from = cut(block.k, worker, workers); from < to; from += step) {
        block.run(
            0,
            block.m,
            0,
            block.vectors(),
            from,
            Math.min(to, from + step),
            adding,
            scratch[worker]);
        adding = true;
      }
    }
  }

  /** Where the given one of {@code parts} equal shares of {@code count} starts. */
  public static int cut(int count, int share, int parts) {
    return (int) ((long) count * share / parts);
  }
}
