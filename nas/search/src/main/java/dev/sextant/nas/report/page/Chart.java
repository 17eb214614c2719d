package dev.sextant.nas.report.page;

import static dev.sextant.nas.report.page.Numbers.length;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Lines over epochs, or points over something else, as SVG. Values that are not known (NaN) are
 * left out.
 */
public final class Chart {
  /** How a line is drawn. */
  public enum Stroke {
    /** A line. */
    SOLID,
    /** A line of dashes. */
    DASHED,
    /** A line that others stand before. */
    FAINT,
    /** Points without a line. */
    POINTS
  }

  /**
   * One line, or one color of points.
   *
   * @param name in the legend; lines of the same name share an entry
   * @param color index into the palette
   * @param stroke how it is drawn
   * @param x epochs, or what the chart is over
   * @param y values, as many
   */
  public record Series(String name, int color, Stroke stroke, double[] x, double[] y) {}

  /** A value to compare with, drawn across. */
  private record Level(String name, double value) {}

  /** What is shaded. */
  private record Band(String name, double from, double to) {
    boolean isEmpty() {
      return from == to;
    }
  }

  private static final double WIDTH = 460;
  private static final double HEIGHT = 250;
  private static final double LEFT = 62;
  private static final double RIGHT = 14;
  private static final double TOP = 14;
  private static final double BOTTOM = 44;

  /** Above so many points in a line they are no longer marked one by one. */
  private static final int MARKED = 60;

  private final String title;
  private final String yLabel;
  private final List<Series> series = new ArrayList<>();
  private final List<Level> levels = new ArrayList<>();
  private String xLabel = "epoch";
  private boolean epochs = true;
  private Band band = new Band("", 0, 0);
  private boolean fromZero;

  /**
   * An empty chart.
   *
   * @param title above it
   * @param yLabel what the values are, with their unit
   */
  public Chart(String title, String yLabel) {
    this.title = title;
    this.yLabel = yLabel;
  }

  /**
   * Adds a line, unless none of its values is known.
   *
   * @param line to be drawn over those before it
   * @return this chart
   */
  public Chart add(Series line) {
    if (Arrays.stream(line.y).anyMatch(Double::isFinite)) {
      series.add(line);
    }
    return this;
  }

  /**
   * Adds a line across at a value.
   *
   * @param name in the legend
   * @param value where it lies
   * @return this chart
   */
  public Chart level(String name, double value) {
    levels.add(new Level(name, value));
    return this;
  }

  /**
   * Shades a part of the horizontal axis; nothing where both ends are the same.
   *
   * @param name in the legend
   * @param from where it begins
   * @param to where it ends
   * @return this chart
   */
  public Chart band(String name, double from, double to) {
    band = new Band(name, from, to);
    return this;
  }

  /**
   * Lets the horizontal axis be another quantity than epochs.
   *
   * @param label with its unit
   * @return this chart
   */
  public Chart over(String label) {
    xLabel = label;
    epochs = false;
    return this;
  }

  /**
   * Lets the vertical axis begin at 0.
   *
   * @return this chart
   */
  public Chart fromZero() {
    fromZero = true;
    return this;
  }

  /**
   * Draws the chart, or nothing if it has no lines.
   *
   * @param html where it is added
   */
  public void draw(Html html) {
    if (series.isEmpty()) {
      return;
    }
    Axis x = xAxis();
    Axis y = yAxis();
    html.open("figure").leaf("figcaption", title);
    legend(html);
    html.open(
        "svg",
        "viewBox",
        String.format(Locale.ROOT, "0 0 %s %s", length(WIDTH), length(HEIGHT)),
        "role",
        "img",
        "aria-label",
        described());
    html.leaf("title", title);
    if (!band.isEmpty()) {
      shade(html, x);
    }
    axes(html, x, y);
    for (Level level : levels) {
      html.line("level", LEFT, y(y, level.value), WIDTH - RIGHT, y(y, level.value));
    }
    for (Series line : series) {
      draw(html, line, x, y);
    }
    html.close().close();
  }

  /** What a reader of screens says: where each line begins and ends. */
  private String described() {
    StringBuilder text = new StringBuilder(title);
    for (Series line : series) {
      int first = -1;
      int last = -1;
      for (int i = 0; i < line.y.length; i++) {
        if (Double.isFinite(line.y[i])) {
          first = first < 0 ? i : first;
          last = i;
        }
      }
      text.append(
          String.format(
              Locale.ROOT,
              "; %s: %s at %s %s to %s at %s",
              line.name,
              Numbers.significant(line.y[first]),
              xLabel,
              at(line.x[first]),
              Numbers.significant(line.y[last]),
              at(line.x[last])));
    }
    levels.forEach(
        level ->
            text.append("; ")
                .append(level.name)
                .append(' ')
                .append(Numbers.significant(level.value)));
    return text.toString();
  }

  private Axis xAxis() {
    double[] values = series.stream().flatMapToDouble(line -> Arrays.stream(line.x)).toArray();
    double most = Arrays.stream(values).max().orElseThrow();
    if (epochs) {
      return Axis.of(0, Math.max(most, 1), 8, 1);
    }
    double least = Arrays.stream(values).min().orElseThrow();
    return band.isEmpty()
        ? Axis.of(least, most, 6, 0)
        : Axis.of(Math.min(least, band.from), Math.max(most, band.to), 6, 0);
  }

  private Axis yAxis() {
    double least = fromZero ? 0 : Double.POSITIVE_INFINITY;
    double most = fromZero ? 0 : Double.NEGATIVE_INFINITY;
    for (Level level : levels) {
      least = Math.min(least, level.value);
      most = Math.max(most, level.value);
    }
    for (Series line : series) {
      for (double value : line.y) {
        if (Double.isFinite(value)) {
          least = Math.min(least, value);
          most = Math.max(most, value);
        }
      }
    }
    return Axis.of(least, most, 5, 0);
  }

  private static double x(Axis axis, double value) {
    return LEFT + axis.share(value) * (WIDTH - LEFT - RIGHT);
  }

  private static double y(Axis axis, double value) {
    return HEIGHT - BOTTOM - axis.share(value) * (HEIGHT - TOP - BOTTOM);
  }

  private void shade(Html html, Axis x) {
    html.open(
            "rect",
            "class",
            "warmup",
            "x",
            length(x(x, band.from)),
            "y",
            length(TOP),
            "width",
            length(x(x, band.to) - x(x, band.from)),
            "height",
            length(HEIGHT - TOP - BOTTOM))
        .close();
  }

  private void axes(Html html, Axis x, Axis y) {
    for (double tick : y.ticks()) {
      double at = y(y, tick);
      html.line("tick", LEFT, at, WIDTH - RIGHT, at);
      label(html, y.label(tick), LEFT - 6, at + 4, "end");
    }
    double bottom = HEIGHT - BOTTOM;
    html.line("axis", LEFT, bottom, WIDTH - RIGHT, bottom);
    for (double tick : x.ticks()) {
      double at = x(x, tick);
      html.line("axis", at, bottom, at, bottom + 4);
      label(html, x.label(tick), at, bottom + 17, "middle");
    }
    label(html, xLabel, (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, "middle");
    double middle = (TOP + bottom) / 2;
    html.leaf(
        "text",
        yLabel,
        "class",
        "label",
        "text-anchor",
        "middle",
        "transform",
        String.format(Locale.ROOT, "translate(13 %s) rotate(-90)", length(middle)));
  }

  private void draw(Html html, Series line, Axis x, Axis y) {
    StringBuilder path = new StringBuilder();
    boolean down = false;
    int known = 0;
    for (int i = 0; i < line.x.length; i++) {
      boolean finite = Double.isFinite(line.y[i]);
      if (finite) {
        path.append(down ? 'L' : 'M')
            .append(length(x(x, line.x[i])))
            .append(' ')
            .append(length(y(y, line.y[i])));
        known++;
      }
      down = finite;
    }
    if (line.stroke != Stroke.POINTS) {
      html.open("path", "class", style(line), "d", path.toString()).close();
      if (known > MARKED) {
        return;
      }
    }
    for (int i = 0; i < line.x.length; i++) {
      if (Double.isFinite(line.y[i])) {
        html.open(
                "circle",
                "class",
                "mark " + color(line.color) + (line.stroke == Stroke.FAINT ? " faint" : ""),
                "cx",
                length(x(x, line.x[i])),
                "cy",
                length(y(y, line.y[i])),
                "r",
                line.stroke == Stroke.POINTS ? "4" : "2.6")
            .leaf(
                "title",
                String.format(
                    Locale.ROOT,
                    "%s, %s %s: %s",
                    line.name,
                    xLabel,
                    at(line.x[i]),
                    Numbers.significant(line.y[i])))
            .close();
      }
    }
  }

  private String at(double value) {
    return epochs ? length(value) : Numbers.significant(value);
  }

  private void legend(Html html) {
    Map<String, String> entries = new LinkedHashMap<>();
    series.forEach(line -> entries.putIfAbsent(line.name, style(line)));
    levels.forEach(
        level -> entries.put(level.name + " " + Numbers.significant(level.value), "level"));
    html.open("p", "class", "legend");
    entries.forEach((name, style) -> entry(html, name, style));
    if (!band.isEmpty()) {
      html.open("span");
      html.open("svg", "class", "swatch", "viewBox", "0 0 24 10", "aria-hidden", "true");
      html.open("rect", "class", "warmup", "width", "24", "height", "10").close();
      html.close().text(" " + band.name).close();
    }
    html.close();
  }

  private static void entry(Html html, String name, String style) {
    html.open("span");
    html.open("svg", "class", "swatch", "viewBox", "0 0 24 10", "aria-hidden", "true");
    if (style.startsWith("mark")) {
      html.open("circle", "class", style, "cx", "12", "cy", "5", "r", "4").close();
    } else {
      html.line(style, 0, 5, 24, 5);
    }
    html.close().text(" " + name).close();
  }

  private static String style(Series line) {
    String style = "line " + color(line.color);
    return switch (line.stroke) {
      case SOLID -> style;
      case DASHED -> style + " dashed";
      case FAINT -> style + " faint";
      case POINTS -> "mark " + color(line.color);
    };
  }

  /**
   * {@return the class of a color of the palette}
   *
   * @param index of the color, from 0; after the last the first comes again
   */
  public static String color(int index) {
    return "c" + index % Page.COLORS;
  }

  private static void label(Html html, String text, double x, double y, String anchor) {
    html.leaf(
        "text", text, "class", "label", "x", length(x), "y", length(y), "text-anchor", anchor);
  }
}
