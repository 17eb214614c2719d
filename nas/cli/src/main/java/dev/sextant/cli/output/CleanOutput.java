package dev.sextant.cli.output;

import java.io.PrintStream;

/**
 * Standard output or error of a command: the one place through which all its text goes to a
 * terminal. Names of files, classes, layers and columns may hold escape sequences that would move
 * its cursor, change its title or turn the text around; what they consist of is printed as {@code
 * ?}. Line ends and tabs pass, and so do bytes written as such.
 */
public final class CleanOutput extends PrintStream {
  public CleanOutput(PrintStream out) {
    super(out, true, out.charset());
  }

  /** A text without what a terminal would obey. */
  public static String clean(String text) {
    StringBuilder clean = null;
    for (int i = 0; i < text.length(); i++) {
      if (isObeyed(text.charAt(i))) {
        clean = clean == null ? new StringBuilder(text) : clean;
        clean.setCharAt(i, '?');
      }
    }
    return clean == null ? text : clean.toString();
  }

  /** Control characters, and those that change the direction of the text after them. */
  private static boolean isObeyed(char c) {
    return Character.isISOControl(c) && c != '\n' && c != '\t'
        || c >= '\u202a' && c <= '\u202e'
        || c >= '\u2066' && c <= '\u2069';
  }

  @Override
  public void print(String text) {
    super.print(clean(String.valueOf(text)));
  }

  @Override
  public void print(Object object) {
    print(String.valueOf(object));
  }

  @Override
  public void print(char[] text) {
    print(String.valueOf(text));
  }

  @Override
  public void print(char c) {
    print(String.valueOf(c));
  }
}
