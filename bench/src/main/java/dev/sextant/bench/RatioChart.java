package dev.sextant.bench;

import java.util.List;
import java.util.Locale;

/** How many times faster than the peer each hot path is, as bars on a logarithmic scale. */
final class RatioChart {
  private static final double NAMES = 330;
  private static final double BARS = 420;
  private static final double NOTES = 210;
  private static final double LINE = 22;
  private static final double TOP = 56;

  private static final String FASTER = "#2a7fba";
  private static final String SLOWER = "#c8553d";
  private static final String GRID = "#d8d8d8";

  private RatioChart() {}

  /** The chart as SVG; rows without a peer are left out. */
  static String of(String title, List<Row> rows) {
    List<Row> drawn = rows.stream().filter(row -> row.peer() != null).toList();
    double low = 1;
    double high = 1;
    for (Row row : drawn) {
      low = Math.min(low, row.ratio());
      high = Math.max(high, row.ratio());
    }
    double first = Math.floor(log2(low));
    double octaves = Math.max(1, Math.ceil(log2(high)) - first);
    double bottom = TOP + LINE * drawn.size();
    Svg svg = new Svg(NAMES + BARS + NOTES, bottom + 16);
    svg.words(10, 20, "start", title);
    for (int i = 0; i <= octaves; i++) {
      double x = NAMES + BARS * i / octaves;
      svg.line(x, TOP - 6, x, bottom, GRID, 1);
      svg.words(
          x, TOP - 12, "middle", String.format(Locale.ROOT, "%sx", number(Math.pow(2, first + i))));
    }
    double one = NAMES + BARS * -first / octaves;
    for (int i = 0; i < drawn.size(); i++) {
      Row row = drawn.get(i);
      Measured peer = row.peer();
      double y = TOP + LINE * i;
      double x = NAMES + BARS * (log2(row.ratio()) - first) / octaves;
      svg.words(NAMES - 8, y + 14, "end", row.name());
      svg.rectangle(
          Math.min(one, x), y + 3, Math.abs(x - one), LINE - 6, x < one ? SLOWER : FASTER);
      svg.words(
          NAMES + BARS + 10,
          y + 14,
          "start",
          String.format(
              Locale.ROOT,
              "%.2fx (%s, %s ms)",
              row.ratio(),
              Table.millis(row.ours().millis()),
              peer == null ? "-" : Table.millis(peer.millis())));
    }
    svg.line(one, TOP - 6, one, bottom, "#222222", 1.5);
    return svg.done();
  }

  private static double log2(double value) {
    return Math.log(value) / Math.log(2);
  }

  private static String number(double value) {
    return value >= 1
        ? String.format(Locale.ROOT, "%.0f", value)
        : String.format(Locale.ROOT, "%.4f", value).replaceAll("0+$", "");
  }
}
