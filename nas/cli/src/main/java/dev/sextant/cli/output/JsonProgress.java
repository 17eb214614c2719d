package dev.sextant.cli.output;

import com.google.gson.JsonObject;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.provider.TimeLeft;
import java.io.PrintStream;
import java.util.List;
import java.util.function.LongSupplier;

/**
 * Progress for a program: one JSON object a line. {@code {"event": "progress", ...}} has {@code
 * stage}, {@code done} of {@code steps}, {@code status}, {@code memoryBytes} where it is known, and
 * {@code stageSecondsLeft} and {@code runSecondsLeft} from when they are; {@code {"event":
 * "message", "text": ...}} is what a person would read. There is one of the former at most a
 * second, and one for the first and the last step of each stage.
 */
final class JsonProgress implements Progress {
  private static final long NANOS = 1_000_000_000L;

  private final PrintStream out;
  private final LongSupplier clock;
  private final TimeLeft left = new TimeLeft();
  private String stage = "";
  private long last;

  JsonProgress(PrintStream out, LongSupplier clock) {
    this.out = out;
    this.clock = clock;
  }

  @Override
  public void course(List<Stage> stages) {
    left.course(stages);
    stage = "";
  }

  @Override
  public void step(String name, long done, long steps, String status, long peakBytes) {
    long now = clock.getAsLong();
    left.step(name, done, steps, now);
    boolean first = !name.equals(stage);
    stage = name;
    if (!first && done < steps && now - last < NANOS) {
      return;
    }
    last = now;
    JsonObject line = new JsonObject();
    line.addProperty("event", "progress");
    line.addProperty("stage", name);
    line.addProperty("done", done);
    line.addProperty("steps", steps);
    line.addProperty("status", status);
    if (peakBytes > 0) {
      line.addProperty("memoryBytes", peakBytes);
    }
    addFinite(line, "stageSecondsLeft", left.stageSeconds());
    addFinite(line, "runSecondsLeft", left.runSeconds());
    out.println(line);
  }

  /** NaN is no JSON. */
  static void addFinite(JsonObject object, String field, double value) {
    if (Double.isFinite(value)) {
      object.addProperty(field, value);
    }
  }

  @Override
  public void message(String text) {
    JsonObject line = new JsonObject();
    line.addProperty("event", "message");
    line.addProperty("text", text);
    out.println(line);
  }
}
