package dev.sextant.nas.predict;

import dev.sextant.nas.csv.CsvTable;
import dev.sextant.runtime.json.JsonText;
import dev.sextant.tensor.SextantException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Cells of NAS-Bench-201 (Dong and Yang, 2020): four nodes, an op on each of the six edges, written
 * {@code |op~0|+|op~0|op~1|+|op~0|op~1|op~2|}, and files of their latencies.
 */
public final class NasBench201 {
  /** The ops of an edge; the first is an edge that is cut. */
  public static final List<String> OPS =
      List.of("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3");

  private static final int NODES = 4;
  private static final int EDGES = 6;

  /** Features of a cell. */
  public static final int WIDTH = 2 * EDGES * 5;

  private NasBench201() {}

  /**
   * {@return the ops on the edges 0→1, 0→2, 1→2, 0→3, 1→3, 2→3, as indices of {@link #OPS}}
   *
   * @param cell as the benchmark writes it
   * @throws SextantException if the text is no cell
   */
  public static int[] parse(String cell) {
    int[] ops = new int[EDGES];
    int edge = 0;
    String[] nodes = cell.split("\\+", -1);
    if (nodes.length != NODES - 1) {
      throw notCell(cell);
    }
    for (int node = 1; node < NODES; node++) {
      String group = nodes[node - 1];
      if (!group.startsWith("|") || !group.endsWith("|") || group.length() < 2) {
        throw notCell(cell);
      }
      String[] edges = group.substring(1, group.length() - 1).split("\\|", -1);
      if (edges.length != node) {
        throw notCell(cell);
      }
      for (int from = 0; from < node; from++) {
        String[] parts = edges[from].split("~", -1);
        int op = parts.length == 2 ? OPS.indexOf(parts[0]) : -1;
        if (op < 0 || !parts[1].equals(Integer.toString(from))) {
          throw notCell(cell);
        }
        ops[edge++] = op;
      }
    }
    return ops;
  }

  private static SextantException notCell(String cell) {
    return new SextantException("'%s' is not a cell of NAS-Bench-201".formatted(cell));
  }

  /** The edges that lie on a path from the input to the output; the others cannot matter to it. */
  static boolean[] live(int[] ops) {
    boolean[] fromInput = {true, false, false, false};
    boolean[] toOutput = {false, false, false, true};
    for (int to = 1; to < NODES; to++) {
      for (int from = 0; from < to; from++) {
        fromInput[to] |= fromInput[from] && ops[edge(from, to)] > 0;
      }
    }
    for (int from = NODES - 2; from >= 0; from--) {
      for (int to = from + 1; to < NODES; to++) {
        toOutput[from] |= toOutput[to] && ops[edge(from, to)] > 0;
      }
    }
    boolean[] live = new boolean[EDGES];
    for (int to = 1; to < NODES; to++) {
      for (int from = 0; from < to; from++) {
        int edge = edge(from, to);
        live[edge] = ops[edge] > 0 && fromInput[from] && toOutput[to];
      }
    }
    return live;
  }

  private static int edge(int from, int to) {
    return to * (to - 1) / 2 + from;
  }

  /**
   * {@return whether any path leads from the input to the output}
   *
   * @param ops the op of each edge, as {@link #parse} gives them
   */
  public static boolean isConnected(int[] ops) {
    for (boolean live : live(ops)) {
      if (live) {
        return true;
      }
    }
    return false;
  }

  /**
   * {@return one bit for the op of each edge, then the same with the edges that cannot matter cut:
   * runtimes differ in whether they compute those}
   *
   * @param ops the op of each edge, as {@link #parse} gives them
   */
  public static float[] encode(int[] ops) {
    float[] features = new float[WIDTH];
    boolean[] live = live(ops);
    for (int edge = 0; edge < EDGES; edge++) {
      features[edge * OPS.size() + ops[edge]] = 1;
      features[(EDGES + edge) * OPS.size() + (live[edge] ? ops[edge] : 0)] = 1;
    }
    return features;
  }

  /**
   * {@return the connected cells of a file with a column {@code arch} and one column of
   * milliseconds for each device}
   *
   * @param file CSV
   * @param device the column of milliseconds
   * @throws SextantException naming the file, and the line of what is wrong
   */
  public static LatencySamples read(Path file, String device) {
    List<float[]> rows = new ArrayList<>();
    List<Double> latencies = new ArrayList<>();
    String text = JsonText.readFile(file);
    try {
      CsvTable csv = CsvTable.parse(text);
      if (!csv.header().contains(device)) {
        throw new SextantException(
            "there is no column %s (there are %s)"
                .formatted(device, String.join(", ", csv.header())));
      }
      for (CsvTable.Row row : csv.rows()) {
        int[] ops = cell(row);
        double ms = row.number(device);
        if (!(ms > 0)) {
          throw new SextantException("%s: %s: %s ms".formatted(row.where(), device, ms));
        }
        if (isConnected(ops)) {
          rows.add(encode(ops));
          latencies.add(ms);
        }
      }
    } catch (SextantException e) {
      throw new SextantException(file + ": " + e.getMessage(), e);
    }
    if (rows.isEmpty()) {
      throw new SextantException(file + ": has no connected cells");
    }
    float[] features = new float[rows.size() * WIDTH];
    for (int i = 0; i < rows.size(); i++) {
      System.arraycopy(rows.get(i), 0, features, i * WIDTH, WIDTH);
    }
    return new LatencySamples(
        WIDTH, features, latencies.stream().mapToDouble(Double::doubleValue).toArray());
  }

  private static int[] cell(CsvTable.Row row) {
    String cell = row.text("arch");
    try {
      return parse(cell);
    } catch (SextantException e) {
      throw new SextantException(row.where() + ": " + e.getMessage(), e);
    }
  }
}
