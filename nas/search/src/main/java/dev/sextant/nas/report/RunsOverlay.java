package dev.sextant.nas.report;

import dev.sextant.nas.report.RunEvents.SearchEpoch;
import dev.sextant.nas.report.RunEvents.TrainedEpoch;
import dev.sextant.nas.report.SeenNetworks.Seen;
import dev.sextant.nas.report.page.Chart;
import dev.sextant.nas.report.page.Chart.Stroke;
import dev.sextant.nas.report.page.Html;
import dev.sextant.nas.report.page.Scatter;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.StageName;
import dev.sextant.tensor.SextantException;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/** Runs laid over one another. */
public final class RunsOverlay {
  /** More cannot be told apart: the colors of the palette. */
  private static final int MOST = 8;

  private final List<RunRecord> runs;
  private final List<String> names;

  private RunsOverlay(List<RunDirectory> directories) {
    runs = directories.stream().map(RunRecord::read).toList();
    names = directories.stream().map(run -> String.valueOf(run.path().getFileName())).toList();
  }

  /**
   * {@return curves and networks of runs as a part of a page}
   *
   * @param directories of the runs, 1 to 8
   * @throws SextantException if there are more or none, or a file of one is damaged
   */
  public static String of(List<RunDirectory> directories) {
    if (directories.isEmpty() || directories.size() > MOST) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%d runs: 1 to %d can be laid over one another",
              directories.size(),
              MOST));
    }
    return new RunsOverlay(directories).text();
  }

  private String text() {
    Html html = Html.fragment();
    html.open("section").leaf("h2", "Laid over one another").open("div", "class", "grid");
    searched(html, "Validation loss", "cross-entropy, nats", SearchEpoch::validationLoss);
    searched(html, "Validation accuracy", "accuracy, %", epoch -> 100 * epoch.validationAccuracy());
    searched(html, "Expected cost", "in each run's unit", SearchEpoch::expectedCost);
    trained(html, "Retraining: loss", "cross-entropy, nats", TrainedEpoch::loss);
    trained(html, "Retraining: accuracy", "training accuracy, %", e -> 100 * e.accuracy());
    Scatter networks =
        new Scatter(
            "Networks trained to the end", "measured latency, ms", "test accuracy, %", names);
    for (int i = 0; i < runs.size(); i++) {
      for (Seen seen : SeenNetworks.of(runs.get(i))) {
        if (seen.isTested()) {
          networks.add(
              new Scatter.Point(
                  i,
                  names.get(i) + ", " + seen.name(),
                  seen.latencyMs(),
                  100 * seen.accuracy(),
                  ""));
        }
      }
    }
    networks.draw(html);
    return html.close().close().finish();
  }

  private void searched(
      Html html, String title, String yLabel, ToDoubleFunction<SearchEpoch> value) {
    Chart chart = new Chart(title, yLabel);
    for (int i = 0; i < runs.size(); i++) {
      chart.add(runs.get(i).events().searched(names.get(i), i, stroke(i), value));
    }
    chart.draw(html);
  }

  private void trained(
      Html html, String title, String yLabel, ToDoubleFunction<TrainedEpoch> value) {
    Chart chart = new Chart(title, yLabel);
    for (int i = 0; i < runs.size(); i++) {
      chart.add(runs.get(i).events().trained(StageName.RETRAIN, names.get(i), i, stroke(i), value));
    }
    chart.draw(html);
  }

  /** Neighbours differ in more than color. */
  private static Stroke stroke(int i) {
    return i % 2 == 0 ? Stroke.SOLID : Stroke.DASHED;
  }
}
