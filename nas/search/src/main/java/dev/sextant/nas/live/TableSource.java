package dev.sextant.nas.live;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.sextant.nas.report.RunSummary;
import dev.sextant.nas.run.Owner;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.RunFile;
import dev.sextant.tensor.SextantException;
import java.nio.file.Files;
import java.util.List;

/** The events of a directory: a row for each run, and what the machine is busy with. */
final class TableSource implements EventSource {
  private final WatchedRuns runs;
  private String before = "";

  TableSource(WatchedRuns runs) {
    this.runs = runs;
  }

  @Override
  public List<String> next() {
    JsonArray rows = new JsonArray();
    runs.all().forEach(run -> rows.add(row(run)));
    JsonObject table = new JsonObject();
    table.add("rows", rows);
    JsonObject state = new JsonObject();
    state.add("machine", Machine.state());
    String stated = EventSource.event("state", state);
    String now = table.toString();
    if (now.equals(before)) {
      return List.of(stated);
    }
    before = now;
    return List.of(EventSource.event("table", table), stated);
  }

  private static JsonObject row(RunDirectory run) {
    JsonObject row = new JsonObject();
    row.addProperty("name", WatchedRuns.name(run));
    boolean running = Owner.process(run.path()) != null;
    row.addProperty(
        "state", Files.exists(run.result()) ? "ended" : running ? "running" : "stopped");
    try {
      if (new RunFile(run).isTraining()) {
        row.addProperty("space", "one network");
        return row;
      }
      RunSummary summary = RunSummary.read(run);
      row.addProperty("method", summary.method());
      row.addProperty("space", summary.space());
      row.addProperty("data", summary.data());
      row.addProperty("seed", summary.seed());
      finite(row, "budget", summary.budget());
      finite(row, "measuredMs", summary.measuredMs());
      finite(row, "testAccuracy", summary.testAccuracy());
      finite(row, "randomAccuracy", summary.randomAccuracy());
      row.addProperty("progress", (double) summary.epochs() / Math.max(1, summary.allEpochs()));
    } catch (SextantException e) {
      row.addProperty("trouble", e.getMessage());
    }
    return row;
  }

  private static void finite(JsonObject row, String field, double value) {
    if (Double.isFinite(value)) {
      row.addProperty(field, value);
    }
  }
}
