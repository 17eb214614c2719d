package dev.sextant.nas.report;

import dev.sextant.nas.checkpoint.EventLog;
import dev.sextant.nas.report.page.Chart;
import dev.sextant.nas.run.Contestant;
import dev.sextant.nas.run.StageName;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.runtime.json.JsonText;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;
import java.util.function.BiConsumer;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * What {@code events.jsonl} tells, in order.
 *
 * @param searched epochs of the search
 * @param trained epochs of training single networks, by stage, the stages in order
 * @param outcomes of networks that were trained to the end, by stage
 * @param drawn the decisions of the networks of random search, by stage
 */
record RunEvents(
    List<SearchEpoch> searched,
    SequencedMap<StageName, List<TrainedEpoch>> trained,
    Map<StageName, Outcome> outcomes,
    SequencedMap<StageName, int[]> drawn) {
  /**
   * An epoch of the search.
   *
   * @param probabilities of the candidates of each choice, row by row as the space has them
   */
  record SearchEpoch(
      int epoch,
      boolean warmup,
      double loss,
      double accuracy,
      double validationLoss,
      double validationAccuracy,
      double expectedCost,
      double argmaxCost,
      double entropy,
      double lambda,
      double weightStepPeakBytes,
      double architectureStepPeakBytes,
      double[][] probabilities) {}

  /**
   * An epoch of training one network.
   *
   * @param validationAccuracy or NaN where none was measured
   */
  record TrainedEpoch(int epoch, double loss, double accuracy, double validationAccuracy) {}

  /** A network trained to the end. */
  record Outcome(double predictedCost, double measuredMs, double testAccuracy) {}

  /**
   * Reads the events of a run. Without a file there are none; a last line that is not finished is
   * being written, and left out. Events of other kinds are passed over.
   *
   * @param randomSamples of the run, which has no stages of others
   * @param sealed whether every line must have a checksum
   * @throws dev.sextant.tensor.SextantException naming file, line and field of what is wrong
   */
  static RunEvents read(Path file, SearchSpace space, int randomSamples, boolean sealed) {
    RunEvents events =
        new RunEvents(
            new ArrayList<>(), new LinkedHashMap<>(), new LinkedHashMap<>(), new LinkedHashMap<>());
    if (Files.notExists(file)) {
      return events;
    }
    JsonText.forEachLine(
        file,
        new BiConsumer<>() {
          private String checksum = "";

          @Override
          public void accept(String line, String source) {
            RunJson event = RunJson.parse(line, source);
            checksum = EventLog.check(event.object(), line, source, checksum, sealed);
            events.add(event, space, randomSamples);
          }
        });
    return events;
  }

  private void add(RunJson event, SearchSpace space, int randomSamples) {
    switch (event.string("event")) {
      case "epoch" -> addEpoch(event, space, randomSamples);
      case "trained" ->
          outcomes.putIfAbsent(
              stage(event, randomSamples),
              new Outcome(
                  event.number("predictedCost"),
                  event.number("measuredMs"),
                  event.numberOrNaN("testAccuracy")));
      case "drawn" -> drawn.put(stage(event, randomSamples), event.integers("decisions"));
      default -> {}
    }
  }

  private static StageName stage(RunJson event, int randomSamples) {
    StageName stage = StageName.parse(event.string("stage"), event.source());
    if (stage instanceof StageName.Training(Contestant.Sample(int index))
        && index > randomSamples) {
      throw event.error(
          "stage",
          String.format(
              Locale.ROOT, "%s is none of a run of %d samples", stage.text(), randomSamples));
    }
    return stage;
  }

  private void addEpoch(RunJson event, SearchSpace space, int randomSamples) {
    int epoch = (int) event.number("epoch");
    StageName stage = stage(event, randomSamples);
    if (!stage.equals(StageName.SEARCH)) {
      trained
          .computeIfAbsent(stage, _ -> new ArrayList<>())
          .add(
              new TrainedEpoch(
                  epoch,
                  event.numberOrNaN("loss"),
                  event.numberOrNaN("accuracy"),
                  event.numberOrNaN("validationAccuracy")));
      return;
    }
    searched.add(
        new SearchEpoch(
            epoch,
            event.string("phase").equals("warm-up"),
            event.numberOrNaN("loss"),
            event.numberOrNaN("accuracy"),
            event.numberOrNaN("validationLoss"),
            event.numberOrNaN("validationAccuracy"),
            event.numberOrNaN("expectedCost"),
            event.numberOrNaN("argmaxCost"),
            event.numberOrNaN("entropy"),
            event.numberOrNaN(event.has("lambda") ? "lambda" : "strength"),
            event.numberOrNaN("weightStepPeakBytes"),
            event.numberOrNaN("architectureStepPeakBytes"),
            probabilities(event, space)));
  }

  private static double[][] probabilities(RunJson event, SearchSpace space) {
    int[] options = space.probabilityRows();
    double[][] rows = event.rows("probabilities");
    if (rows.length != options.length) {
      throw event.error(
          "probabilities",
          String.format(
              Locale.ROOT, "%d choices where the space has %d", rows.length, options.length));
    }
    for (int i = 0; i < rows.length; i++) {
      if (rows[i].length != options[i]) {
        throw event.error(
            "probabilities[" + i + "]",
            String.format(
                Locale.ROOT, "%d candidates where the space has %d", rows[i].length, options[i]));
      }
      for (double p : rows[i]) {
        if (!(p >= 0 && p <= 1 + 1e-6)) {
          throw event.error("probabilities[" + i + "]", p + " is no probability");
        }
      }
    }
    return rows;
  }

  /** What a stage came to, or null if it has not ended. */
  @Nullable Outcome outcome(StageName stage) {
    return outcomes.get(stage);
  }

  /** Last epoch of the warm-up, or 0. */
  int warmup() {
    return searched.stream()
        .filter(SearchEpoch::warmup)
        .mapToInt(SearchEpoch::epoch)
        .max()
        .orElse(0);
  }

  /** One value of each epoch of the search. */
  Chart.Series searched(
      String name, int color, Chart.Stroke stroke, ToDoubleFunction<SearchEpoch> value) {
    return new Chart.Series(
        name,
        color,
        stroke,
        searched.stream().mapToDouble(SearchEpoch::epoch).toArray(),
        searched.stream().mapToDouble(value).toArray());
  }

  /** One value of each epoch of a stage of training. */
  Chart.Series trained(
      StageName stage,
      String name,
      int color,
      Chart.Stroke stroke,
      ToDoubleFunction<TrainedEpoch> value) {
    List<TrainedEpoch> epochs = trained.getOrDefault(stage, List.of());
    return new Chart.Series(
        name,
        color,
        stroke,
        epochs.stream().mapToDouble(TrainedEpoch::epoch).toArray(),
        epochs.stream().mapToDouble(value).toArray());
  }
}
