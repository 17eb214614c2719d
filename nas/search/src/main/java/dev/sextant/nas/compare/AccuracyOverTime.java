package dev.sextant.nas.compare;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.StageName;
import dev.sextant.runtime.json.JsonText;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;

/**
 * How accurate a method is at what time of its runs: held-out images at the end of each epoch of a
 * search or of a sample, training images while the network found is trained, test images in the
 * end. Epochs of a stage take equal shares of its seconds.
 */
final class AccuracyOverTime {
  /**
   * At the end of an epoch.
   *
   * @param seconds since the run began
   * @param accuracy a share of 1
   */
  record Point(double seconds, double accuracy) {}

  private AccuracyOverTime() {}

  /** Of a run that has ended, whose test accuracy is known. */
  static List<Point> of(RunDirectory run, double testAccuracy) {
    JsonObject result = JsonText.parse(JsonText.readFile(run.result()), run.result().toString());
    SequencedMap<String, List<Double>> stages = new LinkedHashMap<>();
    for (String line : JsonText.readFile(run.events()).lines().toList()) {
      JsonObject event = JsonText.parse(line, run.events().toString());
      JsonElement accuracy =
          event.has("validationAccuracy") ? event.get("validationAccuracy") : event.get("accuracy");
      if ("epoch".equals(event.get("event").getAsString()) && accuracy != null) {
        stages
            .computeIfAbsent(event.get("stage").getAsString(), _ -> new ArrayList<>())
            .add(accuracy.getAsDouble());
      }
    }
    List<Point> points = new ArrayList<>();
    double start = 0;
    for (Map.Entry<String, List<Double>> stage : stages.entrySet()) {
      JsonElement seconds = result.get("seconds." + stage.getKey());
      if (seconds == null || stage.getKey().equals(StageName.RANDOM_RETRAIN.text())) {
        continue;
      }
      List<Double> epochs = stage.getValue();
      for (int i = 0; i < epochs.size(); i++) {
        points.add(
            new Point(start + seconds.getAsDouble() * (i + 1) / epochs.size(), epochs.get(i)));
      }
      start += seconds.getAsDouble();
    }
    points.add(new Point(start, testAccuracy));
    return points;
  }

  /** Of several runs of one method, epoch by epoch, as far as all of them go. */
  static List<Point> mean(List<List<Point>> runs) {
    int length = runs.stream().mapToInt(List::size).min().orElse(0);
    List<Point> mean = new ArrayList<>();
    for (int i = 0; i < length; i++) {
      int at = i;
      mean.add(
          new Point(
              runs.stream().mapToDouble(run -> run.get(at).seconds()).average().orElse(0),
              runs.stream().mapToDouble(run -> run.get(at).accuracy()).average().orElse(0)));
    }
    return mean;
  }
}
