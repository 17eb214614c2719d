package dev.sextant.bench;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * A run against a recorded one of the same type of machine.
 *
 * <p>A hot path got slower if its time grew by more than a tenth, and its time as a share of the
 * peer's did too: where both engines slowed alike, the machine did.
 *
 * @param slower a line for each hot path that got slower, with both numbers
 * @param withPeer a line for each that got slower together with its peer
 * @param faster a line for each that got faster by as much
 * @param unknown names that the baseline does not have
 */
record BaselineComparison(
    List<String> slower, List<String> withPeer, List<String> faster, List<String> unknown) {
  /** What may grow or shrink without a word. */
  private static final double TOLERATED = 1.10;

  /** Compares row by row; rows of the baseline that were not measured are passed over. */
  static BaselineComparison of(Results baseline, Results now) {
    Map<String, Row> before = new HashMap<>();
    baseline.rows().forEach(row -> before.put(row.name(), row));
    BaselineComparison found =
        new BaselineComparison(
            new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
    for (Row row : now.rows()) {
      Row old = before.get(row.name());
      if (old == null) {
        found.unknown.add(row.name());
      } else {
        found.add(old, row);
      }
    }
    return found;
  }

  private void add(Row old, Row row) {
    double growth = row.ours().millis() / old.ours().millis();
    // NaN where either has no peer: then the time alone decides.
    double againstPeer = old.ratio() / row.ratio();
    String line =
        String.format(
            Locale.ROOT,
            "%s: %s ms, was %s ms (%+.0f %%)",
            row.name(),
            Table.millis(row.ours().millis()),
            Table.millis(old.ours().millis()),
            100 * (growth - 1));
    if (growth > TOLERATED && !(againstPeer <= TOLERATED)) {
      slower.add(line);
    } else if (growth > TOLERATED) {
      withPeer.add(line);
    } else if (growth < 1 / TOLERATED) {
      faster.add(line);
    }
  }

  /** What was found, in lines. */
  String report() {
    StringBuilder text = new StringBuilder();
    section(text, "more than 10 % slower than the baseline:", slower);
    section(text, "slower together with libtorch, so the machine is:", withPeer);
    section(text, "more than 10 % faster:", faster);
    section(text, "not in the baseline:", unknown);
    if (slower.isEmpty()) {
      text.append("no hot path got more than 10 % slower\n");
    }
    return text.toString();
  }

  private static void section(StringBuilder text, String title, List<String> lines) {
    if (!lines.isEmpty()) {
      text.append(title).append('\n');
      lines.forEach(line -> text.append("  ").append(line).append('\n'));
    }
  }
}
