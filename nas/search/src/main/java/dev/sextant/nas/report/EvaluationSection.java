package dev.sextant.nas.report;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import dev.sextant.nas.report.page.Html;
import dev.sextant.nas.report.page.Numbers;
import dev.sextant.nas.report.page.Table;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.runtime.json.JsonText;
import dev.sextant.tensor.SextantException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What {@code evaluation.json} tells of the network found. */
final class EvaluationSection {
  /** More classes make no table that can be read: then the pairs confused most are listed. */
  private static final int MOST_CLASSES = 20;

  private static final int MOST_PAIRS = 30;
  static final String BASE64 = "[A-Za-z0-9+/]*={0,2}";

  private final RunJson json;
  private final List<String> classes = new ArrayList<>();
  private final List<Pair> pairs = new ArrayList<>();

  /** How many images of a label are taken for another, or for what they are. */
  private record Pair(int label, int predicted, int count) {}

  private EvaluationSection(RunJson json) {
    this.json = json;
    for (JsonElement name : json.array("classes")) {
      classes.add(name.isJsonPrimitive() ? name.getAsString() : name.toString());
    }
    for (double[] row : json.has("confusion") ? json.rows("confusion") : new double[0][]) {
      if (row.length != 3 || !isClass(row[0]) || !isClass(row[1]) || !(row[2] >= 0)) {
        throw json.error("confusion", "is no list of labels, predicted labels and numbers");
      }
      pairs.add(new Pair((int) row[0], (int) row[1], (int) row[2]));
    }
  }

  private boolean isClass(double value) {
    return value >= 0 && value < classes.size() && value == Math.rint(value);
  }

  /**
   * Reads the file of a run, or gives null where there is none.
   *
   * @throws SextantException naming the file if it is damaged
   */
  static @Nullable EvaluationSection read(RunDirectory directory) {
    return Files.exists(directory.evaluation())
        ? new EvaluationSection(
            new RunJson(
                directory.evaluation().toString(),
                JsonText.parse(
                    JsonText.readFile(directory.evaluation()), directory.evaluation().toString())))
        : null;
  }

  /** Milliseconds of each layer within the network. */
  double[] layersMs() {
    return json.numbers("layersMs");
  }

  /** Draws it. */
  void draw(Html html) {
    html.open("section", "id", "evaluation");
    latency(html);
    if (json.has("precision")) {
      new DetectionSection(json, classes).draw(html);
      html.close();
      return;
    }
    html.leaf("h2", "What it takes for what");
    if (classes.size() <= MOST_CLASSES) {
      matrix(html);
    } else {
      pairs(html);
    }
    pictures(html);
    html.close();
  }

  private void latency(Html html) {
    RunJson latency = json.object("latency");
    html.leaf("h2", "Latency of the network found");
    Table table = new Table(html, "Quantiles of its latency", "quantile", "ms");
    for (String quantile : List.of("p50", "p90", "p99")) {
      double ms = latency.number(quantile + "Ms");
      table
          .row(
              quantile.equals("p50")
                  ? "half of the runs take at most"
                  : quantile.substring(1) + " of 100")
          .number(ms, Numbers.significant(ms))
          .end();
    }
    table.close();
    html.leaf(
        "p",
        String.format(
            Locale.ROOT,
            "%s runs, nothing else of this program beside them.",
            Numbers.grouped((long) latency.number("samples"))),
        "class",
        "note");
  }

  private void matrix(Html html) {
    int[][] counts = new int[classes.size()][classes.size()];
    int[] sums = new int[classes.size()];
    for (Pair pair : pairs) {
      counts[pair.label][pair.predicted] = pair.count;
      sums[pair.label] += pair.count;
    }
    html.leaf(
        "p",
        "A row for each class of the test images, a column for what the network takes them for; the"
            + " stronger the color, the more of the row.",
        "class",
        "note");
    html.open(
        "div",
        "class",
        "scroll",
        "tabindex",
        "0",
        "role",
        "region",
        "aria-label",
        "Confusion matrix");
    html.open("table", "class", "confusion").leaf("caption", "Confusion matrix", "class", "unseen");
    html.open("thead").open("tr").open("td").close();
    classes.forEach(name -> html.leaf("th", name, "scope", "col"));
    html.close().close().open("tbody");
    for (int label = 0; label < counts.length; label++) {
      html.open("tr").leaf("th", classes.get(label), "scope", "row", "class", "name");
      for (int predicted = 0; predicted < counts.length; predicted++) {
        int count = counts[label][predicted];
        double share = sums[label] == 0 ? 0 : (double) count / sums[label];
        html.leaf(
            "td",
            count == 0 ? "" : Numbers.grouped(count),
            "class",
            label == predicted ? "right" : "wrong",
            "style",
            String.format(Locale.ROOT, "--share: %.0f%%", 70 * share),
            "title",
            String.format(
                Locale.ROOT,
                "%d of %d %s are taken for %s",
                count,
                sums[label],
                classes.get(label),
                classes.get(predicted)));
      }
      html.close();
    }
    html.close().close().close();
  }

  private void pairs(Html html) {
    Table table = new Table(html, "Classes confused most", "class", "taken for", "images");
    pairs.stream()
        .filter(pair -> pair.label != pair.predicted)
        .sorted(Comparator.comparingInt(pair -> -pair.count))
        .limit(MOST_PAIRS)
        .forEach(
            pair ->
                table
                    .row(classes.get(pair.label))
                    .text(classes.get(pair.predicted))
                    .text(Numbers.grouped(pair.count))
                    .end());
    table.close();
  }

  private void pictures(Html html) {
    JsonArray wrong = json.array("wrong");
    if (wrong.isEmpty()) {
      html.leaf("p", "No test image is taken for another class.");
      return;
    }
    html.leaf("p", "Some that it takes for others:", "class", "note");
    html.open("div", "class", "pictures");
    for (JsonElement element : wrong) {
      if (!(element instanceof JsonObject object)) {
        throw json.error("wrong", "is no list of pictures");
      }
      RunJson picture = new RunJson(json.source() + ": wrong", object);
      double label = picture.number("label");
      double predicted = picture.number("predicted");
      String png = picture.string("png");
      if (!isClass(label) || !isClass(predicted) || !png.matches(BASE64)) {
        throw picture.error("png", "is no picture of the network's classes");
      }
      String said = classes.get((int) label) + ", taken for " + classes.get((int) predicted);
      html.open("figure");
      html.open("img", "src", "data:image/png;base64," + png, "alt", said, "width", "64");
      html.leaf("figcaption", said).close();
    }
    html.close();
  }
}
