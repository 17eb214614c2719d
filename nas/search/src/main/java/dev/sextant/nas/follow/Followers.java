package dev.sextant.nas.follow;

import com.google.gson.JsonObject;
import dev.sextant.nas.flight.FlightEvents;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.runtime.json.JsonText;
import java.net.URI;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Those that follow a run: a run that goes on has the ones it had. JDK Flight Recorder follows
 * every run.
 */
public final class Followers implements Follower {
  private final RunDirectory directory;
  private final Progress progress;
  private final List<Follower> all = new ArrayList<>();

  /**
   * Opens those that the run has.
   *
   * @param directory of the run, whose events are cut back to what it goes on from
   * @param progress told what fails
   * @throws dev.sextant.tensor.SextantException if a file of one is damaged or cannot be written
   */
  public Followers(RunDirectory directory, Progress progress) {
    this.directory = directory;
    this.progress = progress;
    if (Files.exists(TensorBoard.folder(directory))) {
      all.add(new TensorBoard(directory, before()));
    }
    if (Files.exists(Mlflow.file(directory))) {
      all.add(new Mlflow(directory, null, before(), progress));
    }
  }

  /**
   * Lets more follow, from the first event on.
   *
   * @param tensorBoard whether event files are written
   * @param mlflow a server, or null
   */
  public void add(boolean tensorBoard, @Nullable URI mlflow) {
    if (tensorBoard) {
      all.add(new TensorBoard(directory, before()));
    }
    if (mlflow != null) {
      all.add(new Mlflow(directory, mlflow, before(), progress));
    }
  }

  private List<JsonObject> before() {
    List<JsonObject> events = new ArrayList<>();
    if (Files.exists(directory.events())) {
      JsonText.forEachLine(
          directory.events(), (line, source) -> events.add(JsonText.parse(line, source)));
    }
    return events;
  }

  @Override
  public void accept(JsonObject event) {
    all.forEach(follower -> follower.accept(event));
    if (event.get("event").getAsString().equals("epoch")) {
      FlightEvents.Epoch epoch = new FlightEvents.Epoch();
      epoch.stage = event.get("stage").getAsString();
      epoch.epoch = event.get("epoch").getAsLong();
      epoch.loss = number(event, "loss");
      epoch.accuracy = number(event, "accuracy");
      epoch.commit();
    }
  }

  private static double number(JsonObject event, String field) {
    return event.has(field) ? event.get(field).getAsDouble() : Double.NaN;
  }

  @Override
  public void end() {
    all.forEach(Follower::end);
  }

  @Override
  public void close() {
    all.forEach(Follower::close);
  }
}
