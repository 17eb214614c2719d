package dev.sextant.nas.fuzz;

import java.util.ArrayList;
import java.util.List;

/** Tables whose cells, rows and separators are changed. */
final class CsvGrammar implements Grammar {
  static final Grammar TABLE = new CsvGrammar().or(BYTES, 4);

  private static final List<String> CELLS =
      List.of(
          "",
          "0",
          "-1",
          "1e308",
          "-1e308",
          "1e-320",
          "NaN",
          "Infinity",
          "2147483648",
          "9223372036854775808",
          "0x10",
          "1,5",
          "\"",
          "\"\"\"",
          "true",
          "x",
          "65536x65536x65536",
          "-1x1x1",
          "{}",
          "\"{\"\"op\"\":\"\"skip\"\"}\"",
          "\u0661",
          "\u001b[2J");

  @Override
  public byte[] change(byte[] good, Choices choices) {
    List<String> lines = new ArrayList<>(Grammar.text(good).lines().toList());
    String separator = ",";
    for (int n = 1 + choices.below(3); n > 0 && !lines.isEmpty(); n--) {
      int at = choices.below(lines.size());
      switch (choices.below(9)) {
        case 0 -> lines.remove(at);
        case 1 -> lines.add(choices.below(lines.size()), lines.get(at));
        case 2 -> separator = choices.oneIn(2) ? ";" : "\t";
        case 3 -> lines.set(at, "\uFEFF" + lines.get(at));
        default -> lines.set(at, cells(lines.get(at), choices));
      }
    }
    String text = String.join(choices.oneIn(8) ? "\r\n" : "\n", lines) + "\n";
    return Grammar.bytes(separator.equals(",") ? text : text.replace(",", separator));
  }

  /** A change of one cell, quotes aside. */
  private static String cells(String line, Choices choices) {
    List<String> cells = new ArrayList<>(List.of(line.split("[,|(]", -1)));
    String separator = line.contains("|") ? "|" : line.contains("(") ? "(" : ",";
    int at = choices.below(cells.size());
    switch (choices.below(5)) {
      case 0 -> cells.remove(at);
      case 1 -> cells.add(choices.below(cells.size()), cells.get(at));
      case 2 -> cells.set(at, cells.get(choices.below(cells.size())));
      case 3 -> {
        String cell = cells.get(at);
        int place = choices.below(cell.length() + 1);
        cells.set(at, cell.substring(0, place) + choices.below(10) + cell.substring(place));
      }
      default -> cells.set(at, CELLS.get(choices.below(CELLS.size())));
    }
    return String.join(separator, cells);
  }
}
