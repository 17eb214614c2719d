package dev.sextant.cli;

import dev.sextant.cli.output.Ending;
import dev.sextant.cli.output.Outcomes;
import dev.sextant.cli.output.OutputOptions;
import dev.sextant.nas.compare.MethodComparison;
import dev.sextant.nas.compare.Plan;
import dev.sextant.nas.compare.Standing;
import dev.sextant.nas.cost.CostProvider;
import dev.sextant.nas.cost.CostUnit;
import dev.sextant.nas.method.Budget;
import dev.sextant.nas.method.Limit;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.SearchResult;
import dev.sextant.nas.train.Evaluation;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Latency;
import dev.sextant.runtime.LatencyMeter;
import dev.sextant.runtime.LatencyProfile;
import dev.sextant.runtime.layer.Cell;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.Memory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** What commands print. */
final class Terminal {
  /** Repeated until steady, so that each measurement may be short. */
  private static final LatencyMeter METER =
      new LatencyMeter(
          0.02, Duration.ofMillis(500), Duration.ofMillis(500), Duration.ofSeconds(10));

  private Terminal() {}

  /** The outcome of a run. */
  static void print(SearchResult result, SearchConfig config, RunDirectory directory) {
    CostUnit unit = config.recipe().cost().unit();
    SearchResult.Search search = result.search();
    SearchResult.Found original = result.original();
    System.out.println();
    System.out.println("network   " + layers(result.found()));
    printCells(result.found().architecture());
    if (search != null && original == null) {
      System.out.printf(
          Locale.ROOT,
          "search    average of the networks drawn %s, most probable %s, lambda %.3f%s%n",
          unit.format(search.expectedCost()),
          unit.format(search.argmaxCost()),
          search.lambda(),
          search.constrained() ? "; most probable network within the budget taken" : "");
      System.out.printf(
          Locale.ROOT,
          "memory    weight step %s, architecture step %s of activations%n",
          Memory.human(search.weightStepPeakBytes()),
          Memory.human(search.architectureStepPeakBytes()));
    }
    System.out.printf(
        Locale.ROOT,
        "budget    %s%s%n",
        unit.format(config.budget().cost()),
        Budget.at(config.budget().percentile()));
    for (Limit limit : config.budget().limits()) {
      System.out.printf(
          Locale.ROOT,
          "max       %s %,.6g of %,.6g%n",
          limit.cost(),
          result.limited().getOrDefault(limit.cost(), Double.NaN),
          limit.most());
    }
    System.out.println();
    System.out.printf(
        Locale.ROOT,
        "                     predicted  measured ms  vs budget  %13s  parameters     "
            + " MACs   seconds%n",
        "test " + Evaluation.measure(result.found().architecture()));
    if (original != null) {
      row("given", original, config, config.budget().cost());
    }
    row(original == null ? "search" : "shrunk", result.found(), config, config.budget().cost());
    for (int i = 0; i < result.others().size(); i++) {
      row("budget " + (i + 2), result.others().get(i), config, config.budget().others().get(i));
    }
    if (result.random() != null) {
      row("random search", result.random(), config, config.budget().cost());
    }
    System.out.println();
    Ending.of(result, config, directory.path()).forEach(System.out::println);
    System.out.println("written to " + directory.path());
  }

  /** The table of a comparison. */
  static void print(Standing standing, MethodComparison comparison) {
    Plan plan = standing.plan();
    List<Standing.Summary> rows = standing.summaries();
    int width = rows.stream().mapToInt(row -> row.method().name().length()).max().orElse(0);
    String name = "%-" + Math.max(width, 6) + "s";
    System.out.println();
    standing.remarks().forEach(System.out::println);
    System.out.printf(
        Locale.ROOT, "%nbudget    %s%n", CostUnit.MILLISECONDS.format(plan.budgetMs()));
    System.out.printf(
        Locale.ROOT, "time      %.0f s of search and retraining for each run%n%n", plan.seconds());
    System.out.printf(
        Locale.ROOT,
        name + "  runs  test accuracy %%      measured ms          within %.0f %%  seconds%n",
        "method",
        100 * Standing.TOLERANCE);
    for (Standing.Summary row : rows) {
      System.out.printf(
          Locale.ROOT,
          name + "  %4d  %-18s  %-19s  %-10s  %s%n",
          row.method().name(),
          row.runs(),
          spread(row.accuracy(), 100, "%.2f"),
          spread(row.measuredMs(), 1, "%.4f"),
          row.withinBudget() + " of " + row.runs(),
          spread(row.seconds(), 1, "%.0f"));
    }
    System.out.println();
    System.out.println("written to " + comparison.directory());
  }

  private static String spread(Standing.Spread spread, double scale, String format) {
    return Double.isNaN(spread.mean())
        ? "-"
        : Double.isNaN(spread.deviation())
            ? String.format(Locale.ROOT, format, scale * spread.mean())
            : String.format(
                Locale.ROOT,
                format + " ± " + format,
                scale * spread.mean(),
                scale * spread.deviation());
  }

  /** The graphs of the normal and of the reduction cell, where there are cells. */
  private static void printCells(Architecture architecture) {
    for (int stride = 1; stride <= 2; stride++) {
      for (Layer layer : architecture.layers()) {
        if (layer instanceof Cell cell && cell.stride() == stride) {
          System.out.println((stride == 1 ? "normal    " : "reduction ") + cell.graph());
          break;
        }
      }
    }
  }

  /** What came of a training. */
  static void trained(
      OutputOptions output,
      Architecture architecture,
      double testAccuracy,
      Device device,
      Path directory) {
    Measured measured = latency(architecture, device, 1, 1);
    output.outcome(
        Outcomes.of(architecture, testAccuracy, measured.latency, directory),
        () -> {
          print(architecture, testAccuracy, measured);
          System.out.println("written to " + directory);
        });
  }

  /** A network's accuracy on test images and its latency. */
  static void print(Architecture architecture, double testAccuracy, Measured measured) {
    Latency latency = measured.latency;
    System.out.printf(
        Locale.ROOT,
        "network   %s: %,d parameters, %,d MACs%n",
        architecture.name(),
        architecture.parameters(),
        architecture.macs());
    System.out.printf(
        Locale.ROOT,
        architecture.detects()
            ? "mAP       %.2f%% on the test images, at overlaps of 0.5 to 0.95%n"
            : "accuracy  %.2f%% of the test images%n",
        100 * testAccuracy);
    System.out.printf(
        Locale.ROOT,
        "latency   p50 %.4f ms, p90 %.4f, p99 %.4f; batch %d, %d thread%s, %d samples%n",
        latency.medianMs(),
        latency.p90Ms(),
        latency.p99Ms(),
        measured.batch,
        measured.threads,
        measured.threads == 1 ? "" : "s",
        latency.count());
    if (latency.isDoubtful()) {
      System.out.printf(
          Locale.ROOT,
          "doubtful  at other times %.0f %% more: something else ran, measure again%n",
          100 * latency.relativeInterval());
    }
  }

  /** A latency and what it is of. */
  record Measured(Latency latency, int threads, int batch) {}

  /** The latency of a compiled network on this machine. */
  static Measured latency(Architecture architecture, Device device, int threads, int batch) {
    Latency latency = new LatencyProfile(device, threads, METER).network(architecture, batch);
    return new Measured(latency, threads, batch);
  }

  /** Against the budget is what was measured, where the budget is of this machine's clock. */
  private static void row(
      String name, SearchResult.Found found, SearchConfig config, double budget) {
    CostProvider cost = config.recipe().cost();
    double compared = cost.isMeasurable() ? found.measuredMs() : found.predictedCost();
    System.out.printf(
        Locale.ROOT,
        "%-15s %14s %12.4f %+9.1f%% %13.2f%% %11d %9d %9.0f%n",
        name,
        cost.unit().format(found.predictedCost()).replaceFirst(" .*", ""),
        found.measuredMs(),
        100 * (compared / budget - 1),
        100 * found.testAccuracy(),
        found.architecture().parameters(),
        found.architecture().macs(),
        found.seconds());
  }

  private static String layers(SearchResult.Found found) {
    return found.architecture().layers().stream()
        .map(Layer::label)
        .collect(Collectors.joining(", "));
  }
}
