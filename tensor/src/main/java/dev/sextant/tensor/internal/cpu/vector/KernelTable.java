package dev.sextant.tensor.internal.cpu.vector;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Which micro-kernels there are and which of them each kind of processor runs: the one place of
 * tile sizes. The build makes the kernels from it (see {@code src/main/templates}), and what
 * chooses among them while the program runs reads it too.
 *
 * <p>Everything that a kernel holds from turn to turn, and what it reads in one, fits in the
 * registers; a tile that does not is refused here, so by the build.
 */
public enum KernelTable {
  /** AVX-512, whatever width is used of it. */
  AVX512(32, rows(12, 4, 2, 1), rows(12, 4, 2, 1), rows(9, 8, 4, 2, 1)),

  /** NEON and SVE. */
  AARCH64(32, rows(12, 4, 2, 1), rows(12, 4, 2, 1), rows(9, 8, 4, 2, 1)),

  /** AVX2 and older, and what is not known. */
  AVX2(16, rows(12, 4, 2, 1), rows(4, 2, 1), rows(4, 2, 1));

  /** What becomes of a tile's results on their way out: nothing, or a clamp to above or between. */
  public static final List<String> CLAMPS = List.of("", "Above", "Between");

  /** Tiles of a GEMM are one to so many vectors wide. */
  public static final int GEMM_WIDTHS = 3;

  /**
   * Output columns that a depthwise row sums at a time. The depthwise kernels fit in 16 registers,
   * and every kind of processor runs them.
   */
  public static final int DEPTHWISE_COLUMNS = 8;

  /**
   * Output columns of the depthwise rows for images whose width they divide and eight do not: those
   * of networks for images of 224 pixels from the fourth stage on (28, 14, 7).
   */
  public static final int DEPTHWISE_FEWER_COLUMNS = 7;

  /** Output columns of the depthwise kernels that read an image where it lies. */
  public static final List<Integer> DEPTHWISE_BLOCKS =
      List.of(DEPTHWISE_COLUMNS, DEPTHWISE_FEWER_COLUMNS);

  /** Taps from one output column to the next, where there are unrolled depthwise kernels. */
  public static final List<Integer> DEPTHWISE_STRIDES = List.of(1, 2);

  /** Taps of a kernel row, where there are unrolled depthwise kernels. */
  public static final List<Integer> DEPTHWISE_TAPS = List.of(3, 5, 7);

  /** The unrolled kernels of the gradient of a depthwise filter, at each of the strides. */
  public static final List<Filter> FILTERS =
      List.of(new Filter(3, 8, true), new Filter(5, 4, true), new Filter(7, 4, false));

  /** Columns of the gradient that a whole 3x3 filter takes at a time. */
  public static final int FILTER_THREE_ROWS_COLUMNS = 4;

  private static final int FEWEST_REGISTERS = 16;

  static {
    for (int taps : DEPTHWISE_TAPS) {
      check("depthwise row of " + taps + " taps", DEPTHWISE_COLUMNS + taps + 1, FEWEST_REGISTERS);
    }
    int threeRows = 9 + FILTER_THREE_ROWS_COLUMNS + 1;
    check("depthwise filter of three rows", threeRows, FEWEST_REGISTERS);
  }

  private final int[][] gemm;

  /**
   * A row of the table.
   *
   * @param gemm for each width in vectors the rows of its tiles, tallest first, the last 1
   */
  KernelTable(int registers, int[]... gemm) {
    this.gemm = gemm;
    for (int width = 1; width <= GEMM_WIDTHS; width++) {
      int tallest = gemm[width - 1][0];
      // Beside the accumulators are the vectors of b and one of a.
      check("GEMM tile of " + tallest + " x " + width, (tallest + 1) * width + 1, registers);
    }
  }

  /**
   * The gradient of a filter's row for so many taps.
   *
   * @param columns taken at a time; divides {@link #DEPTHWISE_COLUMNS}
   * @param odd whether odd columns have sums of their own
   */
  public record Filter(int taps, int columns, boolean odd) {
    public Filter {
      check(
          "depthwise filter of " + taps + " taps",
          (odd ? 2 : 1) * taps + columns + 1,
          FEWEST_REGISTERS);
      if (DEPTHWISE_COLUMNS % columns != 0) {
        throw new IllegalArgumentException(
            "depthwise filter of " + taps + " taps: " + columns + " columns do not divide a row's");
      }
    }
  }

  /**
   * Pixels that a block of output columns lacks at the left, for so many taps and padding to the
   * same size: none, or at an end of the row as many as are padded.
   */
  public static List<Integer> leftOut(int taps) {
    return List.of(0, taps / 2);
  }

  /** The same at the right, where a stride may step over the last padding. */
  public static List<Integer> rightOut(int taps, int stride) {
    return IntStream.rangeClosed(0, taps / 2)
        .filter(right -> hasRightOut(taps, stride, right))
        .boxed()
        .toList();
  }

  /** Whether there are kernels that lack so many pixels at the right; takes no memory. */
  public static boolean hasRightOut(int taps, int stride, int right) {
    int padding = taps / 2;
    return right == 0 || right == padding || (stride > 1 && right == padding - 1);
  }

  /** The row of a processor with vectors of that many bits at most. */
  public static KernelTable of(int bits, String architecture) {
    return architecture.equals("aarch64") ? AARCH64 : bits >= 512 ? AVX512 : AVX2;
  }

  /** Rows of the GEMM tiles that a kind of processor uses, tallest first. */
  public int[] gemmRows(int width) {
    return gemm[width - 1];
  }

  /** Rows of the GEMM tiles that any kind uses, tallest first. */
  public static List<Integer> gemmTiles(int width) {
    return Stream.of(values())
        .flatMapToInt(kind -> Arrays.stream(kind.gemmRows(width)))
        .boxed()
        .distinct()
        .sorted(Comparator.reverseOrder())
        .toList();
  }

  /** Vectors of the largest GEMM tile that a kind of processor uses. */
  public int gemmMostVectors() {
    int most = 0;
    for (int width = 1; width <= GEMM_WIDTHS; width++) {
      most = Math.max(most, width * gemmRows(width)[0]);
    }
    return most;
  }

  /** The least number of rows that every tallest tile of any kind divides. */
  public static int gemmRowQuantum() {
    int quantum = 1;
    for (KernelTable kind : values()) {
      for (int[] rows : kind.gemm) {
        int multiple = quantum;
        while (multiple % rows[0] != 0) {
          multiple += quantum;
        }
        quantum = multiple;
      }
    }
    return quantum;
  }

  private static int[] rows(int... rows) {
    return rows;
  }

  private static void check(String kernel, int vectors, int registers) {
    if (vectors > registers) {
      throw new IllegalArgumentException(
          kernel + " needs " + vectors + " vectors, and there are " + registers + " registers");
    }
  }
}
