package dev.sextant.nas.checkpoint;

import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import dev.sextant.nas.cost.Costs;
import dev.sextant.nas.method.BatchConfig;
import dev.sextant.nas.method.Budget;
import dev.sextant.nas.method.DescentConfig;
import dev.sextant.nas.method.Recipe;
import dev.sextant.nas.method.Regularization;
import dev.sextant.nas.method.Retraining;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.method.SearchImages;
import dev.sextant.nas.method.Shrinking;
import dev.sextant.nas.method.SupernetKind;
import dev.sextant.nas.method.TrainingConfig;
import dev.sextant.nas.method.WeightSteps;
import dev.sextant.nas.objective.Objectives;
import dev.sextant.nas.policy.ArchitectureSteps;
import dev.sextant.nas.policy.Policies;
import dev.sextant.nas.prior.Priors;
import dev.sextant.tensor.SextantException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;

/**
 * Settings as {@code run.json} has them: an object for each concern, parts by their names. Those of
 * runs that were begun before (one flat object, with another for cells) are read too.
 */
public final class ConfigJson {
  private static final Gson GSON = new Gson();

  /** Where each field of a flat object belongs; those of cells are among them. */
  private static final Map<String, List<String>> PLACES =
      Map.of(
          "images",
          List.of("imageShare:share", "validationFraction"),
          "batches",
          List.of("batch:size", "augmentation", "labelSmoothing"),
          "weights",
          List.of(
              "warmupEpochs", "warmupRate", "epochs", "rate", "lastRate", "oneCosine", "optimizer"),
          "descent",
          List.of("momentum", "weightDecay", "clip"),
          "architecture",
          List.of(
              "quietEpochs:delayEpochs",
              "architectureInterval:interval",
              "architectureRate:rate",
              "architectureGrowth:growth",
              "samples",
              "gates",
              "secondOrder"),
          "budget",
          List.of(
              "budget:cost", "ceiling", "strength:lambda", "fixedStrength:fixedLambda", "noiseMs"),
          "retraining",
          List.of("retrainEpochs:epochs", "retrainRate:rate", "inheritWeights"),
          "regularization",
          List.of("dropout", "dropPath", "auxiliary"));

  private ConfigJson() {}

  /**
   * {@return the text of settings}
   *
   * @param config the settings
   */
  public static JsonObject write(SearchConfig config) {
    JsonObject recipe = new JsonObject();
    recipe.addProperty("method", config.recipe().method());
    if (config.recipe() instanceof Recipe.InSupernet<?, ?> searched) {
      recipe.addProperty("supernet", searched.supernet().id());
      recipe.addProperty("policy", searched.policy().id());
      recipe.addProperty("objective", searched.objective().id());
    }
    if (config.recipe() instanceof Recipe.Scored<?> scored) {
      recipe.addProperty("supernet", scored.supernet().id());
      recipe.addProperty("prior", scored.prior().id());
    }
    if (config.recipe() instanceof Recipe.Random random && random.prior() != null) {
      recipe.addProperty("prior", random.prior().id());
    }
    if (config.recipe() instanceof Shrinking shrunk) {
      recipe.addProperty("teacher", shrunk.teacher());
    }
    recipe.addProperty("cost", config.recipe().cost().id());
    JsonObject json = new JsonObject();
    json.addProperty("seed", config.seed());
    json.add("recipe", recipe);
    json.add("images", GSON.toJsonTree(config.images()));
    json.add("batches", GSON.toJsonTree(config.batches()));
    json.add("weights", GSON.toJsonTree(config.weights()));
    json.add("descent", GSON.toJsonTree(config.descent()));
    json.add("architecture", GSON.toJsonTree(config.architecture()));
    json.add("budget", GSON.toJsonTree(config.budget()));
    json.add("retraining", GSON.toJsonTree(config.retraining()));
    json.addProperty("randomSamples", config.randomSamples());
    json.add("options", GSON.toJsonTree(config.options()));
    return json;
  }

  /**
   * Settings from their text.
   *
   * @param json the settings as written
   * @return the settings
   * @throws SextantException if a part or an option is none there is, or a number is out of range
   * @throws JsonParseException if something is of another type
   */
  public static SearchConfig search(JsonObject json) {
    JsonObject parts = json.has("batches") ? json : nested(json);
    return new SearchConfig(
        field(parts, "seed").getAsLong(),
        recipe(field(parts, "recipe").getAsJsonObject()),
        part(parts, "images", SearchImages.class),
        part(parts, "batches", BatchConfig.class),
        part(parts, "weights", WeightSteps.class),
        part(parts, "descent", DescentConfig.class),
        part(parts, "architecture", ArchitectureSteps.class),
        part(parts, "budget", Budget.class),
        part(parts, "retraining", Retraining.class),
        field(parts, "randomSamples").getAsInt(),
        options(parts));
  }

  private static SequencedMap<String, String> options(JsonObject json) {
    SequencedMap<String, String> options = new LinkedHashMap<>();
    if (json.has("options")) {
      json.getAsJsonObject("options")
          .entrySet()
          .forEach(option -> options.put(option.getKey(), option.getValue().getAsString()));
    }
    return options;
  }

  /**
   * {@return the text of the settings of training one network}
   *
   * @param config the settings
   */
  public static JsonObject write(TrainingConfig config) {
    return GSON.toJsonTree(config).getAsJsonObject();
  }

  /**
   * {@return the settings of training one network from their text}
   *
   * @param json the settings as written
   * @throws SextantException if a number is out of range
   * @throws JsonParseException if something is of another type
   */
  public static TrainingConfig training(JsonObject json) {
    JsonObject parts = json.has("batches") ? json : nested(json);
    return new TrainingConfig(
        field(parts, "seed").getAsLong(),
        field(json, "epochs").getAsInt(),
        field(json, "rate").getAsDouble(),
        part(parts, "batches", BatchConfig.class),
        part(parts, "descent", DescentConfig.class),
        part(parts, "regularization", Regularization.class));
  }

  private static Recipe recipe(JsonObject json) {
    String method = word(json, "method");
    if (json.has("teacher")) {
      return new Shrinking(
          Costs.ALL.named(word(json, "cost")), field(json, "teacher").getAsString());
    }
    if (!json.has("supernet") || word(json, "supernet").equals("none")) {
      return new Recipe.Random(
          method,
          Costs.ALL.named(word(json, "cost")),
          json.has("prior") ? Priors.ALL.named(word(json, "prior")) : null);
    }
    if (json.has("prior")) {
      return Recipe.scored(
          method,
          SupernetKind.named(word(json, "supernet")),
          Priors.ALL.named(word(json, "prior")),
          Costs.ALL.named(word(json, "cost")));
    }
    return Recipe.of(
        method,
        SupernetKind.named(word(json, "supernet")),
        Policies.ALL.named(word(json, "policy")),
        Costs.ALL.named(word(json, "cost")),
        Objectives.ALL.named(word(json, "objective")));
  }

  /** A name; runs that were begun before have them as {@code MULTI_PATH}. */
  private static String word(JsonObject json, String name) {
    return field(json, name).getAsString().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private static JsonElement field(JsonObject json, String name) {
    JsonElement element = json.get(name);
    if (element == null || element.isJsonNull()) {
      throw new SextantException(name + " is missing");
    }
    return element;
  }

  private static <T> T part(JsonObject json, String name, Class<T> type) {
    return GSON.fromJson(field(json, name).getAsJsonObject(), type);
  }

  private static JsonObject nested(JsonObject flat) {
    JsonObject fields = flat.deepCopy();
    if (flat.has("cells")) {
      field(flat, "cells")
          .getAsJsonObject()
          .entrySet()
          .forEach(cell -> fields.add(cell.getKey(), cell.getValue()));
    }
    JsonObject json = new JsonObject();
    PLACES.forEach(
        (concern, names) -> {
          JsonObject part = new JsonObject();
          for (String name : names) {
            String[] both = name.split(":");
            if (fields.has(both[0])) {
              part.add(both[both.length - 1], fields.get(both[0]));
            }
          }
          json.add(concern, part);
        });
    json.getAsJsonObject("retraining").add("regularization", json.get("regularization"));
    for (String name : List.of("seed", "recipe", "randomSamples")) {
      if (fields.has(name)) {
        json.add(name, fields.get(name));
      }
    }
    return json;
  }
}
