package dev.sextant.nas.report.page;

import java.util.List;

/**
 * A table whose rows become cards on a narrow screen, each value with the name of its column, so
 * that none is cut off.
 *
 * <p>Confined to one thread.
 */
public final class Table {
  private final Html html;
  private final List<String> columns;
  private int column;

  /**
   * Opens a table.
   *
   * @param html where it is added
   * @param caption what it is of, for readers of screens
   * @param columns their names; the first is of a row's name
   */
  public Table(Html html, String caption, String... columns) {
    this.html = html;
    this.columns = List.of(columns);
    html.open("table", "class", "cards").leaf("caption", caption, "class", "unseen");
    html.open("thead").open("tr");
    for (String name : columns) {
      html.leaf(
          "th", name, "scope", "col", "class", this.columns.getFirst().equals(name) ? "name" : "");
    }
    html.close().close().open("tbody");
  }

  /**
   * Opens a row.
   *
   * @param name in its first cell
   * @return this table
   */
  public Table row(String name) {
    return row(name, "");
  }

  /**
   * Opens a row that looks like others of a class.
   *
   * @param name in its first cell
   * @param style the class; or empty
   * @return this table
   */
  public Table row(String name, String style) {
    html.open("tr", "class", style);
    html.leaf("th", name, "scope", "row", "class", "name");
    column = 1;
    return this;
  }

  /**
   * {@return the next cell, open, to be closed}
   *
   * @param style its class; or empty
   */
  public Html open(String style) {
    return html.open("td", "data-label", columns.get(column++), "class", style);
  }

  /**
   * Adds the next cell.
   *
   * @param text as a reader sees it
   * @return this table
   */
  public Table text(String text) {
    open("").text(text).close();
    return this;
  }

  /**
   * Adds the next cell.
   *
   * @param exact the number
   * @param shown the same for a reader
   * @return this table
   */
  public Table number(double exact, String shown) {
    open("").number(exact, shown).close();
    return this;
  }

  /** Closes the row. */
  public void end() {
    html.close();
  }

  /** Closes the table. */
  public void close() {
    html.close().close();
  }
}
