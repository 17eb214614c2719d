package dev.sextant.nas.csv;

import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.CsvRecord;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * A table with a header line, as programs write it or as a spreadsheet saves it again: with or
 * without a byte order mark, its cells apart by commas, semicolons or tabs, lines that begin with
 * {@code #} comments. Where cells are apart by semicolons or tabs a number may have a decimal
 * comma. Immutable; takes memory linear in the text.
 */
public final class CsvTable {
  private static final Pattern NUMBER = Pattern.compile("[-+0-9.eE]+");

  private final String comment;
  private final List<String> header;
  private final List<Row> rows;

  private CsvTable(String comment, List<String> header, List<Row> rows) {
    this.comment = comment;
    this.header = header;
    this.rows = rows;
  }

  /** A line of the table. */
  public static final class Row {
    private final CsvRecord record;
    private final Map<String, Integer> columns;
    private final boolean decimalComma;

    private Row(CsvRecord record, Map<String, Integer> columns, boolean decimalComma) {
      this.record = record;
      this.columns = columns;
      this.decimalComma = decimalComma;
    }

    /** {@return where it is, for errors: {@code line 7}} */
    public String where() {
      return "line " + record.getStartingLineNumber();
    }

    /**
     * The text in a column.
     *
     * @param column name of the column
     * @return the text
     * @throws SextantException naming the line, if there is none
     */
    public String text(String column) {
      Integer place = columns.get(column);
      if (place == null || place >= record.getFieldCount()) {
        throw new SextantException(
            String.format(Locale.ROOT, "%s: column %s is missing", where(), column));
      }
      return record.getField(place);
    }

    /**
     * {@return the finite number in a column}
     *
     * @param column name of the column
     * @throws SextantException naming the line, if it is none
     */
    public double number(String column) {
      String text = text(column).strip();
      try {
        String plain = decimalComma ? text.replace(',', '.') : text;
        double value = Double.parseDouble(plain);
        // Java's own notations, 1d and 0x1p3, are nobody's numbers.
        if (Double.isFinite(value) && NUMBER.matcher(plain).matches()) {
          return value;
        }
      } catch (NumberFormatException e) {
        // Said below.
      }
      throw new SextantException(
          String.format(Locale.ROOT, "%s: %s: '%s' is not a number", where(), column, text));
    }

    /**
     * {@return the whole number in a column}
     *
     * @param column name of the column
     * @throws SextantException naming the line, if it is none
     */
    public long whole(String column) {
      String text = text(column).strip();
      try {
        return Long.parseLong(text);
      } catch (NumberFormatException e) {
        throw new SextantException(
            String.format(Locale.ROOT, "%s: %s: '%s' is not a whole number", where(), column, text),
            e);
      }
    }

    /**
     * {@return the truth in a column, in letters of any case}
     *
     * @param column name of the column
     * @throws SextantException naming the line, if it is neither
     */
    public boolean truth(String column) {
      String text = text(column).strip();
      if (text.equalsIgnoreCase("true") || text.equalsIgnoreCase("false")) {
        return text.equalsIgnoreCase("true");
      }
      throw new SextantException(
          String.format(
              Locale.ROOT, "%s: %s is '%s', neither true nor false", where(), column, text));
    }
  }

  /**
   * Reads a text.
   *
   * @param text lines of values apart by commas, the first with the names of the columns
   * @return the table
   * @throws SextantException naming the line of what is wrong, not the file
   */
  public static CsvTable parse(String text) {
    String plain = text.startsWith("\uFEFF") ? text.substring(1) : text;
    char separator = separator(plain);
    String comment = "";
    List<String> header = List.of();
    Map<String, Integer> columns = new HashMap<>();
    List<Row> rows = new ArrayList<>();
    try (CsvReader<CsvRecord> reader =
        CsvReader.builder()
            .fieldSeparator(separator)
            .allowExtraFields(true)
            .allowMissingFields(true)
            .ofCsvRecord(commentsQuoted(plain))) {
      for (CsvRecord record : reader) {
        String first = record.getField(0);
        if (first.startsWith("#")) {
          comment = comment.isEmpty() ? first.substring(1) : comment;
        } else if (header.isEmpty()) {
          header = record.getFields().stream().map(String::strip).toList();
          for (int i = 0; i < header.size(); i++) {
            if (columns.put(header.get(i), i) != null && !header.get(i).isEmpty()) {
              throw new SextantException(
                  String.format(Locale.ROOT, "there are two columns '%s'", header.get(i)));
            }
          }
        } else {
          Row row = new Row(record, columns, separator != ',');
          if (record.getFields().stream().skip(header.size()).anyMatch(cell -> !cell.isBlank())) {
            throw new SextantException(
                String.format(
                    Locale.ROOT,
                    "%s: has %d cells, the header %d",
                    row.where(),
                    record.getFieldCount(),
                    header.size()));
          }
          rows.add(row);
        }
      }
    } catch (IOException | CsvParseException e) {
      throw new SextantException("not CSV (" + e.getMessage() + ")", e);
    }
    return new CsvTable(comment, header, rows);
  }

  /** What the header's names are apart by: the first line that is no comment. */
  private static char separator(String text) {
    String header =
        text.lines()
            .filter(line -> !line.isBlank() && !line.startsWith("#") && !line.startsWith("\"#"))
            .findFirst()
            .orElse("");
    return header.indexOf(';') >= 0 && header.indexOf(',') < 0
        ? ';'
        : header.indexOf('\t') >= 0 && header.indexOf(',') < 0 ? '\t' : ',';
  }

  /**
   * Comments are cells of their own, so that their commas and quotes do not matter: as spreadsheets
   * write them, quoted, with separators behind.
   */
  private static String commentsQuoted(String text) {
    if (text.indexOf("#") < 0) {
      return text;
    }
    StringBuilder quoted = new StringBuilder(text.length() + 64);
    int at = 0;
    while (at < text.length()) {
      int end = text.indexOf('\n', at);
      end = end < 0 ? text.length() : end + 1;
      if (text.charAt(at) == '#') {
        String line = text.substring(at, end).stripTrailing();
        quoted.append('"').append(line.replace("\"", "\"\"")).append("\"\n");
      } else {
        quoted.append(text, at, end);
      }
      at = end;
    }
    return quoted.toString();
  }

  /** {@return the first comment without its {@code #}, or nothing} */
  public String comment() {
    return comment;
  }

  /** {@return the names of the columns} */
  public List<String> header() {
    return header;
  }

  /** {@return the lines below the header} */
  public List<Row> rows() {
    return rows;
  }
}
