package dev.sextant.nas.compare;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.RunFile;
import dev.sextant.runtime.AtomicFile;
import dev.sextant.runtime.json.JsonText;
import dev.sextant.runtime.json.SealedJson;
import dev.sextant.tensor.SextantException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;

/** {@code compare.json}: the plan, which is read back, and what the runs came to, for programs. */
final class ComparisonFile {
  private static final String FORMAT = "sextant-comparison/2";

  /** Without a checksum. */
  private static final String UNSEALED = "sextant-comparison/1";

  private static final Gson GSON = new GsonBuilder().setPrettyPrinting().create();

  private ComparisonFile() {}

  static Path in(Path directory) {
    return directory.resolve(RunDirectory.COMPARISON);
  }

  static void write(Path directory, Standing standing) {
    JsonObject root = new JsonObject();
    root.addProperty("format", FORMAT);
    root.add("plan", GSON.toJsonTree(standing.plan()));
    root.add("runs", GSON.toJsonTree(standing.outcomes()));
    root.add("failures", GSON.toJsonTree(standing.failures()));
    JsonArray methods = new JsonArray();
    for (Standing.Summary summary : standing.summaries()) {
      JsonObject row = new JsonObject();
      row.addProperty("method", summary.method().name());
      row.addProperty("runs", summary.runs());
      add(row, "testAccuracy", summary.accuracy());
      add(row, "measuredMs", summary.measuredMs());
      row.addProperty("withinBudget", summary.withinBudget());
      add(row, "seconds", summary.seconds());
      methods.add(row);
    }
    root.add("methods", methods);
    root.add("remarks", GSON.toJsonTree(standing.remarks()));
    AtomicFile.write(in(directory), SealedJson.write(root, json -> GSON.toJson(json) + "\n", ""));
  }

  /** What is not known is left out: JSON has no NaN. */
  private static void add(JsonObject row, String name, Standing.Spread spread) {
    JsonObject object = new JsonObject();
    for (Map.Entry<String, Double> part :
        Map.of("mean", spread.mean(), "deviation", spread.deviation()).entrySet()) {
      if (Double.isFinite(part.getValue())) {
        object.addProperty(part.getKey(), part.getValue());
      }
    }
    row.add(name, object);
  }

  static Plan read(Path directory) {
    Path file = in(directory);
    if (!Files.isRegularFile(file)) {
      throw new SextantException(directory + ": holds no comparison (compare.json is missing)");
    }
    String text = JsonText.readFile(file);
    JsonObject root = JsonText.parse(text, file.toString());
    JsonElement format = root.get("format");
    if (new JsonPrimitive(FORMAT).equals(format)) {
      SealedJson.check(root, text, file.toString(), "");
    } else if (!new JsonPrimitive(UNSEALED).equals(format)) {
      throw new SextantException(String.format(Locale.ROOT, "%s: format is not %s", file, FORMAT));
    }
    Plan plan;
    try {
      plan = GSON.fromJson(root.get("plan"), Plan.class);
    } catch (RuntimeException e) {
      // Gson wraps what the record's constructor says.
      Throwable cause = e;
      while (cause.getCause() != null) {
        cause = cause.getCause();
      }
      throw new SextantException(
          String.format(Locale.ROOT, "%s: plan: %s", file, cause.getMessage()), e);
    }
    if (plan == null) {
      throw new SextantException(file + ": plan is missing");
    }
    return plan;
  }

  /** What {@code result.json} of a run says. */
  static Standing.Outcome outcome(RunDirectory run, String method, String folder, int seed) {
    Path result = run.result();
    String text = JsonText.readFile(result);
    JsonObject root = JsonText.parse(text, result.toString());
    if (new RunFile(run).isSealed()) {
      SealedJson.check(root, text, result.toString(), "");
    }
    double seconds = 0;
    for (String field : root.keySet()) {
      if (field.startsWith("seconds.")) {
        seconds += number(root, field, result);
      }
    }
    return new Standing.Outcome(
        method,
        folder,
        seed,
        number(root, "found.testAccuracy", result),
        number(root, "found.predictedCost", result),
        number(root, "found.measuredMs", result),
        seconds);
  }

  private static double number(JsonObject root, String field, Path file) {
    if (root.get(field) instanceof JsonPrimitive value && value.isNumber()) {
      return value.getAsDouble();
    }
    throw new SextantException(
        String.format(Locale.ROOT, "%s: %s is missing or no number", file, field));
  }
}
