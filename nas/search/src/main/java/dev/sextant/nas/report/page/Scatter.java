package dev.sextant.nas.report.page;

import static dev.sextant.nas.report.page.Numbers.length;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Points of two quantities as SVG, each a link to what it is of, with its numbers shown under the
 * pointer and at the keyboard's focus. Kinds differ in shape as well as in color.
 */
public final class Scatter {
  /**
   * A point.
   *
   * @param kind its series, from 0: shape and color
   * @param name said with its numbers
   * @param x horizontal quantity
   * @param y vertical quantity
   * @param target of its link, the id of an element of the page; or empty
   */
  public record Point(int kind, String name, double x, double y, String target) {}

  /** Something of which the horizontal quantity alone is known. */
  private record Mark(String name, double x) {}

  private static final double WIDTH = 460;
  private static final double HEIGHT = 280;
  private static final double LEFT = 62;
  private static final double RIGHT = 16;
  private static final double TOP = 18;
  private static final double BOTTOM = 44;

  private final String title;
  private final String xLabel;
  private final String yLabel;
  private final List<String> kinds;
  private final List<Point> points = new ArrayList<>();
  private final List<Mark> marks = new ArrayList<>();

  /**
   * An empty chart.
   *
   * @param title above it
   * @param xLabel what the horizontal quantity is, with its unit
   * @param yLabel what the vertical quantity is, with its unit
   * @param kinds the names of the series
   */
  public Scatter(String title, String xLabel, String yLabel, List<String> kinds) {
    this.title = title;
    this.xLabel = xLabel;
    this.yLabel = yLabel;
    this.kinds = List.copyOf(kinds);
  }

  /**
   * Adds a point, unless one of its numbers is not known.
   *
   * @param point to be drawn over those before it
   */
  public void add(Point point) {
    if (Double.isFinite(point.x) && Double.isFinite(point.y)) {
      points.add(point);
    }
  }

  /**
   * Marks a place on the horizontal axis, unless it is not known.
   *
   * @param name written beside it
   * @param x where it lies
   */
  public void mark(String name, double x) {
    if (Double.isFinite(x)) {
      marks.add(new Mark(name, x));
    }
  }

  /**
   * Draws the chart, or nothing if it has no points.
   *
   * @param html where it is added
   */
  public void draw(Html html) {
    if (points.isEmpty()) {
      return;
    }
    double[] xs = points.stream().mapToDouble(Point::x).toArray();
    double[] ys = points.stream().mapToDouble(Point::y).toArray();
    Axis x = Axis.of(least(xs), most(xs), 5, 0);
    Axis y = Axis.of(least(ys), most(ys), 5, 0);
    html.open("figure", "class", "pareto").leaf("figcaption", title);
    legend(html);
    html.open(
        "svg",
        "viewBox",
        String.format(Locale.ROOT, "0 0 %s %s", length(WIDTH), length(HEIGHT)),
        "role",
        "group",
        "aria-label",
        title + ", " + points.size() + " networks");
    axes(html, x, y);
    for (Mark mark : marks) {
      if (mark.x >= x.low() && mark.x <= x.high()) {
        double at = x(x, mark.x);
        html.open("g").leaf("title", mark.name);
        html.line("level", at, TOP, at, HEIGHT - BOTTOM);
        text(html, mark.name, "label", at + 3, TOP + 10, "start");
        html.close();
      }
    }
    for (Point point : points) {
      draw(html, point, x(x, point.x), y(y, point.y));
    }
    html.close().close();
  }

  private static double least(double[] values) {
    return java.util.Arrays.stream(values).min().orElseThrow();
  }

  private static double most(double[] values) {
    return java.util.Arrays.stream(values).max().orElseThrow();
  }

  private static double x(Axis axis, double value) {
    return LEFT + axis.share(value) * (WIDTH - LEFT - RIGHT);
  }

  private static double y(Axis axis, double value) {
    return HEIGHT - BOTTOM - axis.share(value) * (HEIGHT - TOP - BOTTOM);
  }

  private void axes(Html html, Axis x, Axis y) {
    for (double tick : y.ticks()) {
      double at = y(y, tick);
      html.line("tick", LEFT, at, WIDTH - RIGHT, at);
      text(html, y.label(tick), "label", LEFT - 6, at + 4, "end");
    }
    double bottom = HEIGHT - BOTTOM;
    html.line("axis", LEFT, bottom, WIDTH - RIGHT, bottom);
    for (double tick : x.ticks()) {
      double at = x(x, tick);
      html.line("axis", at, bottom, at, bottom + 4);
      text(html, x.label(tick), "label", at, bottom + 17, "middle");
    }
    text(html, xLabel, "label", (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, "middle");
    html.leaf(
        "text",
        yLabel,
        "class",
        "label",
        "text-anchor",
        "middle",
        "transform",
        String.format(Locale.ROOT, "translate(13 %s) rotate(-90)", length((TOP + bottom) / 2)));
  }

  private void draw(Html html, Point point, double x, double y) {
    String said =
        String.format(
            Locale.ROOT,
            "%s: %s at %s",
            point.name,
            Numbers.significant(point.y),
            Numbers.significant(point.x));
    boolean links = !point.target.isEmpty();
    if (links) {
      html.open("a", "href", "#" + point.target, "class", "point", "aria-label", said);
    } else {
      html.open("g", "class", "point", "tabindex", "0", "role", "img", "aria-label", said);
    }
    html.leaf("title", said);
    shape(html, point.kind, x, y);
    boolean rightHalf = x > (LEFT + WIDTH) / 2;
    text(
        html,
        said,
        "value",
        rightHalf ? x - 9 : x + 9,
        Math.max(12, y - 9),
        rightHalf ? "end" : "start");
    html.close();
  }

  /** A circle, a diamond, a square and a triangle. */
  private static void shape(Html html, int kind, double x, double y) {
    String style = "mark " + Chart.color(kind);
    switch (kind % 4) {
      case 0 ->
          html.open("circle", "class", style, "cx", length(x), "cy", length(y), "r", "4").close();
      case 1 -> path(html, style, x, y, "M%s %sl6 6-6 6-6-6z", 0, -6);
      case 2 -> path(html, style, x, y, "M%s %sh11v11h-11z", -5.5, -5.5);
      default -> path(html, style, x, y, "M%s %sl7 12h-14z", 0, -7);
    }
  }

  private static void path(
      Html html, String style, double x, double y, String d, double dx, double dy) {
    html.open(
            "path",
            "class",
            style,
            "d",
            String.format(Locale.ROOT, d, length(x + dx), length(y + dy)))
        .close();
  }

  private void legend(Html html) {
    Map<Integer, String> used = new LinkedHashMap<>();
    points.forEach(point -> used.putIfAbsent(point.kind, kinds.get(point.kind)));
    html.open("p", "class", "legend");
    used.forEach(
        (kind, name) -> {
          html.open("span");
          html.open("svg", "class", "swatch", "viewBox", "0 -2 24 14", "aria-hidden", "true");
          shape(html, kind, 12, 5);
          html.close().text(" " + name).close();
        });
    html.close();
  }

  private static void text(
      Html html, String text, String style, double x, double y, String anchor) {
    html.leaf("text", text, "class", style, "x", length(x), "y", length(y), "text-anchor", anchor);
  }
}
