package dev.sextant.nas.report;

import static dev.sextant.nas.report.page.Numbers.length;

import dev.sextant.nas.cost.LatencyTable;
import dev.sextant.nas.report.page.Chart;
import dev.sextant.nas.report.page.Html;
import dev.sextant.nas.report.page.Numbers;
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
import dev.sextant.runtime.layer.Separable;
import dev.sextant.runtime.layer.Shuffle;
import dev.sextant.runtime.layer.Skip;
import dev.sextant.runtime.layer.Zero;
import dev.sextant.tensor.Shape;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A network as SVG, from the input down to the logits: one row a layer, its box as wide as its
 * output has channels and colored by op; skipped positions faint. Beside it what the layer costs.
 */
final class NetworkDrawing {
  private static final double WIDTH = 940;
  private static final double ROW = 24;
  private static final double HEADER = 24;
  private static final double LABEL = 34;
  private static final double CENTER = 302;
  private static final double WIDEST = 236;
  private static final double SHAPE = 494;
  private static final double PARAMETERS = 600;
  private static final double MACS = 716;
  private static final double MS = 806;
  private static final double BAR = 816;
  private static final double LONGEST_BAR = WIDTH - BAR;

  private final Architecture network;
  private final @Nullable LatencyTable table;
  private final List<Shape> shapes;
  private final double[] ms;

  /**
   * A drawing of a network.
   *
   * @param table which prices its layers, or null to leave latencies out
   * @throws dev.sextant.tensor.SextantException if the table lacks a layer of it
   */
  NetworkDrawing(Architecture network, @Nullable LatencyTable table) {
    this.network = network;
    this.table = table;
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
      case Depthwise _, Separable _, Shuffle _, Cell _, CustomLayer _ -> 6;
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

  private static boolean isAway(Layer layer) {
    return layer.isFree();
  }

  /** Draws it under that title. */
  void draw(Html html, String title) {
    int rows = ms.length + (table == null ? 2 : 3);
    html.open("figure", "class", "wide").leaf("figcaption", title);
    legend(html);
    html.open("div", "class", "scroll");
    html.open(
        "svg",
        "viewBox",
        String.format(Locale.ROOT, "0 0 %s %s", length(WIDTH), length(HEADER + rows * ROW + 4)),
        "role",
        "img",
        "aria-label",
        title);
    html.leaf("title", title);
    text(html, "output", "label", SHAPE, HEADER - 8, "end");
    text(html, "parameters", "label", PARAMETERS, HEADER - 8, "end");
    text(html, "MACs", "label", MACS, HEADER - 8, "end");
    if (table != null) {
      text(html, "predicted ms", "label", MS, HEADER - 8, "end");
    }
    double bottom = HEADER + (ms.length + 0.5) * ROW;
    html.line("flow", CENTER, HEADER + ROW / 2, CENTER, bottom);
    input(html);
    for (int i = 0; i < ms.length; i++) {
      layer(html, i);
    }
    totals(html);
    html.close().close().close();
  }

  private void legend(Html html) {
    html.open("p", "class", "legend");
    Map<String, Integer> colors = new LinkedHashMap<>();
    for (Layer layer : network.layers()) {
      if (!isAway(layer)) {
        colors.putIfAbsent(op(layer), color(layer));
      }
    }
    colors.forEach(
        (op, color) -> {
          html.open("span");
          html.open("svg", "class", "swatch", "viewBox", "0 0 24 10", "aria-hidden", "true");
          box(html, "box " + Chart.color(color), 0, 0, 24, 10);
          html.close().text(" " + op).close();
        });
    html.leaf("span", "width of a box: output channels");
    html.close();
  }

  private void input(Html html) {
    double y = HEADER;
    text(html, "input", "label", LABEL, y + 16, "start");
    box(html, "frame", CENTER - width(0) / 2, y + 4, width(0), ROW - 8);
    text(html, Numbers.shape(shapes.getFirst()), "label", SHAPE, y + 16, "end");
  }

  private void layer(Html html, int i) {
    Layer layer = network.layers().get(i);
    Shape input = shapes.get(i);
    double y = HEADER + (i + 1) * ROW;
    double width = width(i + 1);
    boolean away = isAway(layer);
    String style = away ? "away" : "layer";
    html.open("g");
    html.leaf(
        "title",
        String.format(
            Locale.ROOT,
            "layer %d, %s: %s → %s",
            i,
            layer.label(),
            Numbers.shape(input),
            Numbers.shape(shapes.get(i + 1))));
    text(html, String.valueOf(i), "label", LABEL - 10, y + 16, "end");
    text(html, layer.label(), style, LABEL, y + 16, "start");
    String box = away ? "skipped" : "box " + Chart.color(color(layer));
    box(html, box, CENTER - width / 2, y + 3, width, ROW - 6);
    text(html, Numbers.shape(shapes.get(i + 1)), style, SHAPE, y + 16, "end");
    text(html, Numbers.grouped(layer.parameters(input)), style, PARAMETERS, y + 16, "end");
    text(html, Numbers.grouped(layer.macs(input)), style, MACS, y + 16, "end");
    if (table != null) {
      text(html, Numbers.significant(ms[i]), style, MS, y + 16, "end");
      double most = Math.max(Arrays.stream(ms).max().orElseThrow(), Double.MIN_NORMAL);
      box(html, "cost", BAR, y + 5, LONGEST_BAR * ms[i] / most, ROW - 10);
    }
    html.close();
  }

  private void totals(Html html) {
    double y = HEADER + (ms.length + 1) * ROW;
    if (table != null) {
      text(html, "besides the layers", "layer", LABEL, y + 16, "start");
      text(html, Numbers.significant(table.overheadMs()), "layer", MS, y + 16, "end");
      text(html, Numbers.significant(table.predict(network)), "total", MS, y + ROW + 16, "end");
      y += ROW;
    }
    text(html, "total", "total", LABEL, y + 16, "start");
    text(html, Numbers.grouped(network.parameters()), "total", PARAMETERS, y + 16, "end");
    text(html, Numbers.grouped(network.macs()), "total", MACS, y + 16, "end");
  }

  /** As wide as the shape has channels, the classifier's logits and pooled features included. */
  private double width(int shape) {
    int most = shapes.stream().mapToInt(Shape::channels).max().orElseThrow();
    return Math.max(4, WIDEST * shapes.get(shape).channels() / most);
  }

  private static void box(
      Html html, String style, double x, double y, double width, double height) {
    html.open(
            "rect",
            "class",
            style,
            "x",
            length(x),
            "y",
            length(y),
            "width",
            length(width),
            "height",
            length(height),
            "rx",
            "3")
        .close();
  }

  private static void text(
      Html html, String text, String style, double x, double y, String anchor) {
    html.leaf("text", text, "class", style, "x", length(x), "y", length(y), "text-anchor", anchor);
  }
}
