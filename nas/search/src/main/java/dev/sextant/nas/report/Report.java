package dev.sextant.nas.report;

import dev.sextant.nas.cost.CostUnit;
import dev.sextant.nas.cost.Costs;
import dev.sextant.nas.cost.LatencyTable;
import dev.sextant.nas.method.Limit;
import dev.sextant.nas.method.Recipe;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.method.Shrinking;
import dev.sextant.nas.objective.Loss;
import dev.sextant.nas.report.RunRecord.Trained;
import dev.sextant.nas.report.page.Html;
import dev.sextant.nas.report.page.Numbers;
import dev.sextant.nas.report.page.Page;
import dev.sextant.nas.report.page.Table;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.SearchSetup;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.AtomicFile;
import dev.sextant.runtime.Latency.Percentile;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.SextantException;
import java.util.Locale;
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
  private final @Nullable EvaluationSection evaluation;
  private final Html html;

  private Report(RunRecord run, Html html) {
    this.run = run;
    this.html = html;
    config = run.setup().config();
    evaluation = EvaluationSection.read(run.directory());
    found = run.found();
    random = run.random();
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
    RunRecord run = RunRecord.read(directory);
    AtomicFile.write(directory.report(), new Report(run, Page.open(title(run))).document());
  }

  /**
   * {@return the report's {@code main} element alone, for a page that goes on}
   *
   * <p>Safe to call from any thread, while the run goes on.
   *
   * @param directory of the run
   * @throws SextantException as {@link #write} does
   */
  public static String fragment(RunDirectory directory) {
    Html html = Html.fragment();
    new Report(RunRecord.read(directory), html).draw();
    return html.finish();
  }

  /**
   * {@return what a run searches for, in a line}
   *
   * @param directory of the run
   * @throws SextantException if it holds no run
   */
  public static String title(RunDirectory directory) {
    return title(RunRecord.read(directory));
  }

  private static String title(RunRecord run) {
    SearchConfig config = run.setup().config();
    return String.format(
        Locale.ROOT,
        "%s within %s %s",
        run.setup().space().name(),
        Numbers.significant(config.budget().cost()),
        config.recipe().cost().unit());
  }

  private String document() {
    draw();
    return html.close().close().finish();
  }

  private void draw() {
    html.open("main");
    head();
    comparison();
    new ParetoSection(run, html).draw();
    new CurveSections(run, html).draw();
    probabilities();
    networks();
    if (evaluation != null) {
      evaluation.draw(html);
    }
    new GivenSections(run, html).draw();
    html.close();
  }

  // ---- summary

  private void head() {
    SearchSetup setup = run.setup();
    html.leaf("h1", title(run));
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
    tile(
        "Test " + run.setup().space().measure(),
        found.testAccuracy(),
        Numbers.percent(found.testAccuracy()),
        "");
    if (!run.isRandom()) {
      tile(
          String.format(Locale.ROOT, "Expected %s of the search", costName()),
          run.expectedCost(),
          cost(run.expectedCost()),
          "over all networks, by their probability");
      tile(run.symbol(), run.lambda(), Numbers.significant(run.lambda()), how());
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
    Table rows =
        new Table(
            html,
            "The networks found",
            "network",
            "predicted " + unit(),
            "measured ms",
            "against budget",
            "test " + run.setup().space().measure(),
            "parameters",
            "MACs",
            "seconds");
    if (original != null) {
      row(rows, "given", original);
    }
    row(rows, original == null ? "search" : "shrunk", found);
    if (random != null) {
      row(rows, "random search", random);
    }
    rows.close();
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

  private void row(Table rows, String name, Trained trained) {
    rows.row(name);
    rows.number(trained.predictedCost(), Numbers.significant(trained.predictedCost()));
    rows.number(trained.measuredMs(), Numbers.significant(trained.measuredMs()));
    rows.number(change(trained), Numbers.change(change(trained)));
    rows.number(trained.testAccuracy(), Numbers.percent(trained.testAccuracy()));
    Architecture network = trained.network();
    if (network == null) {
      rows.text("–").text("–");
    } else {
      rows.number(network.parameters(), Numbers.grouped(network.parameters()));
      rows.number(network.macs(), Numbers.grouped(network.macs()));
    }
    rows.number(trained.seconds(), Numbers.duration(trained.seconds()));
    rows.end();
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
    Architecture sampled = random == null ? null : random.network();
    if (run.network() != null) {
      html.leaf("h2", "The networks");
      drawing(
          run.network(),
          evaluation == null ? null : evaluation.layersMs(),
          "Found by the search",
          sampled,
          "random search");
    } else {
      Architecture current = ParetoSection.current(run);
      if (current != null) {
        html.leaf("h2", "The network at the moment");
        drawing(current, null, "Most probable so far", null, "");
      }
    }
    if (sampled != null) {
      drawing(sampled, null, "Best of random search", run.network(), "search");
    }
  }

  private void drawing(
      Architecture network,
      double @Nullable [] measured,
      String title,
      @Nullable Architecture other,
      String otherName) {
    NetworkTable drawing;
    try {
      drawing = new NetworkTable(network, run.table(), measured);
    } catch (SextantException e) {
      throw new SextantException(run.directory().latency() + ": " + e.getMessage(), e);
    }
    drawing.draw(html, title, other, otherName);
    CellDrawing.draw(html, network, title);
  }
}
