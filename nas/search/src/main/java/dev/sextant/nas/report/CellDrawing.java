package dev.sextant.nas.report;

import static dev.sextant.nas.report.page.Numbers.length;

import dev.sextant.nas.report.page.Html;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.layer.Cell;
import dev.sextant.runtime.layer.Cell.Edge;
import dev.sextant.runtime.layer.Layer;
import java.util.Locale;

/**
 * The graphs of a network's normal and reduction cell as SVG: a column for each node, and a row for
 * each edge, an arrow from the column of the node it comes from to that of the node it leads to.
 */
final class CellDrawing {
  private static final double COLUMN = 150;
  private static final double LEFT = 20;
  private static final double HEADER = 34;
  private static final double ROW = 30;

  private CellDrawing() {}

  /** Draws the first cell of each stride under that title; nothing for a network without cells. */
  static void draw(Html html, Architecture network, String title) {
    for (int stride = 1; stride <= 2; stride++) {
      for (Layer layer : network.layers()) {
        if (layer instanceof Cell cell && cell.stride() == stride) {
          cell(html, cell, title + (stride == 1 ? ", normal cell" : ", reduction cell"));
          break;
        }
      }
    }
  }

  private static void cell(Html html, Cell cell, String title) {
    int columns = Cell.INPUTS + cell.nodes().size();
    int rows = cell.nodes().stream().mapToInt(node -> node.edges().size()).sum();
    double bottom = HEADER + rows * ROW;
    html.open("figure", "class", "wide").leaf("figcaption", title);
    html.open("div", "class", "scroll");
    html.open(
        "svg",
        "viewBox",
        String.format(
            Locale.ROOT, "0 0 %s %s", length(LEFT + columns * COLUMN), length(bottom + 8)),
        "role",
        "img",
        "aria-label",
        title + ": " + cell.graph());
    html.leaf("title", cell.graph());
    for (int node = 0; node < columns; node++) {
      text(html, name(node), "layer", x(node), 18, "middle");
      html.line("flow", x(node), HEADER - 8, x(node), bottom);
    }
    double y = HEADER + ROW / 2;
    for (int node = 0; node < cell.nodes().size(); node++) {
      for (Edge edge : cell.nodes().get(node).edges()) {
        arrow(html, edge, node + Cell.INPUTS, y);
        y += ROW;
      }
    }
    html.close().close().close();
  }

  private static String name(int node) {
    return switch (node) {
      case 0 -> "0: older input";
      case 1 -> "1: newer input";
      default -> "node " + node;
    };
  }

  private static double x(int node) {
    return LEFT + (node + 0.5) * COLUMN;
  }

  private static void arrow(Html html, Edge edge, int to, double y) {
    double from = x(edge.from());
    double end = x(to);
    html.open("g");
    html.leaf(
        "title",
        String.format(Locale.ROOT, "%s from %d to %d", edge.op().label(), edge.from(), to));
    html.line("edge", from, y, end, y);
    html.line("edge", end - 7, y - 4, end, y);
    html.line("edge", end - 7, y + 4, end, y);
    text(html, edge.op().label(), "label", end - 12, y - 5, "end");
    html.close();
  }

  private static void text(
      Html html, String text, String style, double x, double y, String anchor) {
    html.leaf("text", text, "class", style, "x", length(x), "y", length(y), "text-anchor", anchor);
  }
}
