package dev.sextant.nas.live;

import com.google.gson.JsonObject;
import dev.sextant.nas.report.Report;
import dev.sextant.nas.run.Owner;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The events of one run: its report whenever its files have changed, and its state each time. */
final class RunSource implements EventSource {
  private final RunDirectory run;
  private final OwnProgress own;
  private final RunPace pace = new RunPace();
  private String before = "";

  RunSource(RunDirectory run, OwnProgress own) {
    this.run = run;
    this.own = own;
  }

  @Override
  public List<String> next() {
    List<String> events = new ArrayList<>();
    String now = fingerprint();
    if (!now.equals(before)) {
      try {
        JsonObject report = new JsonObject();
        report.addProperty("html", Report.fragment(run));
        events.add(EventSource.event("report", report));
        before = now;
      } catch (SextantException e) {
        // Between two files of the run; the next look is in a second.
        JsonObject error = new JsonObject();
        error.addProperty("text", e.getMessage());
        events.add(EventSource.event("trouble", error));
      }
    }
    events.add(EventSource.event("state", state()));
    return events;
  }

  private JsonObject state() {
    JsonObject state = new JsonObject();
    ProcessHandle holder = Owner.process(run.path());
    boolean here = holder != null && holder.pid() == ProcessHandle.current().pid();
    boolean ended = Files.exists(run.result());
    state.addProperty("state", ended ? "ended" : holder != null ? "running" : "stopped");
    OwnProgress.Step step = own.last();
    if (here && step != null) {
      state.addProperty("stage", step.stage());
      state.addProperty("done", step.done());
      state.addProperty("steps", step.steps());
      state.addProperty("status", step.status());
      state.addProperty("peakBytes", step.peakBytes());
      finite(state, "secondsLeft", step.secondsLeft());
    } else if (!ended && holder != null) {
      RunPace.Reached reached = pace.look(run);
      state.addProperty("stage", reached.stage());
      state.addProperty("done", reached.epochs());
      state.addProperty("steps", reached.all());
      state.addProperty("status", "");
      finite(state, "secondsLeft", reached.secondsLeft());
    }
    state.add("machine", Machine.state());
    return state;
  }

  private static void finite(JsonObject state, String field, double value) {
    if (Double.isFinite(value)) {
      state.addProperty(field, value);
    }
  }

  /** Of all that the report is drawn from. */
  private String fingerprint() {
    StringBuilder text = new StringBuilder();
    for (Path file :
        List.of(
            run.run(),
            run.events(),
            run.latency(),
            run.architecture(),
            run.result(),
            run.evaluation())) {
      try {
        text.append(Files.size(file)).append(' ').append(Files.getLastModifiedTime(file));
      } catch (IOException e) {
        // Not there yet.
      }
      text.append('\n');
    }
    return text.toString();
  }
}
