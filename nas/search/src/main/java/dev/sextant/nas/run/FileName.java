package dev.sextant.nas.run;

import java.util.Locale;

/** Names that a user gave, as parts of the names of files. */
public final class FileName {
  /** File systems hold 255 bytes, of which others are left for what comes before and after. */
  private static final int LONGEST = 100;

  private FileName() {}

  /**
   * {@return a name as it can stand in the name of a file on every system: ASCII letters, digits
   * and {@code - _ .} as they are, anything else, such as a slash, as an underscore} A name that
   * was changed ends in a hash of what it was, so that different names stay different.
   *
   * @param name any text
   */
  public static String of(String name) {
    String safe = name.replaceAll("[^A-Za-z0-9._-]", "_").replaceAll("^\\.+", "_");
    if (safe.length() > LONGEST) {
      safe = safe.substring(0, LONGEST);
    }
    return safe.equals(name) ? name : String.format(Locale.ROOT, "%s-%08x", safe, name.hashCode());
  }
}
