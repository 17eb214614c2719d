package dev.sextant.cli.output;

import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.provider.TimeLeft;
import dev.sextant.tensor.Memory;
import java.io.PrintStream;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.function.LongSupplier;

/** Progress for a person: one live line on a terminal, a plain line every few seconds elsewhere. */
public final class ConsoleProgress implements Progress {
  private static final long LIVE_NANOS = 200_000_000L;
  private static final long PLAIN_NANOS = 10_000_000_000L;

  private final PrintStream out;
  private final boolean live;
  private final LongSupplier clock;
  private final TimeLeft left = new TimeLeft();
  private List<Stage> course = List.of();
  private String stage = "";
  private long last;
  private int width;

  /** On a terminal, or elsewhere. */
  public ConsoleProgress(PrintStream out, boolean live) {
    this(out, live, System::nanoTime);
  }

  /** With another clock, in nanoseconds. */
  ConsoleProgress(PrintStream out, boolean live, LongSupplier clock) {
    this.out = out;
    this.live = live;
    this.clock = clock;
  }

  @Override
  public void course(List<Stage> stages) {
    course = List.copyOf(stages);
    left.course(stages);
    stage = "";
  }

  @Override
  public void step(String name, long done, long steps, String status, long peakBytes) {
    long now = clock.getAsLong();
    left.step(name, done, steps, now);
    boolean first = !name.equals(stage);
    stage = name;
    if (!first && done < steps && now - last < (live ? LIVE_NANOS : PLAIN_NANOS)) {
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
    appendTimeLeft(text, done < steps);
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

  /** What is known of the stage's, unless it has ended, and of the run's, if there is more. */
  private void appendTimeLeft(StringBuilder text, boolean going) {
    double ofStage = left.stageSeconds();
    double ofRun = left.runSeconds();
    boolean more = course.size() > 1 && !course.getLast().name().equals(stage);
    if (going && Double.isFinite(ofStage)) {
      text.append("  ").append(text(ofStage)).append(" left");
    }
    if (more && Double.isFinite(ofRun)) {
      text.append(going ? ", " : "  ").append(text(ofRun)).append(" of the run");
    }
  }

  private static String text(double seconds) {
    Duration left = Duration.ofSeconds((long) seconds);
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
