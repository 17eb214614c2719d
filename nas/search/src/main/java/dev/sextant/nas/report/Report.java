package dev.sextant.nas.report;

import dev.sextant.nas.cost.CostUnit;
import dev.sextant.nas.cost.Costs;
import dev.sextant.nas.cost.LatencyTable;
import dev.sextant.nas.method.Limit;
import dev.sextant.nas.method.Recipe;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.method.Shrinking;
import dev.sextant.nas.objective.Loss;
import dev.sextant.nas.report.RunEvents.SearchEpoch;
import dev.sextant.nas.report.RunEvents.TrainedEpoch;
import dev.sextant.nas.report.RunRecord.Trained;
import dev.sextant.nas.report.page.Chart;
import dev.sextant.nas.report.page.Chart.Stroke;
import dev.sextant.nas.report.page.Html;
import dev.sextant.nas.report.page.Numbers;
import dev.sextant.nas.report.page.Page;
import dev.sextant.nas.run.Contestant;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.SearchSetup;
import dev.sextant.nas.run.StageName;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.AtomicFile;
import dev.sextant.runtime.Latency.Percentile;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.SextantException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The report of a run: {@code report.html}, one file that needs no other, no script and no network.
 * Every number in its summary carries its exact value in a {@code <data value>}.
 */
public final class Report {
  private final RunRecord run;
  private final SearchConfig config;
  private final Trained found;
  private final @Nullable Trained random;
  private final Html html;

  private Report(RunRecord run) {
    this.run = run;
    config = run.setup().config();
    found = run.found();
    random = run.random();
    html = Page.open(title());
  }

  /**
   * Writes the report of a run into its directory, finished or not: what the run has not come to
   * yet is left out. Replaces an older report as a whole.
   *
   * <p>Safe to call from any thread.
   *
   * @param directory of the run
   * @throws SextantException if the directory holds no run, a file of it is damaged (the message
   *     names it) or the report cannot be written
   */
  public static void write(RunDirectory directory) {
    String text = new Report(RunRecord.read(directory)).document();
    AtomicFile.write(directory.report(), text);
  }

  private String title() {
    return String.format(
        Locale.ROOT, "%s within %s", run.setup().space().name(), cost(config.budget().cost()));
  }

  private String document() {
    html.open("main");
    head();
    comparison();
    front();
    searchCurves();
    trainingCurves();
    probabilities();
    networks();
    new GivenSections(run, html).draw();
    return html.close().close().close().finish();
  }

  // ---- summary

  private void head() {
    SearchSetup setup = run.setup();
    html.leaf("h1", title());
    if (run.result() == null) {
      html.open("p").leaf("span", "not finished: " + progress(), "class", "state").close();
    }
    html.leaf(
        "p",
        String.format(
            Locale.ROOT,
            "%s networks of %s, searched on %s (%s, %d threads) with the images of %s, seed %d.",
            Numbers.grouped(setup.space().size()),
            setup.space().name(),
            setup.device(),
            machine(),
            setup.threads(),
            setup.dataSource(),
            config.seed()),
        "class",
        "note");
    html.open("dl", "class", "tiles");
    tile("Budget", config.budget().cost(), cost(config.budget().cost()), budgetNote());
    for (Limit limit : config.budget().limits()) {
      double value = run.limited(limit.cost());
      tile(
          "Limit of " + limit.cost(),
          value,
          Numbers.significant(value),
          "at most " + Numbers.significant(limit.most()));
    }
    tile(
        "Measured latency" + at(),
        found.measuredMs(),
        Numbers.ms(found.measuredMs()),
        againstBudget());
    tile("Test accuracy", found.testAccuracy(), Numbers.percent(found.testAccuracy()), "");
    if (!run.isRandom()) {
      tile(
          String.format(Locale.ROOT, "Expected %s of the search", costName()),
          run.expectedCost(),
          cost(run.expectedCost()),
          "over all networks, by their probability");
      tile(symbol(), run.lambda(), Numbers.significant(run.lambda()), how());
      tile("Peak memory, weight step", run.weightStepPeakBytes());
      tile("Peak memory, architecture step", run.architectureStepPeakBytes());
    }
    html.close();
    if (run.network() != null) {
      html.leaf("p", "Network found: " + layers(run.network()));
    }
    if (run.constrained()) {
      html.leaf(
          "p",
          "The most probable candidates together miss the budget; this is the most probable"
              + " network within it.",
          "class",
          "note");
    }
  }

  private String machine() {
    LatencyTable table = run.table();
    if (table != null) {
      return table.setting().machine();
    }
    return config.recipe().cost() == Costs.PREDICTED
        ? "latencies predicted"
        : "latencies not measured";
  }

  private String progress() {
    RunEvents events = run.events();
    int epochs = config.weights().warmupEpochs() + config.weights().epochs();
    if (events.trained().isEmpty()) {
      return String.format(
          Locale.ROOT, "search, %d of %d epochs", events.searched().size(), epochs);
    }
    var last = events.trained().lastEntry();
    return String.format(
        Locale.ROOT, "%s, epoch %d", last.getKey().text(), last.getValue().getLast().epoch());
  }

  private String budgetNote() {
    return config.budget().ceiling() ? "may be undercut" : "to be met";
  }

  private String againstBudget() {
    return isLatency() && Double.isFinite(found.measuredMs())
        ? Numbers.change(change(found)) + " against the budget"
        : "";
  }

  /** What a network is over the budget: measured where the budget is of this machine's clock. */
  private double change(Trained trained) {
    return (isLatency() ? trained.measuredMs() : trained.predictedCost()) / config.budget().cost()
        - 1;
  }

  /** Whether the budget is one of latency on this machine. */
  private boolean isLatency() {
    return config.recipe().cost().isMeasurable();
  }

  private String costName() {
    return unit().quantity();
  }

  /** A cost with its unit. */
  private String cost(double value) {
    return Double.isFinite(value)
        ? Numbers.significant(value) + " " + unit() + at()
        : Numbers.significant(value);
  }

  /** Of which percentile latencies are; nothing where it is the median. */
  private String at() {
    Percentile percentile = config.budget().percentile();
    return percentile == Percentile.P50 ? "" : " (" + percentile.text() + ")";
  }

  private CostUnit unit() {
    return config.recipe().cost().unit();
  }

  private String how() {
    return switch (config.recipe()) {
      case Recipe.Random _, Recipe.Scored<?> _, Shrinking _ -> "";
      case Recipe.InSupernet<?, ?> recipe -> {
        boolean controlled =
            recipe.objective().isControlled()
                && recipe.policy().objective() == Loss.class
                && !config.budget().fixedLambda();
        yield (controlled ? "set by the controller, " : "fixed, ") + recipe.objective().id();
      }
    };
  }

  private String symbol() {
    return switch (config.recipe()) {
      case Recipe.Random _, Recipe.Scored<?> _, Shrinking _ -> "–";
      case Recipe.InSupernet<?, ?> recipe -> recipe.objective().symbol();
    };
  }

  private void tile(String name, double bytes) {
    String shown = Double.isFinite(bytes) ? Memory.human((long) bytes) : "–";
    tile(name, bytes, shown, "activations and workspace");
  }

  private void tile(String name, double exact, String shown, String note) {
    html.open("div").leaf("dt", name).open("dd").number(exact, shown);
    if (!note.isEmpty()) {
      html.leaf("small", note);
    }
    html.close().close();
  }

  private static String layers(Architecture network) {
    return network.layers().stream().map(Layer::label).collect(Collectors.joining(", "));
  }

  private void comparison() {
    Trained original = run.original();
    String beside = original == null ? "Search beside random search" : "Beside the network given";
    html.leaf("h2", run.isRandom() ? "Random search" : beside);
    html.open("div", "class", "scroll").open("table").open("thead").open("tr");
    html.leaf("th", "", "class", "name");
    for (String column :
        List.of(
            "predicted " + unit(),
            "measured ms",
            "against budget",
            "test accuracy",
            "parameters",
            "MACs",
            "seconds")) {
      html.leaf("th", column);
    }
    html.close().close().open("tbody");
    if (original != null) {
      row("given", original);
    }
    row(original == null ? "search" : "shrunk", found);
    if (random != null) {
      row("random search", random);
    }
    html.close().close().close();
    if (random == null && !run.isRandom() && original == null) {
      html.leaf(
          "p",
          config.randomSamples() == 0
              ? "This run was asked for no random search."
              : "Random search has not ended yet.",
          "class",
          "note");
    }
  }

  private void row(String name, Trained trained) {
    html.open("tr").leaf("td", name, "class", "name");
    cell(trained.predictedCost(), Numbers.significant(trained.predictedCost()));
    cell(trained.measuredMs(), Numbers.significant(trained.measuredMs()));
    cell(change(trained), Numbers.change(change(trained)));
    cell(trained.testAccuracy(), Numbers.percent(trained.testAccuracy()));
    Architecture network = trained.network();
    if (network == null) {
      html.leaf("td", "–").leaf("td", "–");
    } else {
      cell(network.parameters(), Numbers.grouped(network.parameters()));
      cell(network.macs(), Numbers.grouped(network.macs()));
    }
    cell(trained.seconds(), Numbers.duration(trained.seconds()));
    html.close();
  }

  private void cell(double exact, String shown) {
    html.open("td").number(exact, shown).close();
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
    new Chart("Score over " + costName(), "score, deviations")
        .over(String.format(Locale.ROOT, "%s, %s", costName(), unit()))
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
    chart("Loss", "cross-entropy, nats")
        .add(events.searched("training", 0, Stroke.SOLID, SearchEpoch::loss))
        .add(events.searched("validation", 1, Stroke.DASHED, SearchEpoch::validationLoss))
        .draw(html);
    chart("Accuracy", "accuracy, %")
        .add(events.searched("training", 0, Stroke.SOLID, e -> 100 * e.accuracy()))
        .add(events.searched("validation", 1, Stroke.DASHED, e -> 100 * e.validationAccuracy()))
        .draw(html);
    chart("Expected " + costName(), String.format(Locale.ROOT, "%s, %s", costName(), unit()))
        .add(events.searched("average", 2, Stroke.SOLID, SearchEpoch::expectedCost))
        .add(events.searched("most probable", 1, Stroke.DASHED, SearchEpoch::argmaxCost))
        .level("budget", config.budget().cost())
        .draw(html);
    chart("Trade-off " + symbol(), symbol())
        .add(events.searched(symbol(), 3, Stroke.SOLID, SearchEpoch::lambda))
        .draw(html);
    chart("Entropy of the choices", "mean entropy, nats")
        .add(events.searched("mean over the choices", 5, Stroke.SOLID, SearchEpoch::entropy))
        .fromZero()
        .draw(html);
    html.close();
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
    retraining("Retraining: loss", "cross-entropy, nats", TrainedEpoch::loss);
    retraining("Retraining: accuracy", "training accuracy, %", e -> 100 * e.accuracy());
    samples("Random search: loss", "cross-entropy, nats", TrainedEpoch::loss);
    samples(
        "Random search: validation accuracy",
        "validation accuracy, %",
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

  // ---- probabilities and networks

  private void probabilities() {
    if (run.events().searched().isEmpty()) {
      return;
    }
    html.leaf("h2", "Probability of every candidate");
    html.leaf(
        "p",
        "From left to right the epochs of the search; the stronger the color, the more"
            + " probable. To the right the probability after the last epoch"
            + (run.network() == null ? "." : "; in bold what the network found has."),
        "class",
        "note");
    ProbabilityStrips.draw(html, run.setup().space(), run.events().searched(), run.network());
  }

  private void networks() {
    if (run.network() != null) {
      html.leaf("h2", "The networks");
      drawing(run.network(), "Found by the search");
    }
    if (random != null && random.network() != null) {
      drawing(random.network(), "Best of random search");
    }
  }

  private void drawing(Architecture network, String title) {
    NetworkDrawing drawing;
    try {
      drawing = new NetworkDrawing(network, run.table());
    } catch (SextantException e) {
      throw new SextantException(run.directory().latency() + ": " + e.getMessage(), e);
    }
    drawing.draw(html, title);
    CellDrawing.draw(html, network, title);
  }
}
