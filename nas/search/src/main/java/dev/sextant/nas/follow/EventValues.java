package dev.sextant.nas.follow;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * The numbers of an event.
 *
 * @param step its epoch, 0 for an event that is of none
 * @param scalars by stage and name, such as {@code search/validationAccuracy}
 * @param histograms by name: the probabilities of each choice, and its alphas
 */
record EventValues(long step, Map<String, Double> scalars, Map<String, double[]> histograms) {
  /** What is no quantity of an epoch. */
  private static final Set<String> APART = Set.of("epoch", "sha256");

  /** The stage that events of none belong to. */
  private static final String RUN = "run";

  static EventValues of(JsonObject event) {
    String stage = event.has("stage") ? event.get("stage").getAsString() : RUN;
    long step =
        event.get("epoch") instanceof JsonPrimitive epoch && epoch.isNumber()
            ? epoch.getAsLong()
            : 0;
    Map<String, Double> scalars = new LinkedHashMap<>();
    for (Map.Entry<String, JsonElement> field : event.entrySet()) {
      if (!APART.contains(field.getKey())
          && field.getValue() instanceof JsonPrimitive value
          && value.isNumber()) {
        scalars.put(stage + "/" + field.getKey(), value.getAsDouble());
      }
    }
    Map<String, double[]> histograms = new LinkedHashMap<>();
    rows(event, "thresholds")
        .forEach(row -> histograms.put(name("thresholds", histograms.size()), row));
    int choice = 0;
    for (double[] row : rows(event, "probabilities")) {
      histograms.put(name("probabilities", choice), row);
      if (!event.has("thresholds")) {
        histograms.put(name("alphas", choice), alphas(row));
      }
      choice++;
    }
    return new EventValues(step, scalars, histograms);
  }

  private static String name(String kind, int choice) {
    return String.format(Locale.ROOT, "%s/choice-%03d", kind, choice);
  }

  private static List<double[]> rows(JsonObject event, String field) {
    List<double[]> rows = new ArrayList<>();
    if (event.get(field) instanceof JsonArray array) {
      for (JsonElement row : array) {
        if (row instanceof JsonArray values) {
          rows.add(values.asList().stream().mapToDouble(JsonElement::getAsDouble).toArray());
        }
      }
    }
    return rows;
  }

  /** What a softmax gives these probabilities for, about their mean: a shift changes nothing. */
  private static double[] alphas(double[] probabilities) {
    double[] alphas = new double[probabilities.length];
    double mean = 0;
    for (int i = 0; i < alphas.length; i++) {
      alphas[i] = Math.log(Math.max(probabilities[i], Double.MIN_NORMAL));
      mean += alphas[i] / alphas.length;
    }
    for (int i = 0; i < alphas.length; i++) {
      alphas[i] -= mean;
    }
    return alphas;
  }
}
