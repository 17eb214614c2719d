package dev.sextant.nas.compare;

import dev.sextant.nas.method.RunLength;
import dev.sextant.nas.report.Report;
import dev.sextant.nas.report.page.Chart;
import dev.sextant.nas.report.page.Chart.Series;
import dev.sextant.nas.report.page.Chart.Stroke;
import dev.sextant.nas.report.page.Html;
import dev.sextant.nas.report.page.Numbers;
import dev.sextant.nas.report.page.Page;
import dev.sextant.runtime.AtomicFile;
import dev.sextant.tensor.SextantException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The page of a comparison, one file as {@link Report} is: table, plot, time and runs. */
public final class ComparisonPage {
  private final Standing standing;
  private final Plan plan;
  private final Map<String, List<AccuracyOverTime.Point>> courses;
  private final Html html;

  private ComparisonPage(Standing standing, Map<String, List<AccuracyOverTime.Point>> courses) {
    this.standing = standing;
    this.courses = courses;
    plan = standing.plan();
    html = Page.open(title());
  }

  /**
   * Writes the page, of a comparison that has ended or not.
   *
   * @param file {@code compare.html}
   * @param standing what is shown
   * @param courses how accurate each method is at what time, by its name
   * @throws SextantException if it cannot be written
   */
  static void write(
      Path file, Standing standing, Map<String, List<AccuracyOverTime.Point>> courses) {
    String text = new ComparisonPage(standing, courses).document();
    AtomicFile.write(file, text);
  }

  private String title() {
    return String.format(
        Locale.ROOT, "%d methods within %s", plan.methods().size(), Numbers.ms(plan.budgetMs()));
  }

  private String document() {
    html.open("main").leaf("h1", title());
    int ended = standing.outcomes().size();
    if (ended < standing.runs()) {
      html.open("p")
          .leaf(
              "span",
              String.format(Locale.ROOT, "not finished: %d of %d runs", ended, standing.runs()),
              "class",
              "state")
          .close();
    }
    html.leaf(
        "p",
        String.format(
            Locale.ROOT,
            "%d seeds of each method with the images of %s, %s of search and retraining for a run;"
                + " the budget %s.",
            plan.seeds(),
            plan.data(),
            Numbers.duration(plan.seconds()),
            plan.ceiling() ? "may be undercut" : "is to be met"),
        "class",
        "note");
    for (String remark : standing.remarks()) {
      html.leaf("p", remark);
    }
    table();
    plot();
    accuracyOverTime();
    time();
    runs();
    return html.close().close().close().finish();
  }

  private void table() {
    header(
        "method",
        "runs",
        "test accuracy",
        "measured ms",
        String.format(Locale.ROOT, "within %.0f %% of the budget", 100 * Standing.TOLERANCE),
        "seconds");
    for (Standing.Summary row : standing.summaries()) {
      html.open("tr").leaf("td", row.method().name(), "class", "name");
      html.leaf("td", String.format(Locale.ROOT, "%d of %d", row.runs(), plan.seeds()));
      spread(row.accuracy(), Numbers::percent);
      spread(row.measuredMs(), Numbers::significant);
      html.leaf("td", String.format(Locale.ROOT, "%d of %d", row.withinBudget(), row.runs()));
      spread(row.seconds(), ComparisonPage::tenths);
      html.close();
    }
    html.close().close().close();
    html.leaf("p", "Mean ± sample deviation over the runs.", "class", "note");
  }

  private void header(String first, String... others) {
    html.open("div", "class", "scroll").open("table").open("thead").open("tr");
    html.leaf("th", first, "class", "name");
    for (String column : others) {
      html.leaf("th", column);
    }
    html.close().close().open("tbody");
  }

  /** How a number is shown. */
  private interface Format {
    String of(double value);
  }

  private void spread(Standing.Spread spread, Format format) {
    html.open("td");
    number(spread.mean(), format);
    html.text(" ± ");
    number(spread.deviation(), format);
    html.close();
  }

  private void number(double value, Format format) {
    if (Double.isFinite(value)) {
      html.number(value, format.of(value));
    } else {
      html.text(format.of(value));
    }
  }

  private static String tenths(double value) {
    return Double.isFinite(value)
        ? String.format(Locale.ROOT, "%.1f", value)
        : Numbers.significant(value);
  }

  private void plot() {
    Chart chart =
        new Chart("Accuracy at the latency reached, a point for each run", "test accuracy, %")
            .over("measured latency, ms")
            .band(
                String.format(
                    Locale.ROOT, "within %.0f %% of the budget", 100 * Standing.TOLERANCE),
                plan.budgetMs() * (1 - Standing.TOLERANCE),
                plan.budgetMs() * (1 + Standing.TOLERANCE));
    for (int i = 0; i < plan.methods().size(); i++) {
      String name = plan.methods().get(i).name();
      List<Standing.Outcome> ended =
          standing.outcomes().stream().filter(o -> o.method().equals(name)).toList();
      chart.add(
          new Series(
              name,
              i,
              Stroke.POINTS,
              ended.stream().mapToDouble(Standing.Outcome::measuredMs).toArray(),
              ended.stream().mapToDouble(o -> 100 * o.testAccuracy()).toArray()));
    }
    chart.draw(html);
  }

  private void accuracyOverTime() {
    if (standing.outcomes().isEmpty()) {
      return;
    }
    Chart chart =
        new Chart("Accuracy over the time of a run, the mean over seeds", "accuracy, %")
            .over("seconds");
    for (int i = 0; i < plan.methods().size(); i++) {
      List<AccuracyOverTime.Point> points =
          courses.getOrDefault(plan.methods().get(i).name(), List.of());
      if (!points.isEmpty()) {
        chart.add(
            new Series(
                plan.methods().get(i).name(),
                i,
                Stroke.SOLID,
                points.stream().mapToDouble(AccuracyOverTime.Point::seconds).toArray(),
                points.stream().mapToDouble(point -> 100 * point.accuracy()).toArray()));
      }
    }
    chart.draw(html);
    html.leaf(
        "p",
        "Held-out images during a search, training images while the network found is trained,"
            + " test images at the end. All seconds of search, measuring and training count.",
        "class",
        "note");
  }

  private void time() {
    html.leaf("h2", "How each method spends its time");
    html.leaf(
        "p",
        "Half of the time is for the search, a quarter of whose epochs warm up; the rest trains"
            + " the network found. Numbers of epochs follow from seconds that were timed before"
            + " the first run, and are the same for all seeds of a method.",
        "class",
        "note");
    header(
        "method",
        "space",
        "warm-up epochs",
        "s each",
        "joint epochs",
        "s each",
        "samples",
        "s to draw",
        "their epochs",
        "s each",
        "retraining epochs",
        "s each",
        "fixed s",
        "expected s");
    for (Plan.Planned method : plan.methods()) {
      PartSeconds parts = method.parts();
      RunLength length = method.length();
      html.open("tr").leaf("td", method.name(), "class", "name").leaf("td", method.space());
      part(method.random() ? 0 : length.warmupEpochs(), parts.warmupEpoch());
      part(method.random() ? 0 : length.epochs(), parts.jointEpoch());
      part(length.randomSamples(), parts.draw());
      part(method.random() ? length.epochs() : 0, parts.sampleEpoch());
      part(length.retrainEpochs(), parts.retrainEpoch());
      cell(parts.fixed());
      cell(method.seconds());
      html.close();
    }
    html.close().close().close();
  }

  private void part(int times, double seconds) {
    html.leaf("td", times == 0 ? "–" : Numbers.grouped(times));
    if (times == 0) {
      html.leaf("td", "–");
    } else {
      cell(seconds);
    }
  }

  private void cell(double seconds) {
    html.open("td").number(seconds, Numbers.significant(seconds)).close();
  }

  private void runs() {
    html.leaf("h2", "Runs");
    header("run", "test accuracy", "predicted ms", "measured ms", "against budget", "seconds");
    for (Standing.Outcome run : standing.outcomes()) {
      double change = run.measuredMs() / plan.budgetMs() - 1;
      html.open("tr").open("td", "class", "name");
      html.leaf("a", run.folder(), "href", run.folder() + "/report.html").close();
      html.open("td").number(run.testAccuracy(), Numbers.percent(run.testAccuracy())).close();
      cell(run.predictedMs());
      cell(run.measuredMs());
      html.open("td").number(change, Numbers.change(change)).close();
      html.open("td").number(run.seconds(), tenths(run.seconds())).close().close();
    }
    html.close().close().close();
  }
}
