package dev.sextant.bench;

import java.util.List;
import java.util.Locale;

/** The rows as text for people. */
final class Table {
  private static final String LINE = "%-46s %11s %11s %8s %6s %6s %8s %8s %11s";

  private Table() {}

  /** The table, a line for each row, times in milliseconds. */
  static String of(List<Row> rows) {
    StringBuilder text = new StringBuilder();
    line(
        text,
        "hot path",
        "ours ms",
        "peer ms",
        "ratio",
        "worst",
        "(peer)",
        "p99",
        "(peer)",
        "B/step");
    for (Row row : rows) {
      Measured peer = row.peer();
      line(
          text,
          row.name(),
          millis(row.ours().millis()),
          peer == null ? "-" : millis(peer.millis()),
          peer == null ? "-" : String.format(Locale.ROOT, "%.2fx", row.ratio()),
          String.format(Locale.ROOT, "%.2f", row.ours().worstFork()),
          peer == null ? "-" : String.format(Locale.ROOT, "%.2f", peer.worstFork()),
          orDash(row.ours().p99()),
          peer == null ? "-" : orDash(peer.p99()),
          String.format(Locale.ROOT, "%.0f", row.ours().bytes()));
    }
    return text.toString();
  }

  private static void line(StringBuilder text, Object... cells) {
    text.append(String.format(Locale.ROOT, LINE, cells).stripTrailing()).append('\n');
  }

  private static String orDash(double millis) {
    return Double.isNaN(millis) ? "-" : millis(millis);
  }

  /** Three digits that count. */
  static String millis(double millis) {
    int decimals = millis >= 100 ? 0 : millis >= 10 ? 1 : millis >= 1 ? 2 : millis >= 0.1 ? 3 : 4;
    return String.format(Locale.ROOT, "%." + decimals + "f", millis);
  }
}
