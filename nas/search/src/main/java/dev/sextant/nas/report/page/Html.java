package dev.sextant.nas.report.page;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Set;

/**
 * Writes HTML with inline SVG that is well-formed XML too. All text and all attribute values are
 * escaped; only the names of elements and attributes are taken as they are.
 *
 * <p>Confined to one thread.
 */
public final class Html {
  /** Elements of HTML that have no end tag; all others get one, as HTML asks. */
  private static final Set<String> VOID = Set.of("meta", "br", "hr", "col", "input", "img");

  private final StringBuilder out = new StringBuilder();
  private final Deque<String> open = new ArrayDeque<>();
  private boolean afterText;

  /** Starts a document. */
  public Html() {
    this("<!DOCTYPE html>");
  }

  private Html(String start) {
    out.append(start);
  }

  /** {@return a part of a document, at its beginning} */
  public static Html fragment() {
    return new Html("");
  }

  /**
   * Opens an element.
   *
   * @param tag name of the element
   * @param attributes names and values by turns
   * @return this document
   */
  public Html open(String tag, String... attributes) {
    if (attributes.length % 2 != 0) {
      throw new IllegalArgumentException(tag + ": an attribute without a value");
    }
    // A line break beside text would show as a space.
    out.append(afterText ? "<" : "\n<").append(tag);
    for (int i = 0; i < attributes.length; i += 2) {
      out.append(' ').append(attributes[i]).append("=\"");
      escape(attributes[i + 1]);
      out.append('"');
    }
    afterText = false;
    if (VOID.contains(tag)) {
      out.append("/>");
    } else {
      out.append('>');
      open.push(tag);
    }
    return this;
  }

  /**
   * Closes the element opened last.
   *
   * @return this document
   */
  public Html close() {
    out.append("</").append(open.pop()).append('>');
    afterText = false;
    return this;
  }

  /**
   * Adds text to the open element.
   *
   * @param text as a reader sees it
   * @return this document
   */
  public Html text(String text) {
    escape(text);
    afterText = true;
    return this;
  }

  /**
   * Adds an element with nothing but text in it.
   *
   * @param tag name of the element
   * @param text as a reader sees it
   * @param attributes names and values by turns
   * @return this document
   */
  public Html leaf(String tag, String text, String... attributes) {
    open(tag, attributes);
    return text(text).close();
  }

  /**
   * Adds a text as it is: a script of this module's own.
   *
   * @param text of the page
   * @return this document
   */
  public Html raw(String text) {
    out.append(text);
    return this;
  }

  /**
   * Adds a line of a drawing.
   *
   * @param style class of the line
   * @param x1 of its beginning
   * @param y1 of its beginning
   * @param x2 of its end
   * @param y2 of its end
   * @return this document
   */
  public Html line(String style, double x1, double y1, double x2, double y2) {
    open(
        "line",
        "class",
        style,
        "x1",
        Numbers.length(x1),
        "y1",
        Numbers.length(y1),
        "x2",
        Numbers.length(x2),
        "y2",
        Numbers.length(y2));
    return close();
  }

  /**
   * Adds a number as shown, with its exact value beside it for programs.
   *
   * @param exact the number
   * @param shown the same for a reader
   * @return this document
   */
  public Html number(double exact, String shown) {
    return leaf("data", shown, "value", Double.toString(exact));
  }

  /**
   * {@return the document}
   *
   * @throws IllegalStateException if an element is still open
   */
  public String finish() {
    if (!open.isEmpty()) {
      throw new IllegalStateException("still open: " + open);
    }
    return out + "\n";
  }

  private void escape(String text) {
    text.codePoints()
        .forEach(
            c -> {
              switch (c) {
                case '<' -> out.append("&lt;");
                case '>' -> out.append("&gt;");
                case '&' -> out.append("&amp;");
                case '"' -> out.append("&quot;");
                case '\'' -> out.append("&#39;");
                default -> out.appendCodePoint(isXml(c) ? c : 0xFFFD);
              }
            });
  }

  /** What XML 1.0 lets a document hold, but for the control characters that HTML refuses. */
  private static boolean isXml(int c) {
    return c == '\t'
        || c == '\n'
        || (c >= 0x20 && c < 0x7F)
        || (c >= 0xA0 && c <= 0xD7FF)
        || (c >= 0xE000 && c <= 0xFFFD)
        || c >= 0x10000;
  }
}
