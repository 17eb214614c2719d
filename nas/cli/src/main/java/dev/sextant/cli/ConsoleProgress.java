package dev.sextant.cli;

import dev.sextant.nas.provider.Progress;
import dev.sextant.tensor.Memory;
import java.io.PrintStream;
import java.time.Duration;
import java.util.Locale;
import java.util.function.LongSupplier;

/** Progress for a person: one live line on a terminal, a plain line every few seconds elsewhere. */
final class ConsoleProgress implements Progress {
  private static final long LIVE_NANOS = 200_000_000L;
  private static final long PLAIN_NANOS = 10_000_000_000L;

  private final PrintStream out;
  private final boolean live;
  private final LongSupplier clock;
  private String stage = "";
  private long stageStart;
  private long stageFirst;
  private long last;
  private int width;

  ConsoleProgress(PrintStream out, boolean live) {
    this(out, live, System::nanoTime);
  }

  /** With another clock, in nanoseconds. */
  ConsoleProgress(PrintStream out, boolean live, LongSupplier clock) {
    this.out = out;
    this.live = live;
    this.clock = clock;
  }

  @Override
  public void step(String name, long done, long steps, String status, long peakBytes) {
    long now = clock.getAsLong();
    boolean first = !name.equals(stage);
    if (first) {
      stage = name;
      stageStart = now;
      stageFirst = done;
    } else if (done < steps && now - last < (live ? LIVE_NANOS : PLAIN_NANOS)) {
      return;
    }
    last = now;
    StringBuilder text =
        new StringBuilder(String.format(Locale.ROOT, "%-14s %3d%%", name, 100 * done / steps));
    if (!status.isEmpty()) {
      text.append("  ").append(status);
    }
    if (peakBytes > 0) {
      text.append("  memory ").append(Memory.human(peakBytes));
    }
    if (!first) {
      // How long a step takes is known after the second one.
      double perStep = (double) (now - stageStart) / Math.max(1, done - stageFirst);
      Duration left = Duration.ofNanos((long) (perStep * (steps - done)));
      text.append("  ").append(text(left)).append(" left");
    }
    String line = text.toString();
    if (!live) {
      out.println(line);
    } else {
      // A byte, not text: the only control character that is meant.
      out.write('\r');
      out.print(line + " ".repeat(Math.max(0, width - line.length())));
      width = line.length();
      if (done == steps) {
        endLine();
      }
      out.flush();
    }
  }

  private static String text(Duration left) {
    return left.toHours() > 0
        ? String.format(Locale.ROOT, "%dh%02dm", left.toHours(), left.toMinutesPart())
        : String.format(Locale.ROOT, "%dm%02ds", left.toMinutes(), left.toSecondsPart());
  }

  @Override
  public void message(String text) {
    endLine();
    out.println(text);
  }

  private void endLine() {
    if (live && width > 0) {
      out.println();
      width = 0;
    }
  }
}
