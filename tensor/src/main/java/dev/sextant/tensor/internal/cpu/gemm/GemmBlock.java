package dev.sextant.tensor.internal.cpu.gemm;

import dev.sextant.tensor.Activation;
import dev.sextant.tensor.FixedKernel;
import dev.sextant.tensor.internal.cpu.vector.KernelTable;
import dev.sextant.tensor.internal.cpu.vector.VectorActivation;
import dev.sextant.tensor.internal.cpu.vector.VectorMath;
import dev.sextant.tensor.internal.cpu.vector.VectorWidth;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * One matrix product described by where its operands lie, and the loops that cover any part of its
 * output with micro-kernel tiles.
 *
 * <p>The description is set before a team runs and only read by the workers, each of which has a
 * scratch of {@link #SCRATCH} floats.
 */
public final class GemmBlock {
  private static final VectorSpecies<Float> SPECIES = VectorWidth.SPECIES;

  /** Elements in a vector. */
  public static final int LANES = SPECIES.length();

  /** Which tiles this processor uses. */
  static final KernelTable KERNELS =
      KernelTable.of(
          FloatVector.SPECIES_PREFERRED.vectorBitSize(), System.getProperty("os.arch", ""));

  /** Vectors across the widest tiles. */
  private static final int WIDEST = KernelTable.GEMM_WIDTHS;

  /** Rows of a widest tile, for estimates. */
  static final int TILE_ROWS = KERNELS.gemmRows(WIDEST)[0];

  /** Floats of scratch that a worker hands to {@link #run}. */
  public static final int SCRATCH = KERNELS.gemmMostVectors() * LANES;

  /** A block of rows is a multiple of every tallest tile. */
  private static final int ROW_QUANTUM = KernelTable.gemmRowQuantum();

  /** Floats of a and c that a block of rows may touch: half of a 512 KiB second-level cache. */
  private static final int ROW_BLOCK_FLOATS = 1 << 16;

  /** Longest run of k before the tile is written back: a panel of b stays below 100 KiB. */
  private static final int K_BLOCK = 512;

  private static final float[] ZEROS = new float[WIDEST * LANES];
  private static final float[] NONE = {};

  int m;
  public int n;
  public int k;
  public float[] a = NONE;
  int ia;
  int aRow;
  int aCol;
  float[] b = NONE;
  int ib;

  /** Distance between the rows of b, or 0 where it is packed. */
  int bRow;

  /** Rows of b that can be read in whole vectors; the rest are in {@link #tail}. */
  int safeRows;

  /** Rows of b from {@link #safeRows} on, packed as {@link GemmPack} does. */
  float[] tail = NONE;

  int itail;
  public float[] c = NONE;
  int ic;
  int cRow;

  /** Whether c is added to. */
  boolean accumulate;

  /** What a row of c starts from unless {@link #accumulate}: a bias in whole vectors. */
  float[] start = ZEROS;

  int istart;
  private boolean startIsZero = true;
  private Activation activation = Activation.IDENTITY;
  private float[] residual = NONE;
  private int iresidual;

  /** How many stretches the vectors are cut into, each covered with panels of its own. */
  public int across = 1;

  /** One for each worker of a team. */
  public static GemmBlock[] forTeam(int workers) {
    GemmBlock[] blocks = new GemmBlock[workers];
    Arrays.setAll(blocks, i -> new GemmBlock());
    return blocks;
  }

  /** c is {@code [m, n]}, a {@code [m, k]}, b {@code [k, n]}. */
  public void sizes(int rows, int columns, int depth) {
    m = rows;
    n = columns;
    k = depth;
    safeRows = depth;
    across = 1;
  }

  /** Element (i, p) of a is at {@code ia + i aRow + p aCol}. */
  public void a(float[] array, int offset, int rowStride, int columnStride) {
    a = array;
    ia = offset;
    aRow = rowStride;
    aCol = columnStride;
  }

  /** b as it lies in row-major order; call after {@link #sizes}. */
  public void bRowMajor(float[] array, int offset, int rowStride) {
    b = array;
    ib = offset;
    bRow = rowStride;
    int lastRead = array.length - vectors() * LANES - offset;
    safeRows = lastRead < 0 ? 0 : Math.min(k, lastRead / Math.max(1, rowStride) + 1);
  }

  /** b packed by {@link GemmPack} for {@link #across} stretches. */
  void bPacked(float[] array, int offset) {
    b = array;
    ib = offset;
    bRow = 0;
    safeRows = k;
  }

  /** b and its bias as {@link GemmPack#fix} laid them out; call after {@link #sizes}. */
  public void fixed(FixedKernel kernel) {
    float[] values = kernel.values().floats();
    int offset = kernel.values().offset();
    bPacked(values, offset);
    across = kernel.parts();
    bias(values, offset + GemmPack.size(k, n));
  }

  /** The array that b is packed in. */
  public float[] packed() {
    return b;
  }

  /** Where the panel that starts at a vector begins in {@link #packed}, of one stretch. */
  public int panel(int vector) {
    return ib + vector * LANES * k;
  }

  /** The array of what rows of c start from. */
  public float[] start() {
    return start;
  }

  /** Where it begins for a vector. */
  public int startAt(int vector) {
    return istart + vector * LANES;
  }

  /** The same sizes, b, bias and activation as another block. */
  public void shareB(GemmBlock other) {
    m = other.m;
    n = other.n;
    k = other.k;
    b = other.b;
    ib = other.ib;
    bRow = other.bRow;
    safeRows = other.safeRows;
    tail = other.tail;
    itail = other.itail;
    start = other.start;
    istart = other.istart;
    startIsZero = other.startIsZero;
    activation = other.activation;
  }

  /** Row-major c. */
  public void c(float[] array, int offset, int rowStride, boolean add) {
    c = array;
    ic = offset;
    cRow = rowStride;
    accumulate = add;
  }

  /** Each row of c starts from these, readable in whole vectors. */
  public void bias(float[] array, int offset) {
    start = array;
    istart = offset;
    startIsZero = false;
  }

  /** What is done to a block of rows of c while it is in cache. */
  public void epilogue(Activation function) {
    activation = function;
  }

  /** An array laid out as c is, added after the activation. */
  public void residual(float[] array, int offset) {
    residual = array;
    iresidual = offset;
  }

  /** Forgets the arrays, bias and epilogue, so that nothing is held between calls. */
  public void clear() {
    a = NONE;
    b = NONE;
    c = NONE;
    tail = NONE;
    residual = NONE;
    start = ZEROS;
    istart = 0;
    startIsZero = true;
    activation = Activation.IDENTITY;
  }

  /** Vectors that a row of b and c takes. */
  public int vectors() {
    return (n + LANES - 1) / LANES;
  }

  /** Where a stretch of the vectors starts; panels never reach over it. */
  public static int stretch(int vectors, int stretch, int across) {
    return (int) ((long) vectors * stretch / across);
  }

  /** Covers rows and vectors of c, over all of k, with tiles, and applies the epilogue. */
  public void run(int rowFrom, int rowTo, int vectorFrom, int vectorTo, float[] scratch) {
    int columns = Math.min(n, vectorTo * LANES) - vectorFrom * LANES;
    int reach = columns + Math.min(k, K_BLOCK);
    int block = Math.max(1, Math.min(8, ROW_BLOCK_FLOATS / (reach * ROW_QUANTUM))) * ROW_QUANTUM;
    for (int row = rowFrom; row < rowTo; row += block) {
      int end = Math.min(rowTo, row + block);
      boolean clamping = activation != Activation.IDENTITY && activation.clamps();
      cover(row, end, vectorFrom, vectorTo, 0, k, accumulate, clamping, scratch);
      finish(row, end, vectorFrom * LANES, columns);
    }
  }

  /** Covers rows and vectors of c, over a part of k, with tiles. */
  public void run(
      int rowFrom,
      int rowTo,
      int vectorFrom,
      int vectorTo,
      int kFrom,
      int kTo,
      boolean add,
      float[] scratch) {
    cover(rowFrom, rowTo, vectorFrom, vectorTo, kFrom, kTo, add, false, scratch);
  }

  private void cover(
      int rowFrom,
      int rowTo,
      int vectorFrom,
      int vectorTo,
      int kFrom,
      int kTo,
      boolean add,
      boolean clamping,
      float[] scratch) {
    boolean adding = add;
    int from = kFrom;
    do {
      int to = Math.min(kTo, from + K_BLOCK);
      if (from < safeRows) {
        to = Math.min(to, safeRows);
        panels(
            rowFrom,
            rowTo,
            vectorFrom,
            vectorTo,
            from,
            to,
            b,
            ib,
            bRow,
            from,
            k,
            adding,
            clamping && to == kTo,
            scratch);
      } else {
        panels(
            rowFrom,
            rowTo,
            vectorFrom,
            vectorTo,
            from,
            to,
            tail,
            itail,
            0,
            from - safeRows,
            k - safeRows,
            adding,
            clamping && to == kTo,
            scratch);
      }
      adding = true;
      from = to;
    } while (from < kTo);
  }

  private void panels(
      int rowFrom,
      int rowTo,
      int vectorFrom,
      int vectorTo,
      int kFrom,
      int kTo,
      float[] matrix,
      int imatrix,
      int stride,
      int first,
      int depth,
      boolean adding,
      boolean clamping,
      float[] scratch) {
    Activation clamp = clamping ? activation : Activation.IDENTITY;
    float low = VectorActivation.low(clamp);
    float high = VectorActivation.high(clamp);
    int width;
    for (int vector = vectorFrom; vector < vectorTo; vector += width) {
      width = width(vectorTo - vector);
      int last = Math.min(LANES, n - (vector + width - 1) * LANES);
      int panelRow = stride == 0 ? width * LANES : stride;
      int panel = imatrix + vector * LANES * (stride == 0 ? depth : 1) + first * panelRow;
      // One panel takes all columns, and rows follow each other without a gap.
      boolean alone = cRow == n && vector == 0 && width == vectors();
      int[] heights = heights(width);
      int choice = tallest(heights, rowTo - rowFrom);
      int row = rowFrom;
      while (row < rowTo) {
        int rows = heights[choice];
        if (rows > rowTo - row) {
          choice++;
          continue;
        }
        int at = ic + row * cRow + vector * LANES;
        // What a row writes too much, the next writes again.
        boolean whole =
            last == LANES || (alone && !adding && (rowTo - row - rows) * cRow >= LANES - last);
        float[] s = start;
        int is = startIsZero ? 0 : istart + vector * LANES;
        int sRow = 0;
        if (adding) {
          s = whole ? c : scratch;
          is = whole ? at : 0;
          sRow = whole ? cRow : width * LANES;
          if (!whole) {
            copyTile(c, at, cRow, scratch, 0, sRow, rows, sRow - LANES + last);
          }
        }
        GemmTile.run(
            width,
            rows,
            a,
            ia + row * aRow + kFrom * aCol,
            aRow,
            aCol,
            matrix,
            panel,
            panelRow,
            kTo - kFrom,
            s,
            is,
            sRow,
            whole ? c : scratch,
            whole ? at : 0,
            whole ? cRow : width * LANES,
            low,
            high);
        if (!whole) {
          copyTile(scratch, 0, width * LANES, c, at, cRow, rows, (width - 1) * LANES + last);
        }
        row += rows;
      }
    }
  }

  /** Panels are three vectors wide, then two; one only where there is one vector. */
  public static int width(int remaining) {
    return remaining == WIDEST + 1 ? WIDEST - 1 : Math.min(WIDEST, remaining);
  }

  /** Rows of the tiles of that many vectors, tallest first. */
  public static int[] heights(int width) {
    return KERNELS.gemmRows(width);
  }

  /** The tallest tile, or the next if that one alone divides a small number of rows. */
  public static int tallest(int[] heights, int rows) {
    return heights.length > 1
            && rows < 8 * heights[0]
            && rows % heights[0] != 0
            && rows % heights[1] == 0
            && heights[1] * 3 > heights[0] * 2
        ? 1
        : 0;
  }

  /** Copies a tile whose last vector is not whole, through which micro-kernels cannot go. */
  public static void copyTile(
      float[] from, int at, int fromRow, float[] to, int target, int toRow, int rows, int columns) {
    int whole = columns / LANES * LANES;
    VectorMask<Float> mask = SPECIES.indexInRange(whole, columns);
    for (int row = 0; row < rows; row++) {
      int source = at + row * fromRow;
      int goal = target + row * toRow;
      for (int i = 0; i < whole; i += LANES) {
        FloatVector.fromArray(SPECIES, from, source + i).intoArray(to, goal + i);
      }
      FloatVector.fromArray(SPECIES, from, source + whole, mask).intoArray(to, goal + whole, mask);
    }
  }

  /** What the tiles have not done: a function that does not clamp, and the residual. */
  private void finish(int rowFrom, int rowTo, int column, int columns) {
    if (activation.clamps() && residual == NONE) {
      return;
    }
    boolean whole = columns == cRow;
    int length = whole ? (rowTo - rowFrom) * cRow : columns;
    int step = whole ? rowTo - rowFrom : 1;
    for (int row = rowFrom; row < rowTo; row += step) {
      int offset = row * cRow + column;
      if (!activation.clamps()) {
        VectorActivation.apply(c, ic + offset, length, activation);
      }
      if (residual != NONE) {
        VectorMath.add(residual, iresidual + offset, c, ic + offset, c, ic + offset, length);
      }
    }
  }
}
