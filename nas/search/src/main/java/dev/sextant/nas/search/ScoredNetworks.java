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
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The networks that a search by scores draws, what each was scored, and, once all are, what follows
 * for the others: the fits, the candidates that these hold for the best and that get a held-out
 * loss of their own, the finalists that are looked at longer, the best within any window of costs.
 */
final class ScoredNetworks {
  private final SearchConfig config;
  private final Space space;
  private final Pricing pricing;
  private final int[][] networks;
  private final int parts;
  private final double[] prior;
  private final double[] loss;
  private final List<double[]> candidateLosses = new ArrayList<>();
  private final Map<String, Look> looks = new LinkedHashMap<>();
  private @Nullable Ranking ranking;
  private @Nullable List<int[]> candidates;
  private @Nullable List<int[]> finalists;

  /** Loss on each part of the images, and the prior's score. */
  private record Look(double[] losses, double prior) {}

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

  /** Loss of the next candidate on each part of the images; after the last, the fit is anew. */
  void putCandidate(double[] losses) {
    candidateLosses.add(losses);
    if (candidateLosses.size() == candidates().size()) {
      rankAgain();
    }
  }

  void putLook(int[] decisions, double[] losses, double prior) {
    looks.put(Decisions.text(decisions), new Look(losses, prior));
  }

  boolean isRanked() {
    return finalists != null;
  }

  /** How many candidates there are; the most there can be before that is known. */
  int candidateCount() {
    return candidates == null ? most(Recipe.Scored.CANDIDATES) : candidates.size();
  }

  /** How many are looked at longer; the most there can be before that is known. */
  int looks() {
    return finalists == null ? most(Recipe.Scored.FINALISTS) : finalists.size();
  }

  private int most(int ofEach) {
    return ofEach * config.budget().each().size();
  }

  List<int[]> candidates() {
    return known(candidates);
  }

  List<int[]> finalists() {
    return known(finalists);
  }

  private Ranking ranking() {
    return known(ranking);
  }

  private static <T> T known(@Nullable T value) {
    if (value == null) {
      throw new IllegalStateException("not all networks have been scored");
    }
    return value;
  }

  /** Fits the scores of the networks drawn, and finds the candidates. */
  void rank() {
    ranking = Ranking.of(networks, loss, parts, prior);
    candidates = bestOfBudgets(Recipe.Scored.CANDIDATES);
    if (candidates.isEmpty()) {
      rankAgain();
    }
  }

  private void rankAgain() {
    ranking = ranking().with(candidates(), candidateLosses);
    finalists = bestOfBudgets(Recipe.Scored.FINALISTS);
  }

  /** Those within one of the budgets that the fits hold for the best. */
  private List<int[]> bestOfBudgets(int ofEach) {
    SequencedMap<String, int[]> best = new LinkedHashMap<>();
    for (Budget budget : config.budget().each()) {
      double low = budget.ceiling() ? 0 : (1 - RunStages.TOLERANCE) * budget.cost();
      double high = budget.ceiling() ? budget.cost() : (1 + RunStages.TOLERANCE) * budget.cost();
      best(pricing, low, high, ofEach)
          .forEach(network -> best.put(Decisions.text(network), network));
    }
    return List.copyOf(best.values());
  }

  /** The score of the fits; of what was looked at, that of the look too. */
  private double score(int[] decisions) {
    Look look = looks.isEmpty() ? null : looks.get(Decisions.text(decisions));
    return look == null
        ? ranking().of(decisions)
        : ranking().looked(decisions, look.losses, look.prior);
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
    return ranking().effects(space.options());
  }

  /** {@code scores.csv}: the networks drawn, then the candidates on every part of the images. */
  String text() {
    StringBuilder text = new StringBuilder("network,cost,prior,part,held_out_loss\n");
    for (int i = 0; i < networks.length; i++) {
      line(text, networks[i], Double.toString(prior[i]), i % parts, loss[i]);
    }
    for (int i = 0; i < candidateLosses.size(); i++) {
      for (int part = 0; part < parts; part++) {
        line(text, candidates().get(i), "", part, candidateLosses.get(i)[part]);
      }
    }
    return text.toString();
  }

  private void line(StringBuilder text, int[] network, String score, int part, double held) {
    text.append(Decisions.text(network)).append(',').append(pricing.of(network));
    text.append(',').append(score).append(',').append(part).append(',').append(held).append('\n');
  }

  /** How well the fits predict, each in deviations of what it is fitted to. */
  JsonObject fitted() {
    JsonObject fields = new JsonObject();
    fields.addProperty("stage", StageName.SEARCH.text());
    fields.addProperty("networks", networks.length + candidateLosses.size());
    fields.addProperty("lossDeviation", ranking().lossFit().deviation());
    fields.addProperty("lossError", ranking().lossFit().error());
    fields.addProperty("priorDeviation", ranking().priorFit().deviation());
    fields.addProperty("priorError", ranking().priorFit().error());
    return fields;
  }

  /** The networks that were looked at, the best first. */
  JsonObject looked() {
    List<int[]> sorted = new ArrayList<>(finalists());
    sorted.sort((a, b) -> Double.compare(score(b), score(a)));
    JsonArray best = new JsonArray();
    for (int[] decisions : sorted) {
      Look look = known(looks.get(Decisions.text(decisions)));
      JsonObject network = new JsonObject();
      network.addProperty("network", Decisions.text(decisions));
      network.addProperty("cost", pricing.of(decisions));
      network.addProperty("score", score(decisions));
      network.addProperty("fitted", ranking().of(decisions));
      network.addProperty("heldOutLoss", Arrays.stream(look.losses).average().orElse(Double.NaN));
      network.addProperty("prior", look.prior);
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
        "candidates", candidateLosses.stream().flatMapToDouble(Arrays::stream).toArray());
    checkpoint.putDoubles(
        "looks",
        looks.values().stream()
            .flatMapToDouble(
                look ->
                    DoubleStream.concat(Arrays.stream(look.losses), DoubleStream.of(look.prior)))
            .toArray());
  }

  /**
   * Goes on from a checkpoint: fits and what they hold for the best come again from the same
   * numbers.
   *
   * @param after steps since the networks drawn were scored; negative before that
   * @throws SextantException if there are not so many to score
   */
  void load(Checkpoint checkpoint, long after) {
    System.arraycopy(checkpoint.getDoubles("prior", prior.length), 0, prior, 0, prior.length);
    System.arraycopy(checkpoint.getDoubles("loss", loss.length), 0, loss, 0, loss.length);
    if (after < 0) {
      return;
    }
    rank();
    int tried = (int) Math.min(after, candidates().size());
    double[] losses = checkpoint.getDoubles("candidates", tried * parts);
    for (int i = 0; i < tried; i++) {
      putCandidate(Arrays.copyOfRange(losses, i * parts, (i + 1) * parts));
    }
    int looked = (int) (after - tried);
    if (looked > (isRanked() ? finalists().size() : 0)) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "checkpoint: a longer look at %d networks, of which there are %d",
              looked,
              isRanked() ? finalists().size() : 0));
    }
    int each = parts + 1;
    double[] values = checkpoint.getDoubles("looks", looked * each);
    for (int i = 0; i < looked; i++) {
      double[] held = Arrays.copyOfRange(values, i * each, i * each + parts);
      putLook(finalists().get(i), held, values[i * each + parts]);
    }
  }
}
