package dev.sextant.cli.output;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.sextant.nas.compare.Standing;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.run.SearchResult;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Latency;
import java.nio.file.Path;

/** What came of commands, for programs: objects whose {@code event} is {@code result}. */
public final class Outcomes {
  private Outcomes() {}

  /** {@return that of a search} */
  public static JsonObject of(SearchResult result, SearchConfig config, Path directory) {
    JsonObject json = result("search", directory);
    json.addProperty("unit", config.recipe().cost().unit().toString());
    json.addProperty("budget", config.budget().cost());
    json.add("found", network(result.found()));
    JsonArray others = new JsonArray();
    for (int i = 0; i < result.others().size(); i++) {
      JsonObject other = network(result.others().get(i));
      other.addProperty("budget", config.budget().others().get(i));
      others.add(other);
    }
    json.add("others", others);
    if (result.random() != null) {
      json.add("random", network(result.random()));
    }
    return json;
  }

  private static JsonObject network(SearchResult.Found found) {
    JsonObject json = network(found.architecture(), found.testAccuracy());
    JsonProgress.addFinite(json, "predictedCost", found.predictedCost());
    JsonProgress.addFinite(json, "measuredMs", found.measuredMs());
    JsonProgress.addFinite(json, "seconds", found.seconds());
    return json;
  }

  private static JsonObject network(Architecture architecture, double testAccuracy) {
    JsonObject json = new JsonObject();
    JsonArray layers = new JsonArray();
    architecture.layers().forEach(layer -> layers.add(layer.label()));
    json.add("layers", layers);
    json.addProperty("parameters", architecture.parameters());
    json.addProperty("macs", architecture.macs());
    JsonProgress.addFinite(json, "testAccuracy", testAccuracy);
    return json;
  }

  /** {@return that of a training} */
  public static JsonObject of(
      Architecture architecture, double testAccuracy, Latency latency, Path directory) {
    JsonObject json = result("train", directory);
    JsonObject network = network(architecture, testAccuracy);
    network.addProperty("p50Ms", latency.medianMs());
    network.addProperty("p90Ms", latency.p90Ms());
    network.addProperty("p99Ms", latency.p99Ms());
    json.add("network", network);
    return json;
  }

  /** {@return that of a comparison} */
  public static JsonObject of(Standing standing, Path directory) {
    JsonObject json = result("compare", directory);
    json.addProperty("budgetMs", standing.plan().budgetMs());
    JsonArray methods = new JsonArray();
    for (Standing.Summary row : standing.summaries()) {
      JsonObject method = new JsonObject();
      method.addProperty("method", row.method().name());
      method.addProperty("runs", row.runs());
      method.addProperty("withinBudget", row.withinBudget());
      spread(method, "testAccuracy", row.accuracy());
      spread(method, "measuredMs", row.measuredMs());
      spread(method, "seconds", row.seconds());
      methods.add(method);
    }
    json.add("methods", methods);
    JsonArray remarks = new JsonArray();
    standing.remarks().forEach(remarks::add);
    json.add("remarks", remarks);
    return json;
  }

  private static void spread(JsonObject json, String field, Standing.Spread spread) {
    JsonProgress.addFinite(json, field, spread.mean());
    JsonProgress.addFinite(json, field + "Deviation", spread.deviation());
  }

  private static JsonObject result(String command, Path directory) {
    JsonObject json = new JsonObject();
    json.addProperty("event", "result");
    json.addProperty("command", command);
    json.addProperty("directory", directory.toString());
    return json;
  }
}
