package dev.sextant.nas.report;

import dev.sextant.nas.cost.CostUnit;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.report.RunEvents.SearchEpoch;
import dev.sextant.nas.report.RunEvents.TrainedEpoch;
import dev.sextant.nas.report.page.Chart;
import dev.sextant.nas.report.page.Chart.Stroke;
import dev.sextant.nas.report.page.Html;
import dev.sextant.nas.run.Contestant;
import dev.sextant.nas.run.StageName;
import java.util.Arrays;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/** The sections of a report that draw what changed over epochs, and the front. */
final class CurveSections {
  private final RunRecord run;
  private final SearchConfig config;
  private final Html html;
  private final String symbol;

  CurveSections(RunRecord run, Html html) {
    this.run = run;
    this.html = html;
    config = run.setup().config();
    symbol = run.symbol();
  }

  /** Draws what there is. */
  void draw() {
    front();
    searchCurves();
    trainingCurves();
  }

  private CostUnit unit() {
    return config.recipe().cost().unit();
  }

  // ---- the front

  private void front() {
    RunJson result = run.result();
    if (result == null || !result.has("front")) {
      return;
    }
    double[][] points = result.rows("front");
    double[] costs = Arrays.stream(points).mapToDouble(point -> point[0]).toArray();
    double[] scores = Arrays.stream(points).mapToDouble(point -> point[1]).toArray();
    html.leaf("h2", "The front");
    html.leaf(
        "p",
        "Networks of which none is both cheaper and held for better than another, by their scores"
            + " in deviations of all networks'; front.csv has them, measured.",
        "class",
        "note");
    html.open("div", "class", "grid");
    new Chart("Score over " + unit().quantity(), "score, deviations")
        .over(String.format(Locale.ROOT, "%s, %s", unit().quantity(), unit()))
        .add(new Chart.Series("network", 0, Stroke.SOLID, costs, scores))
        .draw(html);
    html.close();
  }

  // ---- curves

  private void searchCurves() {
    RunEvents events = run.events();
    if (events.searched().isEmpty()) {
      return;
    }
    html.leaf("h2", "The search").open("div", "class", "grid");
    chart("Loss", lossUnit())
        .add(events.searched("training", 0, Stroke.SOLID, SearchEpoch::loss))
        .add(events.searched("validation", 1, Stroke.DASHED, SearchEpoch::validationLoss))
        .draw(html);
    chart(run.setup().space().detects() ? "Anchors right, and mAP" : "Accuracy", measure() + ", %")
        .add(events.searched("training", 0, Stroke.SOLID, e -> 100 * e.accuracy()))
        .add(events.searched("validation", 1, Stroke.DASHED, e -> 100 * e.validationAccuracy()))
        .draw(html);
    chart(
            "Expected " + unit().quantity(),
            String.format(Locale.ROOT, "%s, %s", unit().quantity(), unit()))
        .add(events.searched("average", 2, Stroke.SOLID, SearchEpoch::expectedCost))
        .add(events.searched("most probable", 1, Stroke.DASHED, SearchEpoch::argmaxCost))
        .level("budget", config.budget().cost())
        .draw(html);
    chart("Trade-off " + symbol, symbol)
        .add(events.searched(symbol, 3, Stroke.SOLID, SearchEpoch::lambda))
        .draw(html);
    chart("Entropy of the choices", "mean entropy, nats")
        .add(events.searched("mean over the choices", 5, Stroke.SOLID, SearchEpoch::entropy))
        .fromZero()
        .draw(html);
    html.close();
  }

  private String measure() {
    return run.setup().space().measure();
  }

  private String lossUnit() {
    return run.setup().space().detects() ? "SSD's loss" : "cross-entropy, nats";
  }

  private Chart chart(String title, String yLabel) {
    return new Chart(title, yLabel).band("warm-up", 0, run.events().warmup());
  }

  private void trainingCurves() {
    RunEvents events = run.events();
    if (events.trained().isEmpty()) {
      return;
    }
    html.leaf("h2", "Training single networks").open("div", "class", "grid");
    retraining("Retraining: loss", lossUnit(), TrainedEpoch::loss);
    String learnt = run.setup().space().detects() ? "anchors right" : "accuracy";
    retraining("Retraining: " + learnt, "training " + learnt + ", %", e -> 100 * e.accuracy());
    samples("Random search: loss", lossUnit(), TrainedEpoch::loss);
    samples(
        "Random search: validation " + measure(),
        "validation " + measure() + ", %",
        e -> 100 * e.validationAccuracy());
    html.close();
  }

  private void retraining(String title, String yLabel, ToDoubleFunction<TrainedEpoch> value) {
    RunEvents events = run.events();
    Chart chart =
        new Chart(title, yLabel)
            .add(events.trained(StageName.RETRAIN, "network found", 0, Stroke.SOLID, value))
            .add(
                events.trained(
                    StageName.RANDOM_RETRAIN, "best of random search", 1, Stroke.DASHED, value));
    for (StageName stage : events.trained().keySet()) {
      if (stage instanceof StageName.Training(Contestant.OnFront _)) {
        chart.add(events.trained(stage, "of a further budget", 2, Stroke.SOLID, value));
      }
    }
    chart.draw(html);
  }

  private void samples(String title, String yLabel, ToDoubleFunction<TrainedEpoch> value) {
    Chart chart = new Chart(title, yLabel);
    for (StageName stage : run.events().trained().keySet()) {
      if (stage instanceof StageName.Training(Contestant.Sample _)) {
        chart.add(run.events().trained(stage, "a network each", 1, Stroke.FAINT, value));
      }
    }
    chart.draw(html);
  }
}
