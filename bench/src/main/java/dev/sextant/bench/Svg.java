package dev.sextant.bench;

import java.util.Locale;

/** An SVG drawing under construction, on white so that it reads in any page. */
final class Svg {
  private final StringBuilder text = new StringBuilder();

  /** An empty drawing of that size in pixels. */
  Svg(double width, double height) {
    element(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%1$.0f\" height=\"%2$.0f\""
            + " viewBox=\"0 0 %1$.0f %2$.0f\" font-family=\"sans-serif\" font-size=\"12\">",
        width, height);
    rectangle(0, 0, width, height, "#ffffff");
  }

  /** A filled rectangle. */
  void rectangle(double x, double y, double width, double height, String color) {
    element(
        "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>",
        x, y, width, height, color);
  }

  /** A straight line. */
  void line(double x1, double y1, double x2, double y2, String color, double width) {
    element(
        "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\""
            + " stroke-width=\"%.1f\"/>",
        x1, y1, x2, y2, color, width);
  }

  /** A dot. */
  void dot(double x, double y, String color) {
    element("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>", x, y, color);
  }

  /** Words; the anchor is {@code start}, {@code middle} or {@code end}. */
  void words(double x, double y, String anchor, String words) {
    element(
        "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" fill=\"#222222\">%s</text>",
        x, y, anchor, words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"));
  }

  private void element(String format, Object... values) {
    text.append(String.format(Locale.ROOT, format, values)).append('\n');
  }

  /** The finished drawing. */
  String done() {
    return text + "</svg>\n";
  }
}
