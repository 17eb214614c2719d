package dev.sextant.nas.search;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.sextant.nas.checkpoint.Checkpoint;
import dev.sextant.nas.method.Budget;
import dev.sextant.nas.method.Recipe;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.run.StageName;
import dev.sextant.nas.score.Ranking;
import dev.sextant.nas.search.SearchStage.Point;
import dev.sextant.nas.space.Decisions;
import dev.sextant.nas.space.Space;
import dev.sextant.tensor.SextantException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The networks that a search by scores draws, what each was scored, and, once all are, what follows
 * for the others: the fit, those to be looked at longer, the best within any window of costs.
 */
final class ScoredNetworks {
  private final SearchConfig config;
  private final Space space;
  private final Pricing pricing;
  private final int[][] networks;
  private final int parts;
  private final double[] prior;
  private final double[] loss;
  private final Map<String, double[]> looks = new LinkedHashMap<>();
  private @Nullable Ranking ranking;
  private List<int[]> finalists = List.of();

  /** Networks that nothing is known of, and the parts of images that losses are of in turn. */
  ScoredNetworks(SearchConfig config, Space space, Pricing pricing, int[][] networks, int parts) {
    this.config = config;
    this.space = space;
    this.pricing = pricing;
    this.networks = networks;
    this.parts = parts;
    prior = new double[networks.length];
    loss = new double[networks.length];
  }

  int size() {
    return networks.length;
  }

  int[] network(int index) {
    return networks[index];
  }

  void putPrior(int index, double score) {
    prior[index] = score;
  }

  void putLoss(int index, double held) {
    loss[index] = held;
  }

  /** Loss on each part of the images, and the prior's score. */
  void putLook(int[] decisions, double[] look) {
    looks.put(Decisions.text(decisions), look);
  }

  boolean isRanked() {
    return ranking != null;
  }

  /** How many are looked at longer; the most there can be before that is known. */
  int looks() {
    return isRanked() ? finalists.size() : Recipe.Scored.FINALISTS * config.budget().each().size();
  }

  List<int[]> finalists() {
    return finalists;
  }

  private Ranking ranking() {
    if (ranking == null) {
      throw new IllegalStateException("not all networks have been scored");
    }
    return ranking;
  }

  /** Fits the scores, and finds those within one of the budgets that the fit holds for the best. */
  void rank() {
    ranking = Ranking.of(networks, loss, parts, prior);
    SequencedMap<String, int[]> best = new LinkedHashMap<>();
    for (Budget budget : config.budget().each()) {
      double low = budget.ceiling() ? 0 : (1 - RunStages.TOLERANCE) * budget.cost();
      double high = budget.ceiling() ? budget.cost() : (1 + RunStages.TOLERANCE) * budget.cost();
      best(pricing, low, high, Recipe.Scored.FINALISTS)
          .forEach(network -> best.put(Decisions.text(network), network));
    }
    finalists = List.copyOf(best.values());
  }

  /** The score of the fit; of what was looked at, that of the look too. */
  private double score(int[] decisions) {
    double[] look = looks.get(Decisions.text(decisions));
    return look == null ? ranking().fit().of(decisions) : ranking().looked(decisions, look);
  }

  /** The best within a window, the best first. */
  List<int[]> best(Pricing prices, double low, double high, int count) {
    return ranking()
        .best(
            space.options(),
            this::score,
            decisions -> {
              double cost = prices.of(decisions);
              return cost >= low && cost <= high && prices.allows(decisions);
            },
            preferences -> prices.mostProbable(preferences, low, high),
            count);
  }

  /** The best below ceilings spread over the range of costs, without those that come up again. */
  List<Point> front(Pricing prices, int count) {
    int ceilings = 2 * count;
    double range = prices.maximum() - prices.minimum();
    List<Point> front = new ArrayList<>();
    for (int i = 1; i <= ceilings; i++) {
      // Sums in another order differ by rounding.
      double ceiling = prices.minimum() + range * i / ceilings * (1 + 1e-12);
      for (int[] best : best(prices, 0, ceiling, 1)) {
        if (front.isEmpty() || score(best) > front.getLast().score()) {
          front.add(new Point(best, score(best)));
        }
      }
    }
    return front.size() <= count
        ? front
        : IntStream.range(0, count)
            .mapToObj(i -> front.get((int) ((i + 1L) * front.size() / count - 1)))
            .toList();
  }

  /** What each option adds by itself. */
  double[][] effects() {
    return ranking().fit().effects(space.options());
  }

  /** {@code scores.csv}. */
  String text() {
    StringBuilder text = new StringBuilder("network,cost,prior,part,held_out_loss\n");
    for (int i = 0; i < networks.length; i++) {
      text.append(Decisions.text(networks[i])).append(',').append(pricing.of(networks[i]));
      text.append(',').append(prior[i]).append(',').append(i % parts);
      text.append(',').append(loss[i]).append('\n');
    }
    return text.toString();
  }

  /** How well the fit predicts. */
  JsonObject fitted() {
    JsonObject fields = new JsonObject();
    fields.addProperty("stage", StageName.SEARCH.text());
    fields.addProperty("networks", networks.length);
    fields.addProperty("deviation", ranking().fit().deviation());
    fields.addProperty("error", ranking().fit().error());
    return fields;
  }

  /** The networks that were looked at, the best first. */
  JsonObject looked() {
    List<int[]> sorted = new ArrayList<>(finalists);
    sorted.sort((a, b) -> Double.compare(score(b), score(a)));
    JsonArray best = new JsonArray();
    for (int[] decisions : sorted) {
      double[] look = looks.getOrDefault(Decisions.text(decisions), new double[1]);
      int priorAt = look.length - 1;
      JsonObject network = new JsonObject();
      network.addProperty("network", Decisions.text(decisions));
      network.addProperty("cost", pricing.of(decisions));
      network.addProperty("score", score(decisions));
      network.addProperty("fitted", ranking().fit().of(decisions));
      network.addProperty(
          "heldOutLoss", Arrays.stream(look, 0, priorAt).average().orElse(Double.NaN));
      network.addProperty("prior", look[priorAt]);
      best.add(network);
    }
    JsonObject fields = new JsonObject();
    fields.addProperty("stage", StageName.SEARCH.text());
    fields.add("networks", best);
    return fields;
  }

  void save(Checkpoint checkpoint) {
    checkpoint.putDoubles("prior", prior);
    checkpoint.putDoubles("loss", loss);
    checkpoint.putDoubles(
        "looks", looks.values().stream().flatMapToDouble(Arrays::stream).toArray());
  }

  /**
   * Goes on from a checkpoint.
   *
   * @param ranked whether all were scored: the fit and its best come again from the same numbers
   * @param looked at how many of the best there was a longer look
   * @throws SextantException if there are not so many
   */
  void load(Checkpoint checkpoint, boolean ranked, int looked) {
    System.arraycopy(checkpoint.getDoubles("prior", prior.length), 0, prior, 0, prior.length);
    System.arraycopy(checkpoint.getDoubles("loss", loss.length), 0, loss, 0, loss.length);
    if (ranked) {
      rank();
    }
    if (looked > finalists.size()) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "checkpoint: a longer look at %d networks, of which there are %d",
              looked,
              finalists.size()));
    }
    int each = parts + 1;
    double[] values = checkpoint.getDoubles("looks", looked * each);
    for (int i = 0; i < looked; i++) {
      putLook(finalists.get(i), Arrays.copyOfRange(values, i * each, (i + 1) * each));
    }
  }
}
