package dev.sextant.nas.stage;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.run.Contestant;
import dev.sextant.nas.run.SearchResult;
import dev.sextant.nas.run.StageName;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.runtime.Latency;
import dev.sextant.runtime.json.SealedJson;
import dev.sextant.tensor.SextantException;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What the stages of a run have come to so far, as checkpoints and {@code result.json} hold it. */
public final class RunResults {
  private static final Gson GSON = new GsonBuilder().setPrettyPrinting().create();

  /** Among the results once all of them are there. */
  private static final String FINISHED = "finished";

  private static final String DECISIONS = ".decisions";

  /** Begins the names of the stages' times. */
  private static final String SECONDS = "seconds.";

  private final JsonObject json;

  /**
   * Those of a checkpoint, or none yet.
   *
   * @param json kept, not copied
   */
  public RunResults(JsonObject json) {
    this.json = json;
  }

  /** {@return what a checkpoint keeps} */
  public JsonObject json() {
    return json;
  }

  /** {@return whether all of them are there} */
  public boolean isFinished() {
    return json.has(FINISHED);
  }

  /** Takes note that all of them are there. */
  public void finish() {
    json.addProperty(FINISHED, true);
  }

  /**
   * {@return whether there is such a result}
   *
   * @param field its name
   */
  public boolean has(String field) {
    return json.has(field);
  }

  /**
   * {@return a number that must be there; results come from checkpoints, which may be damaged}
   *
   * @param field its name
   * @throws SextantException if it is not there, or no number
   */
  public double number(String field) {
    if (json.get(field) instanceof JsonPrimitive value && value.isNumber()) {
      return value.getAsDouble();
    }
    throw wrong(field, "number");
  }

  private static SextantException wrong(String field, String kind) {
    return new SextantException(
        String.format(Locale.ROOT, "checkpoint: results: %s is no %s", field, kind));
  }

  /**
   * {@return a text that must be there}
   *
   * @param field its name
   * @throws SextantException if it is not there, or no text
   */
  public String text(String field) {
    if (json.get(field) instanceof JsonPrimitive value && value.isString()) {
      return value.getAsString();
    }
    throw wrong(field, "text");
  }

  /**
   * {@return a number about a network}
   *
   * @param who the network
   * @param field what about it
   * @throws SextantException if it is not there, or no number
   */
  public double number(Contestant who, String field) {
    return number(who.key() + "." + field);
  }

  /**
   * {@return whether a network has been chosen}
   *
   * @param who the network
   */
  public boolean hasDecisions(Contestant who) {
    return has(who.key() + DECISIONS);
  }

  /**
   * Takes note of something about a network.
   *
   * @param who the network
   * @param field what about it
   * @param value anything that JSON can hold
   */
  public void put(Contestant who, String field, Object value) {
    put(who.key() + "." + field, value);
  }

  /**
   * Takes note of every number of an event about a network.
   *
   * @param who the network
   * @param event fields of the event
   */
  public void putNumbers(Contestant who, JsonObject event) {
    event
        .entrySet()
        .forEach(
            field -> {
              if (field.getValue() instanceof JsonPrimitive value && value.isNumber()) {
                put(who, field.getKey(), value);
              }
            });
  }

  /**
   * Takes note of a result.
   *
   * @param field its name
   * @param value anything that JSON can hold
   */
  public void put(String field, Object value) {
    json.add(field, GSON.toJsonTree(value));
  }

  /**
   * {@return the decisions of a network}
   *
   * @param who the network
   * @throws SextantException if they are not there, or no whole numbers
   */
  public int[] decisions(Contestant who) {
    String field = who.key() + DECISIONS;
    if (!(json.get(field) instanceof JsonArray array)) {
      throw wrong(field, "list of decisions");
    }
    int[] decisions = new int[array.size()];
    for (int i = 0; i < decisions.length; i++) {
      double decision =
          array.get(i) instanceof JsonPrimitive value && value.isNumber()
              ? value.getAsDouble()
              : Double.NaN;
      decisions[i] = (int) decision;
      if (decisions[i] != decision) {
        throw wrong(field, "list of decisions");
      }
    }
    return decisions;
  }

  /**
   * Takes note of the choice of a network.
   *
   * @param who the network
   * @param decisions one for each choice
   */
  public void putDecisions(Contestant who, int[] decisions) {
    put(who.key() + DECISIONS, decisions);
  }

  /**
   * {@return what the event says that tells of a network of random search}
   *
   * @param sample the network
   */
  public JsonObject drawn(Contestant.Sample sample) {
    JsonObject fields = new JsonObject();
    fields.addProperty("stage", sample.key());
    fields.add("decisions", json.get(sample.key() + DECISIONS));
    return fields;
  }

  /**
   * {@return seconds that a stage has taken so far}
   *
   * @param stage of the run
   */
  public double seconds(StageName stage) {
    String key = SECONDS + stage.text();
    return json.has(key) ? number(key) : 0;
  }

  /** {@return seconds of all stages so far} */
  public double seconds() {
    return json.keySet().stream()
        .filter(key -> key.startsWith(SECONDS))
        .mapToDouble(this::number)
        .sum();
  }

  /**
   * Takes note of time that a stage has taken.
   *
   * @param stage of the run
   * @param more seconds
   */
  public void addSeconds(StageName stage, double more) {
    put(SECONDS + stage.text(), seconds(stage) + more);
  }

  /**
   * Takes note of the end of a search in a supernet.
   *
   * @param search what it came to
   */
  public void put(SearchResult.Search search) {
    put("expectedCost", search.expectedCost());
    put("argmaxCost", search.argmaxCost());
    put("lambda", search.lambda());
    put("constrained", search.constrained());
    put("weightStepPeakBytes", search.weightStepPeakBytes());
    put("architectureStepPeakBytes", search.architectureStepPeakBytes());
  }

  /** {@return the end of a search in a supernet, or null where there was none} */
  public SearchResult.@Nullable Search search() {
    if (!has("expectedCost")) {
      return null;
    }
    return new SearchResult.Search(
        number("expectedCost"),
        number("argmaxCost"),
        number(has("lambda") ? "lambda" : "strength"),
        json.get("constrained") instanceof JsonPrimitive flag && flag.getAsBoolean(),
        (long) number("weightStepPeakBytes"),
        (long) number("architectureStepPeakBytes"));
  }

  /**
   * {@return a network with what was found about it}
   *
   * @param who the network
   * @param space that it is of
   * @param seconds that finding it took
   * @throws SextantException if something about it is not there
   */
  public SearchResult.Found found(Contestant who, SearchSpace space, double seconds) {
    return new SearchResult.Found(
        space.derive(decisions(who)),
        number(who, "predictedCost"),
        number(who, "measuredMs"),
        number(who, "testAccuracy"),
        seconds);
  }

  /**
   * {@return the text of {@code result.json}}
   *
   * @param config of the run
   */
  public String file(SearchConfig config) {
    JsonObject file = json.deepCopy();
    file.remove(FINISHED);
    file.addProperty("budget", config.budget().cost());
    if (config.budget().percentile() != Latency.Percentile.P50) {
      file.addProperty("percentile", config.budget().percentile().text());
    }
    return SealedJson.write(file, json -> GSON.toJson(json) + "\n", "");
  }
}
