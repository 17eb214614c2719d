package dev.sextant.cli;

import dev.sextant.nas.provider.Progress;
import dev.sextant.tensor.Memory;
import java.io.PrintStream;
import java.time.Duration;

/** Progress for a person: one live line on a terminal, a plain line every few seconds elsewhere. */
final class ConsoleProgress implements Progress {
  private static final long LIVE_NANOS = 200_000_000L;
  private static final long PLAIN_NANOS = 10_000_000_000L;

  private final PrintStream out;
  private final boolean live;
  private String stage = "";
  private long stageStart;
  private long stageFirst;
  private long last;
  private int width;

  ConsoleProgress(PrintStream out, boolean live) {
    this.out = out;
    this.live = live;
  }

  @Override
  public void step(String name, long done, long steps, String status, long peakBytes) {
    long now = System.nanoTime();
    if (!name.equals(stage)) {
      stage = name;
      stageStart = now;
      stageFirst = done - 1;
      last = 0;
    }
    if (done < steps && now - last < (live ? LIVE_NANOS : PLAIN_NANOS)) {
      return;
    }
    last = now;
    double perStep = (double) (now - stageStart) / Math.max(1, done - stageFirst - 1);
    Duration left = Duration.ofNanos((long) (perStep * (steps - done)));
    String line =
        "%-14s %3d%%  %s  memory %s  %s left"
            .formatted(name, 100 * done / steps, status, Memory.human(peakBytes), text(left));
    if (!live) {
      out.println(line);
    } else {
      out.print("\r" + line + " ".repeat(Math.max(0, width - line.length())));
      width = line.length();
      if (done == steps) {
        endLine();
      }
      out.flush();
    }
  }

  private static String text(Duration left) {
    return left.toHours() > 0
        ? "%dh%02dm".formatted(left.toHours(), left.toMinutesPart())
        : "%dm%02ds".formatted(left.toMinutes(), left.toSecondsPart());
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
