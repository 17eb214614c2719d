package dev.sextant.cli.output;

import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.truth.JudgedRun;
import dev.sextant.nas.truth.Judgement;
import dev.sextant.tensor.SextantException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What {@code sextant compare --truth} prints: what is below a baseline first, then every run. */
public final class TruthReport {
  private TruthReport() {}

  public static void print(Path truth, List<Path> runs) {
    if (runs.isEmpty()) {
      throw new SextantException("truth: give the directories of the runs to judge");
    }
    List<JudgedRun> judged = new ArrayList<>();
    for (Path run : runs) {
      judged.addAll(JudgedRun.of(new RunDirectory(run), truth));
    }
    Map<String, List<JudgedRun>> groups = new LinkedHashMap<>();
    Map<String, Judgement> budgets = new LinkedHashMap<>();
    for (JudgedRun run : judged) {
      groups.computeIfAbsent(run.method() + ", " + run.budget(), _ -> new ArrayList<>()).add(run);
      budgets.putIfAbsent(run.budget(), run.judgement());
    }
    groups.forEach(TruthReport::remark);
    System.out.printf(
        Locale.ROOT,
        "%n%-14s %12s %5s %9s %9s %7s %12s %9s %9s %8s  network%n",
        "method",
        "budget",
        "seed",
        "accuracy",
        "best",
        "gap",
        "rank",
        "Spearman",
        "by score",
        "search s");
    for (JudgedRun run : judged) {
      Judgement judgement = run.judgement();
      System.out.printf(
          Locale.ROOT,
          "%-14s %12s %5d %9s %9s %7s %12s %9s %9s %8s  %s%n",
          run.method(),
          run.budget(),
          run.seed(),
          points(judgement.accuracy()),
          points(judgement.best()),
          points(judgement.gap()),
          judgement.rank() == 0
              ? "not in table"
              : String.format(Locale.ROOT, "%d of %d", judgement.rank(), judgement.within()),
          number("%.2f", judgement.spearman()),
          points(judgement.byScore()),
          number("%.0f", run.searchSeconds()),
          run.network());
    }
    System.out.println();
    groups.forEach(
        (name, group) ->
            System.out.printf(
                Locale.ROOT,
                "%s: mean gap %s of %d runs%n",
                name,
                points(meanGap(group)),
                group.size()));
    budgets.forEach(TruthReport::baselines);
  }

  private static double meanGap(List<JudgedRun> group) {
    return group.stream().mapToDouble(run -> run.judgement().gap()).average().orElse(Double.NaN);
  }

  private static void remark(String name, List<JudgedRun> group) {
    Judgement first = group.getFirst().judgement();
    double found = first.best() - meanGap(group);
    first
        .baselines()
        .forEach(
            (baseline, accuracy) -> {
              if (found < accuracy) {
                System.out.printf(
                    Locale.ROOT,
                    "%s: %s %% on the mean is below %s %%, what the %s within the budget has%n",
                    name,
                    points(found),
                    points(accuracy),
                    baseline);
              }
            });
  }

  private static void baselines(String budget, Judgement judgement) {
    StringBuilder line = new StringBuilder(budget + ":");
    judgement
        .baselines()
        .forEach(
            (name, accuracy) ->
                line.append(' ')
                    .append(name)
                    .append(' ')
                    .append(points(accuracy))
                    .append(" (gap ")
                    .append(points(judgement.best() - accuracy))
                    .append("),"));
    System.out.println(line + " median near the budget " + points(judgement.median()));
  }

  private static String points(double share) {
    return number("%.2f", 100 * share);
  }

  private static String number(String format, double value) {
    return Double.isNaN(value) ? "-" : String.format(Locale.ROOT, format, value);
  }
}
