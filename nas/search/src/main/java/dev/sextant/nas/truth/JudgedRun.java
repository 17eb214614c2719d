package dev.sextant.nas.truth;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import dev.sextant.nas.cost.Cost;
import dev.sextant.nas.csv.CsvTable;
import dev.sextant.nas.method.Budget;
import dev.sextant.nas.run.Contestant;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.RunFile;
import dev.sextant.nas.run.SearchSetup;
import dev.sextant.nas.score.Ranking;
import dev.sextant.nas.search.BudgetCheck;
import dev.sextant.nas.space.Decisions;
import dev.sextant.runtime.json.JsonText;
import dev.sextant.tensor.SextantException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/**
 * A run that has ended, judged by a table of its space's networks: once for each of its budgets.
 *
 * @param method of the run
 * @param seed of the run
 * @param budget in the unit of the run's cost
 * @param network found
 * @param searchSeconds that the search took
 * @param judgement of the network found
 */
public record JudgedRun(
    String method,
    long seed,
    String budget,
    String network,
    double searchSeconds,
    Judgement judgement) {
  /**
   * {@return what a run found, judged}
   *
   * @param run that has ended
   * @param truth the table's file
   * @throws SextantException if the run has not ended, or the table is not of its space
   */
  public static List<JudgedRun> of(RunDirectory run, Path truth) {
    SearchSetup setup = new RunFile(run).read();
    if (!Files.isRegularFile(run.result())) {
      throw new SextantException(run.path() + ": the run has not ended (sextant resume)");
    }
    TruthTable table = TruthTable.read(truth, setup.space());
    try {
      return judged(run, setup, table);
    } catch (IllegalStateException | UnsupportedOperationException | NumberFormatException e) {
      throw new SextantException(
          String.format(Locale.ROOT, "%s: damaged (%s)", run.result(), e.getMessage()), e);
    }
  }

  private static List<JudgedRun> judged(RunDirectory run, SearchSetup setup, TruthTable table) {
    JsonObject result = JsonText.parse(JsonText.readFile(run.result()), run.result().toString());
    Cost cost = BudgetCheck.prices(run, setup);
    ToDoubleFunction<int[]> score = score(run, result, setup);
    List<JudgedRun> judged = new ArrayList<>();
    List<Budget> budgets = setup.config().budget().each();
    for (int i = 1; i <= budgets.size(); i++) {
      Contestant who = i == 1 ? Contestant.FOUND : new Contestant.OnFront(i);
      int[] found = integers(result, who.key() + ".decisions", run.result());
      judged.add(
          new JudgedRun(
              setup.config().recipe().method(),
              setup.config().seed(),
              setup.config().recipe().cost().unit().format(budgets.get(i - 1).cost()),
              Decisions.text(found),
              result.has("seconds.search")
                  ? result.get("seconds.search").getAsDouble()
                  : Double.NaN,
              Judgement.of(table, setup.space(), cost, budgets.get(i - 1).cost(), found, score)));
    }
    return judged;
  }

  private static int[] integers(JsonObject result, String field, Path file) {
    if (!(result.get(field) instanceof JsonArray values)) {
      throw new SextantException(String.format(Locale.ROOT, "%s: %s is missing", file, field));
    }
    return values.asList().stream().mapToInt(JsonElement::getAsInt).toArray();
  }

  /**
   * By the fit of a search by scores, or by the product of the probabilities of options; NaN where
   * neither is there, as with factors that are no decisions.
   */
  private static ToDoubleFunction<int[]> score(
      RunDirectory run, JsonObject result, SearchSetup setup) {
    int[] options = setup.space().options();
    if (Files.isRegularFile(run.scores())) {
      return scored(run.scores(), options);
    }
    if (!(result.get("alphas") instanceof JsonArray rows) || rows.size() != options.length) {
      return _ -> Double.NaN;
    }
    double[][] logits = new double[options.length][];
    for (int d = 0; d < options.length; d++) {
      logits[d] =
          rows.get(d).getAsJsonArray().asList().stream()
              .mapToDouble(JsonElement::getAsDouble)
              .toArray();
      if (logits[d].length != options[d]) {
        return _ -> Double.NaN;
      }
    }
    // The softmax's denominators are the same for all networks.
    return decisions -> {
      double sum = 0;
      for (int d = 0; d < decisions.length; d++) {
        sum += logits[d][decisions[d]];
      }
      return sum;
    };
  }

  private static ToDoubleFunction<int[]> scored(Path file, int[] options) {
    try {
      List<CsvTable.Row> rows = CsvTable.parse(JsonText.readFile(file)).rows();
      int parts = 1 + (int) rows.stream().mapToLong(row -> row.whole("part")).max().orElse(-1);
      int drawn = (int) rows.stream().takeWhile(row -> !row.text("prior").isEmpty()).count();
      // Network i was scored on part i modulo their number, a candidate on all.
      for (int i = 0; i < rows.size(); i++) {
        if (rows.get(i).whole("part") != (i < drawn ? i : i - drawn) % parts) {
          throw new SextantException(rows.get(i).where() + ": part is out of turn");
        }
      }
      if (drawn == 0 || (rows.size() - drawn) % parts != 0) {
        throw new SextantException("holds no network, or not all of one");
      }
      double[] losses = rows.stream().mapToDouble(row -> row.number("held_out_loss")).toArray();
      List<CsvTable.Row> own = rows.subList(0, drawn);
      Ranking ranking =
          Ranking.of(
              own.stream()
                  .map(row -> Decisions.parse(row.text("network"), options))
                  .toArray(int[][]::new),
              Arrays.copyOf(losses, drawn),
              parts,
              own.stream().mapToDouble(row -> row.number("prior")).toArray());
      List<int[]> candidates = new ArrayList<>();
      List<double[]> looks = new ArrayList<>();
      for (int i = drawn; i < rows.size(); i += parts) {
        candidates.add(Decisions.parse(rows.get(i).text("network"), options));
        looks.add(Arrays.copyOfRange(losses, i, i + parts));
      }
      return ranking.with(candidates, looks)::of;
    } catch (SextantException e) {
      throw new SextantException(file + ": " + e.getMessage(), e);
    }
  }
}
