package dev.sextant.tensor.internal.cpu.vector;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sextant.tensor.internal.cpu.team.WorkerTeam;
import java.lang.reflect.Method;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every row of the table has its kernels, and there is no kernel without a row. */
@Tag("vectors")
class KernelTableTest {
  /** Convolutions have the tiles of products. */
  @ParameterizedTest
  @ValueSource(strings = {"GemmTiles", "PatchTiles"})
  void tiles(String type) throws ClassNotFoundException {
    Set<String> tiles = new TreeSet<>();
    for (KernelTable kind : KernelTable.values()) {
      for (int width = 1; width <= KernelTable.GEMM_WIDTHS; width++) {
        int[] rows = kind.gemmRows(width);
        assertEquals(1, rows[rows.length - 1], kind + " has a tile for any number of rows");
        for (int height : rows) {
          for (String clamp : KernelTable.CLAMPS) {
            tiles.add(type + width + ".rows" + height + clamp);
          }
        }
      }
    }
    Set<String> kernels = new TreeSet<>();
    for (int width = 1; width <= KernelTable.GEMM_WIDTHS; width++) {
      kernels.addAll(methods(type + width, "rows"));
    }
    assertEquals(tiles, kernels);
  }

  @Test
  void depthwiseRows() throws ClassNotFoundException {
    Set<String> rows = new TreeSet<>();
    Set<String> kernels = new TreeSet<>();
    for (int stride : KernelTable.DEPTHWISE_STRIDES) {
      for (int taps : KernelTable.DEPTHWISE_TAPS) {
        for (int columns :
            List.of(KernelTable.DEPTHWISE_COLUMNS, KernelTable.DEPTHWISE_FEWER_COLUMNS)) {
          rows.add("DepthwiseRowStride" + stride + ".taps" + taps + "Columns" + columns);
        }
      }
      kernels.addAll(methods("DepthwiseRowStride" + stride, "taps"));
    }
    assertEquals(rows, kernels);
  }

  /** Each end of a row of an image that is read where it lies has its kernel. */
  @Test
  void depthwiseImageRows() throws ClassNotFoundException {
    Set<String> rows = new TreeSet<>();
    Set<String> kernels = new TreeSet<>();
    for (int stride : KernelTable.DEPTHWISE_STRIDES) {
      String type = "DepthwiseImageRowStride" + stride;
      for (int taps : KernelTable.DEPTHWISE_TAPS) {
        for (int columns : KernelTable.DEPTHWISE_BLOCKS) {
          for (int left : KernelTable.leftOut(taps)) {
            for (int right : KernelTable.rightOut(taps, stride)) {
              String cut = "Left" + left + "Right" + right;
              rows.add(type + ".taps" + taps + "Columns" + columns + cut);
            }
          }
        }
      }
      kernels.addAll(methods(type, "taps"));
    }
    assertEquals(rows, kernels);
  }

  @Test
  void depthwiseFilters() throws ClassNotFoundException {
    Set<String> rows = new TreeSet<>();
    for (int stride : KernelTable.DEPTHWISE_STRIDES) {
      for (KernelTable.Filter filter : KernelTable.FILTERS) {
        rows.add("DepthwiseFilterRow.stride" + stride + "Taps" + filter.taps());
      }
    }
    assertEquals(rows, methods("DepthwiseFilterRow", "stride"));
  }

  @Test
  void processors() {
    assertEquals(KernelTable.AVX512, KernelTable.of(512, "amd64"));
    assertEquals(KernelTable.AVX2, KernelTable.of(256, "amd64"));
    assertEquals(KernelTable.AVX2, KernelTable.of(128, "x86_64"));
    assertEquals(KernelTable.AARCH64, KernelTable.of(128, "aarch64"));
    assertEquals(KernelTable.AARCH64, KernelTable.of(512, "aarch64"));
  }

  /** What the loops round to, kept from before the tiles stood in a table. */
  @Test
  void numbersOfRows() {
    assertEquals(36, KernelTable.gemmRowQuantum());
    assertEquals(27, KernelTable.AVX512.gemmMostVectors());
    assertEquals(12, KernelTable.AVX2.gemmMostVectors());
  }

  /** Methods of a class of the packages beside this one. */
  private static Set<String> methods(String type, String start) throws ClassNotFoundException {
    Set<String> found = new TreeSet<>();
    String family =
        type.startsWith("Gemm")
            ? "gemm."
            : type.startsWith("Patch") ? "convolution." : "depthwise.";
    String name = WorkerTeam.class.getPackageName().replace("team", family) + type;
    for (Method method : Class.forName(name).getDeclaredMethods()) {
      if (method.getName().startsWith(start)) {
        found.add(type + "." + method.getName());
      }
    }
    return found;
  }
}
