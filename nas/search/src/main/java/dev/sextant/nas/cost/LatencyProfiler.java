package dev.sextant.nas.cost;

import dev.sextant.nas.cost.LatencyTable.Entry;
import dev.sextant.nas.cost.LatencyTable.Key;
import dev.sextant.nas.cost.LatencyTable.Setting;
import dev.sextant.nas.measure.Machine;
import dev.sextant.nas.measure.OtherWork;
import dev.sextant.nas.space.LayerSum;
import dev.sextant.nas.space.Space;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Latency;
import dev.sextant.runtime.Latency.Percentile;
import dev.sextant.runtime.LatencyProfile;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.SequencedMap;
import java.util.Set;
import java.util.function.BiConsumer;

/**
 * Measures a latency table on this machine with the inference path: batch norm folded, activations
 * fused, buffers planned once.
 *
 * <p>Layers are measured alone, then some random networks whole; overhead and scale are fitted so
 * that sums of layers predict networks.
 */
public final class LatencyProfiler {
  /**
   * Everything is measured that often, with everything else in between, and the least median
   * stands: what was still compiling, or disturbed by another process, the first time is not the
   * next time.
   */
  private static final int PASSES = 3;

  /** What disagrees with itself or with others is measured so many times more. */
  private static final int MORE_PASSES = 4;

  private static final int LISTED = 8;

  static final String RUNTIME = "sextant";

  /** Takes the times. */
  interface Timer {
    Latency layer(Layer layer, Shape input);

    Latency network(Architecture network, int batch);
  }

  private final Timer timer;
  private final String device;
  private final int threads;
  private final Percentile percentile;
  private final BiConsumer<Integer, Integer> progress;

  /**
   * A profiler.
   *
   * @param profile device, threads and how long to measure
   * @param progress told how many measurements of how many are done
   */
  public LatencyProfiler(LatencyProfile profile, BiConsumer<Integer, Integer> progress) {
    this(
        new Timer() {
          @Override
          public Latency layer(Layer layer, Shape input) {
            return profile.layer(layer, input);
          }

          @Override
          public Latency network(Architecture network, int batch) {
            return profile.network(network, batch);
          }
        },
        profile.device().toString(),
        profile.threads(),
        profile.percentile(),
        progress);
  }

  /** With times that are taken in another way. */
  LatencyProfiler(
      Timer timer,
      String device,
      int threads,
      Percentile percentile,
      BiConsumer<Integer, Integer> progress) {
    this.percentile = percentile;
    this.timer = timer;
    this.device = device;
    this.threads = threads;
    this.progress = progress;
  }

  /**
   * {@return a table of every layer of a space, with what is doubtful about it}
   *
   * <p>Entries whose measurements are far apart, or that take longer than others that compute more,
   * are measured again, and so is everything where sums of layers are far from networks; what then
   * still is so is among the table's doubts, with who else was at work.
   *
   * @param space whose layers or networks are measured
   * @param batch images at once
   * @param networks random networks to calibrate on, at least 2; 0 leaves the sums as they are
   * @param seed of the random networks
   */
  public LatencyTable measure(Space space, int batch, int networks, long seed) {
    SequencedMap<Key, Timed> layers = new LinkedHashMap<>();
    keys(space)
        .forEach(key -> layers.put(key, new Timed(key.layer(), key.input().withBatch(batch))));
    try (OtherWork others = OtherWork.during("the latency table of " + space.name())) {
      Count count = new Count(PASSES * (layers.size() + networks));
      for (int pass = 0; pass < PASSES; pass++) {
        layers.values().forEach(layer -> time(layer, count));
      }
      measureAgain(layers, count);
      Setting setting =
          new Setting(Machine.identity(), RUNTIME, device, threads, batch, percentile);
      LatencyTable table = new LatencyTable(setting, 0, 1, entries(layers));
      List<String> doubts = new ArrayList<>();
      if (networks > 0) {
        Calibration calibration = new Calibration(spread(table, space, networks, seed), batch);
        calibration.time(PASSES, count);
        table = calibration.fit(table);
        if (TableJudgement.scaleDoubt(table.scale()) != null) {
          count.more(PASSES * (layers.size() + networks));
          for (int pass = 0; pass < PASSES; pass++) {
            layers.values().forEach(layer -> time(layer, count));
          }
          calibration.time(PASSES, count);
          table = calibration.fit(new LatencyTable(setting, 0, 1, entries(layers)));
        }
        String scale = TableJudgement.scaleDoubt(table.scale());
        if (scale != null) {
          doubts.add(scale);
        }
      }
      layers.forEach(
          (key, timed) -> {
            if (timed.isApart()) {
              doubts.add(
                  String.format(
                      Locale.ROOT,
                      "%s: %.4g ms and %.4g ms are its two shortest times",
                      key,
                      timed.least,
                      timed.second));
            }
          });
      doubts.addAll(TableJudgement.doubts(table.entries()));
      return table.withDoubts(doubts.isEmpty() ? doubts : listed(doubts, others.seen()));
    }
  }

  /** The layers that a table of a space has to have, in its order. */
  static List<Key> keys(Space space) {
    Set<Key> keys = new LinkedHashSet<>();
    // The sum itself is nothing: it goes through every layer with every width that it can have.
    LayerSum.of(
        space,
        (layer, input) -> {
          if (!layer.isFree()) {
            keys.add(new Key(layer, input));
          }
          return 0;
        },
        0);
    return List.copyOf(keys);
  }

  /** The first doubts, how many more there are, and who was at work. */
  private static List<String> listed(List<String> doubts, List<String> others) {
    List<String> listed = new ArrayList<>(doubts.subList(0, Math.min(LISTED, doubts.size())));
    if (doubts.size() > LISTED) {
      listed.add(String.format(Locale.ROOT, "and %d more of the kind", doubts.size() - LISTED));
    }
    listed.addAll(others);
    return listed;
  }

  /** A layer, its least times and what belongs to the least. */
  private static final class Timed {
    private final Layer layer;
    private final Shape input;
    private double least = Double.POSITIVE_INFINITY;
    private double second = Double.POSITIVE_INFINITY;
    private Latency best = Latency.NOTHING;

    Timed(Layer layer, Shape input) {
      this.layer = layer;
      this.input = input;
    }

    void add(Latency latency) {
      double ms = latency.medianMs();
      if (ms < least) {
        second = least;
        least = ms;
        best = latency;
      } else {
        second = Math.min(second, ms);
      }
    }

    boolean isApart() {
      return TableJudgement.isApart(least, second);
    }
  }

  /** How many measurements of how many are done. */
  private final class Count {
    private int done;
    private int total;

    Count(int total) {
      this.total = total;
    }

    void more(int measurements) {
      total += measurements;
    }

    void one() {
      progress.accept(++done, total);
    }
  }

  private void time(Timed layer, Count count) {
    layer.add(timer.layer(layer.layer, layer.input));
    count.one();
  }

  private void measureAgain(SequencedMap<Key, Timed> layers, Count count) {
    for (int pass = 0; pass < MORE_PASSES; pass++) {
      Set<Key> doubtful = new LinkedHashSet<>();
      layers.forEach(
          (key, timed) -> {
            if (timed.isApart()) {
              doubtful.add(key);
            }
          });
      for (TableJudgement.Misfit misfit : TableJudgement.misfits(entries(layers))) {
        doubtful.add(misfit.dearer());
        doubtful.add(misfit.larger());
      }
      count.more(doubtful.size());
      for (Key key : doubtful) {
        Timed timed = layers.get(key);
        if (timed != null) {
          time(timed, count);
        }
      }
    }
  }

  private static SequencedMap<Key, Entry> entries(SequencedMap<Key, Timed> layers) {
    SequencedMap<Key, Entry> entries = new LinkedHashMap<>();
    layers.forEach(
        (key, timed) ->
            entries.put(
                key, new Entry(timed.best.medianMs(), timed.best.p90Ms(), timed.best.count())));
    return entries;
  }

  /**
   * The line through (sum of layers, measured network) by the median of all pairs' slopes (Theil
   * and Sen), which one bad measurement does not move. The random networks are spread between the
   * cheapest and the dearest, so that the slope is well determined.
   */
  private final class Calibration {
    private final List<Architecture> drawn;
    private final int batch;
    private final double[] measured;

    Calibration(List<Architecture> drawn, int batch) {
      this.drawn = drawn;
      this.batch = batch;
      measured = new double[drawn.size()];
      Arrays.fill(measured, Double.POSITIVE_INFINITY);
    }

    void time(int passes, Count count) {
      for (int pass = 0; pass < passes; pass++) {
        for (int i = 0; i < measured.length; i++) {
          measured[i] = Math.min(measured[i], timer.network(drawn.get(i), batch).ms(percentile));
          count.one();
        }
      }
    }

    LatencyTable fit(LatencyTable table) {
      return LatencyProfiler.fit(table, drawn, measured);
    }
  }

  /** The table with overhead and scale by networks that were measured whole. */
  static LatencyTable fit(LatencyTable table, List<Architecture> drawn, double[] measured) {
    double[] sums = drawn.stream().mapToDouble(table::predict).toArray();
    List<Double> slopes = new ArrayList<>();
    for (int i = 0; i < sums.length; i++) {
      for (int j = 0; j < i; j++) {
        if (sums[i] != sums[j]) {
          slopes.add((measured[i] - measured[j]) / (sums[i] - sums[j]));
        }
      }
    }
    double scale = slopes.isEmpty() ? 0 : median(slopes);
    if (!(scale > 0)) {
      // Networks too alike, or too noisy a machine: a line through the origin is the safer guess.
      scale = Arrays.stream(measured).sum() / Arrays.stream(sums).sum();
    }
    List<Double> overheads = new ArrayList<>();
    for (int i = 0; i < sums.length; i++) {
      overheads.add(measured[i] - scale * sums[i]);
    }
    return table.calibrated(median(overheads), scale);
  }

  private static double median(List<Double> values) {
    List<Double> sorted = values.stream().sorted().toList();
    int n = sorted.size();
    return (sorted.get((n - 1) / 2) + sorted.get(n / 2)) / 2;
  }

  /**
   * A network's predicted and measured latency.
   *
   * @param network what was measured
   * @param predictedMs by the table
   * @param measuredMs on this machine, the percentile of the profile
   */
  public record Check(Architecture network, double predictedMs, double measuredMs) {
    /** {@return (predicted - measured) / measured} */
    public double relativeError() {
      return (predictedMs - measuredMs) / measuredMs;
    }
  }

  /**
   * Measures random networks of a space against a table's predictions.
   *
   * @param table whose predictions are compared
   * @param space whose layers or networks are measured
   * @param networks how many random networks are measured
   * @param seed of the random networks
   * @return prediction and measurement of each network
   */
  public List<Check> check(LatencyTable table, Space space, int networks, long seed) {
    List<Check> compared = new ArrayList<>();
    for (Architecture network : spread(table, space, networks, seed)) {
      double measured = timer.network(network, table.setting().batch()).ms(percentile);
      compared.add(new Check(network, table.predict(network), measured));
      progress.accept(compared.size(), networks);
    }
    return List.copyOf(compared);
  }

  /**
   * Random networks: in each, every choice takes its cheapest candidate with a probability that
   * differs from network to network.
   */
  static List<Architecture> spread(LatencyTable table, Space space, int networks, long seed) {
    double[][] costs = meanCosts(table.costs(space));
    Rng rng = Rng.of(seed, 31);
    List<Architecture> drawn = new ArrayList<>();
    for (int n = 0; n < networks; n++) {
      double cheap = networks == 1 ? 0.5 : (double) n / (networks - 1);
      int[] decisions = new int[costs.length];
      for (int i = 0; i < decisions.length; i++) {
        int a = rng.nextInt(costs[i].length);
        int b = rng.nextInt(costs[i].length);
        boolean cheaper = rng.nextDouble() < cheap;
        decisions[i] = (costs[i][a] < costs[i][b]) == cheaper ? a : b;
      }
      drawn.add(space.derive(decisions));
    }
    return drawn;
  }

  /** What each option adds to the cost, the others being drawn alike. */
  private static double[][] meanCosts(ExpectedCost cost) {
    int[] options = cost.sum().options();
    double[][] alike = new double[options.length][];
    double[][] costs = new double[options.length][];
    for (int d = 0; d < options.length; d++) {
      costs[d] = new double[options[d]];
      alike[d] = new double[options[d]];
      Arrays.fill(alike[d], 1.0 / options[d]);
    }
    cost.gradient(alike, costs);
    return costs;
  }
}
