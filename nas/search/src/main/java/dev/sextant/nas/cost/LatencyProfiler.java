package dev.sextant.nas.cost;

import dev.sextant.nas.cost.LatencyTable.Entry;
import dev.sextant.nas.cost.LatencyTable.Key;
import dev.sextant.nas.cost.LatencyTable.Setting;
import dev.sextant.nas.space.LayerSum;
import dev.sextant.nas.space.Space;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Latency;
import dev.sextant.runtime.LatencyProfile;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
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

  private final LatencyProfile profile;
  private final BiConsumer<Integer, Integer> progress;

  /**
   * A profiler.
   *
   * @param profile device, threads and how long to measure
   * @param progress told how many measurements of how many are done
   */
  public LatencyProfiler(LatencyProfile profile, BiConsumer<Integer, Integer> progress) {
    this.profile = profile;
    this.progress = progress;
  }

  /**
   * {@return a table of every layer of a space}
   *
   * @param space whose layers or networks are measured
   * @param batch images at once
   * @param networks random networks to calibrate on, at least 2; 0 leaves the sums as they are
   * @param seed of the random networks
   */
  public LatencyTable measure(Space space, int batch, int networks, long seed) {
    SequencedMap<Key, Measured> layers = new LinkedHashMap<>();
    // The sum itself is nothing: it goes through every layer with every width that it can have.
    LayerSum.of(
        space,
        (layer, input) -> {
          if (!layer.isFree()) {
            layers.putIfAbsent(new Key(layer, input), new Measured(layer, input));
          }
          return 0;
        },
        0);
    SequencedMap<Key, Entry> entries = new LinkedHashMap<>();
    int total = PASSES * (layers.size() + networks);
    int done = 0;
    for (int pass = 0; pass < PASSES; pass++) {
      for (var layer : layers.entrySet()) {
        Measured measured = layer.getValue();
        Latency latency = profile.layer(measured.layer, measured.input.withBatch(batch));
        entries.merge(
            layer.getKey(),
            new Entry(latency.medianMs(), latency.p90Ms(), latency.count()),
            (one, other) -> one.ms() <= other.ms() ? one : other);
        progress.accept(++done, total);
      }
    }
    Setting setting =
        new Setting(machine(), "sextant", profile.device().toString(), profile.threads(), batch);
    LatencyTable table = new LatencyTable(setting, 0, 1, entries);
    return networks == 0 ? table : calibrate(table, space, networks, seed, done, total);
  }

  private record Measured(Layer layer, Shape input) {}

  /**
   * The line through (sum of layers, measured network) by the median of all pairs' slopes (Theil
   * and Sen), which one bad measurement does not move. The random networks are spread between the
   * cheapest and the dearest, so that the slope is well determined.
   */
  private LatencyTable calibrate(
      LatencyTable table, Space space, int networks, long seed, int done, int total) {
    List<Architecture> drawn = spread(table, space, networks, seed);
    double[] sums = drawn.stream().mapToDouble(table::predict).toArray();
    double[] measured = new double[networks];
    Arrays.fill(measured, Double.POSITIVE_INFINITY);
    for (int pass = 0; pass < PASSES; pass++) {
      for (int i = 0; i < networks; i++) {
        double ms = profile.network(drawn.get(i), table.setting().batch()).medianMs();
        measured[i] = Math.min(measured[i], ms);
        progress.accept(++done, total);
      }
    }
    List<Double> slopes = new ArrayList<>();
    for (int i = 0; i < networks; i++) {
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
    for (int i = 0; i < networks; i++) {
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
   * @param measuredMs median on this machine
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
      double measured = profile.network(network, table.setting().batch()).medianMs();
      compared.add(new Check(network, table.predict(network), measured));
      progress.accept(compared.size(), networks);
    }
    return List.copyOf(compared);
  }

  /**
   * Random networks: in each, every choice takes its cheapest candidate with a probability that
   * differs from network to network.
   */
  private static List<Architecture> spread(
      LatencyTable table, Space space, int networks, long seed) {
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

  private static String machine() {
    return "%s %s, %d processors"
        .formatted(
            System.getProperty("os.name"),
            System.getProperty("os.arch"),
            Runtime.getRuntime().availableProcessors());
  }
}
