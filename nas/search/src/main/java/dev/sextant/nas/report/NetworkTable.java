package dev.sextant.nas.report;

import static dev.sextant.nas.report.page.Numbers.length;

import dev.sextant.nas.cost.LatencyTable;
import dev.sextant.nas.report.page.Chart;
import dev.sextant.nas.report.page.Html;
import dev.sextant.nas.report.page.Numbers;
import dev.sextant.nas.report.page.Table;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.layer.Cell;
import dev.sextant.runtime.layer.Conv;
import dev.sextant.runtime.layer.CustomLayer;
import dev.sextant.runtime.layer.Depthwise;
import dev.sextant.runtime.layer.Detect;
import dev.sextant.runtime.layer.GlobalAvgPool;
import dev.sextant.runtime.layer.Junction;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.Linear;
import dev.sextant.runtime.layer.MbConv;
import dev.sextant.runtime.layer.Pool;
import dev.sextant.runtime.layer.Residual;
import dev.sextant.runtime.layer.Separable;
import dev.sextant.runtime.layer.Shuffle;
import dev.sextant.runtime.layer.Skip;
import dev.sextant.runtime.layer.Zero;
import dev.sextant.tensor.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A network drawn layer by layer, from the input down to the logits: a box as wide as the layer's
 * output has channels and colored by op, what the layer costs and its share of the time. Beside it
 * the layers of another network of the same space, marked where they differ.
 */
final class NetworkTable {
  private static final double WIDEST = 120;
  private static final double HEIGHT = 14;

  private final Architecture network;
  private final @Nullable LatencyTable table;
  private final double @Nullable [] measured;
  private final List<Shape> shapes;
  private final double[] ms;

  /**
   * A drawing of a network.
   *
   * @param table which prices its layers, or null to leave predicted latencies out
   * @param measured milliseconds of each layer within the network, or null to leave them out
   * @throws dev.sextant.tensor.SextantException if the table lacks a layer of it
   */
  NetworkTable(Architecture network, @Nullable LatencyTable table, double @Nullable [] measured) {
    this.network = network;
    this.table = table;
    this.measured =
        measured != null && measured.length == network.layers().size() ? measured : null;
    shapes = network.shapes();
    ms = new double[network.layers().size()];
    for (int i = 0; i < ms.length; i++) {
      Layer layer = network.layers().get(i);
      ms[i] = table == null ? Double.NaN : table.ms(layer, shapes.get(i));
    }
  }

  /** The color of a layer's box: the same in every drawing. */
  private static int color(Layer layer) {
    return switch (layer) {
      case Conv _ -> 0;
      // Kernels 3, 5 and 7 are what most spaces choose among.
      case MbConv l -> Math.clamp((l.kernel() - 1) / 2, 1, 4);
      case Linear _, Detect _ -> 5;
      case Depthwise _, Separable _, Shuffle _, Residual _, Cell _, CustomLayer _ -> 6;
      case Pool _, GlobalAvgPool _, Skip _, Zero _, Junction _ -> 7;
    };
  }

  /** What the legend calls layers of one color. */
  private static String op(Layer layer) {
    return switch (layer) {
      case MbConv l -> String.format(Locale.ROOT, "mbconv %dx%d", l.kernel(), l.kernel());
      case Junction _ -> "branches";
      default -> layer.type().op();
    };
  }

  /**
   * Draws it under that title.
   *
   * @param other the network beside it, or null
   * @param otherName what the other is called
   */
  void draw(Html html, String title, @Nullable Architecture other, String otherName) {
    html.open("figure", "class", "wide").leaf("figcaption", title);
    legend(html);
    List<String> columns =
        new ArrayList<>(List.of("layer", "width", "output", "parameters", "MACs"));
    if (table != null) {
      columns.addAll(List.of("predicted ms", "share"));
    }
    if (measured != null) {
      columns.add("measured ms");
    }
    boolean compares = other != null && other.layers().size() == ms.length;
    if (compares) {
      columns.add(otherName);
    }
    Table rows = new Table(html, title, columns.toArray(String[]::new));
    for (int i = 0; i < ms.length; i++) {
      layer(rows, i, compares ? other : null);
    }
    totals(rows, compares);
    rows.close();
    html.close();
  }

  private void legend(Html html) {
    html.open("p", "class", "legend");
    Map<String, Integer> colors = new LinkedHashMap<>();
    for (Layer layer : network.layers()) {
      if (!layer.isFree()) {
        colors.putIfAbsent(op(layer), color(layer));
      }
    }
    colors.forEach(
        (op, color) -> {
          html.open("span");
          html.open("svg", "class", "swatch", "viewBox", "0 0 24 10", "aria-hidden", "true");
          box(html, "box " + Chart.color(color), 0, 24, 10);
          html.close().text(" " + op).close();
        });
    html.leaf("span", "width of a box: output channels; input " + Numbers.shape(shapes.getFirst()));
    html.close();
  }

  private void layer(Table rows, int i, @Nullable Architecture other) {
    Layer layer = network.layers().get(i);
    Shape input = shapes.get(i);
    boolean away = layer.isFree();
    boolean differs = other != null && !other.layers().get(i).label().equals(layer.label());
    rows.row(i + ": " + layer.label(), away ? "away" : differs ? "differs" : "");
    bar(
        rows.open(""),
        away ? "skipped" : "box " + Chart.color(color(layer)),
        (WIDEST - width(i + 1)) / 2,
        width(i + 1));
    rows.text(Numbers.shape(shapes.get(i + 1)));
    rows.text(Numbers.grouped(layer.parameters(input)));
    rows.text(Numbers.grouped(layer.macs(input)));
    if (table != null) {
      rows.text(Numbers.significant(ms[i]));
      double sum = Math.max(Arrays.stream(ms).sum(), Double.MIN_NORMAL);
      Html cell = rows.open("");
      cell.text(String.format(Locale.ROOT, "%.0f %% ", 100 * ms[i] / sum));
      bar(cell, "cost", 0, WIDEST / 2 * ms[i] / Math.max(most(), Double.MIN_NORMAL), WIDEST / 2);
    }
    if (measured != null) {
      rows.text(Numbers.significant(measured[i]));
    }
    if (other != null) {
      rows.text((differs ? "≠ " : "") + other.layers().get(i).label());
    }
    rows.end();
  }

  private double most() {
    return Arrays.stream(ms).max().orElseThrow();
  }

  private void totals(Table rows, boolean compares) {
    if (table != null) {
      rows.row("besides the layers").text("").text("").text("").text("");
      rows.text(Numbers.significant(table.overheadMs())).text("");
      blank(rows, compares);
    }
    rows.row("total", "total").text("").text("");
    rows.text(Numbers.grouped(network.parameters())).text(Numbers.grouped(network.macs()));
    if (table != null) {
      rows.text(Numbers.significant(table.predict(network))).text("");
    }
    if (measured != null) {
      rows.text(Numbers.significant(Arrays.stream(measured).sum()));
    }
    if (compares) {
      rows.text("");
    }
    rows.end();
  }

  private void blank(Table rows, boolean compares) {
    if (measured != null) {
      rows.text("");
    }
    if (compares) {
      rows.text("");
    }
    rows.end();
  }

  /** As wide as the shape has channels, the classifier's logits and pooled features included. */
  private double width(int shape) {
    int most = shapes.stream().mapToInt(Shape::channels).max().orElseThrow();
    return Math.max(4, WIDEST * shapes.get(shape).channels() / most);
  }

  private static void bar(Html cell, String style, double x, double width) {
    bar(cell, style, x, width, WIDEST);
  }

  /** Closes the cell. */
  private static void bar(Html cell, String style, double x, double width, double all) {
    cell.open(
        "svg",
        "class",
        "bar",
        "viewBox",
        String.format(Locale.ROOT, "0 0 %s %s", length(all), length(HEIGHT)),
        "width",
        length(all),
        "height",
        length(HEIGHT),
        "aria-hidden",
        "true");
    box(cell, style, x, width, HEIGHT);
    cell.close().close();
  }

  private static void box(Html html, String style, double x, double width, double height) {
    html.open(
            "rect",
            "class",
            style,
            "x",
            length(x),
            "y",
            "0",
            "width",
            length(width),
            "height",
            length(height),
            "rx",
            "3")
        .close();
  }
}
