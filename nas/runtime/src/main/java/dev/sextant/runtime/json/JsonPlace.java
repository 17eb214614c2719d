package dev.sextant.runtime.json;

import org.jspecify.annotations.Nullable;

/**
 * Where a reader is in a JSON text. Its text is made only for an error: one made for every element
 * would take time and memory that grow with the square of the text, as keys may be long.
 */
final class JsonPlace {
  private static final int SHOWN = 200;

  private final @Nullable JsonPlace outer;
  private String name = "";
  private int index = -1;

  /** A place in an object or array, which itself stands at the outer place. */
  JsonPlace(@Nullable JsonPlace outer) {
    this.outer = outer;
  }

  /** Goes to a field. */
  void at(String field) {
    name = field;
  }

  /** Goes to an element. */
  void at(int element) {
    index = element;
  }

  /** As {@code layers[7].choice[2].kernel}; a long one is cut. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    append(text);
    return clean(text.toString());
  }

  private void append(StringBuilder text) {
    if (outer != null) {
      outer.append(text);
    }
    if (index >= 0) {
      text.append('[').append(index).append(']');
    } else {
      text.append(text.isEmpty() ? "" : ".").append(name, 0, Math.min(name.length(), SHOWN));
    }
  }

  /** What a message shows of a text from a file: shortened, without control characters. */
  static String clean(String text) {
    String shown = text.length() <= SHOWN ? text : text.substring(0, SHOWN) + "...";
    return shown.replaceAll("\\p{Cntrl}", "?");
  }
}
