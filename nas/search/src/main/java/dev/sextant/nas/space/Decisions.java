package dev.sextant.nas.space;

import dev.sextant.tensor.SextantException;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * Networks of a space by their decisions: an option of each, in the order of the space. As a text
 * they are numbers with dashes between, {@code 0-2-1}.
 */
public final class Decisions {
  private Decisions() {}

  /**
   * {@return a network by its number, the first decision changing slowest}
   *
   * @param options how many options each decision has
   * @param number of the network, from 0 to below the product of the options
   */
  public static int[] at(int[] options, long number) {
    int[] decisions = new int[options.length];
    long rest = number;
    for (int d = options.length - 1; d >= 0; d--) {
      decisions[d] = (int) (rest % options[d]);
      rest /= options[d];
    }
    return decisions;
  }

  /**
   * {@return the text of decisions}
   *
   * @param decisions an option of each decision
   */
  public static String text(int[] decisions) {
    return Arrays.stream(decisions).mapToObj(Integer::toString).collect(Collectors.joining("-"));
  }

  /**
   * {@return decisions from their text: numbers apart by dashes or blanks, or digits without either
   * where no decision has more than ten options}
   *
   * @param text of the decisions
   * @param options how many options each decision has
   * @throws SextantException if it names no network of such a space
   */
  public static int[] parse(String text, int[] options) {
    String stripped = text.strip();
    boolean digits =
        options.length > 1
            && stripped.matches("[0-9]+")
            && Arrays.stream(options).allMatch(count -> count <= 10);
    String[] parts = digits ? stripped.split("") : stripped.split("[\\s-]+");
    if (parts.length != options.length) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "network '%s' has %d decisions, the space %d",
              text,
              parts.length,
              options.length));
    }
    int[] decisions = new int[options.length];
    for (int d = 0; d < decisions.length; d++) {
      try {
        decisions[d] = Integer.parseInt(parts[d]);
      } catch (NumberFormatException e) {
        throw new SextantException(
            String.format(Locale.ROOT, "network '%s': '%s' is not a whole number", text, parts[d]),
            e);
      }
      if (decisions[d] < 0 || decisions[d] >= options[d]) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "network '%s': decision %d is %d, of %d options",
                text,
                d,
                decisions[d],
                options[d]));
      }
    }
    return decisions;
  }
}
