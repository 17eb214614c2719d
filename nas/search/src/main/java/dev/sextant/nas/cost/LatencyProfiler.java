package dev.sextant.nas.cost;

import dev.sextant.nas.cost.LatencyTable.Entry;
import dev.sextant.nas.cost.LatencyTable.Key;
import dev.sextant.nas.cost.LatencyTable.Setting;
import dev.sextant.nas.space.Position;
import dev.sextant.nas.space.Space;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Latency;
import dev.sextant.runtime.LatencyProfile;
import dev.sextant.runtime.Layer;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.Shape;
import java.util.ArrayList;
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
   * A table of every layer of a space.
   *
   * @param networks random networks to calibrate on, at least 2; 0 leaves the sums as they are
   */
  public LatencyTable measure(Space space, int batch, int networks, long seed) {
    SequencedMap<Key, Measured> layers = new LinkedHashMap<>();
    Shape[] inputs = space.inputShapes();
    for (int i = 0; i < inputs.length; i++) {
      Shape input = inputs[i];
      List<Layer> candidates =
          switch (space.positions().get(i)) {
            case Position.Fixed fixed -> List.of(fixed.layer());
            case Position.Choice choice -> choice.candidates();
          };
      for (Layer layer : candidates) {
        if (!(layer instanceof Layer.Skip)) {
          layers.putIfAbsent(LatencyTable.key(layer, input), new Measured(layer, input));
        }
      }
    }
    int total = layers.size() + networks;
    SequencedMap<Key, Entry> entries = new LinkedHashMap<>();
    for (var layer : layers.entrySet()) {
      Latency latency =
          profile.layer(layer.getValue().layer, layer.getValue().input.withBatch(batch));
      entries.put(layer.getKey(), new Entry(latency.medianMs(), latency.p90Ms(), latency.count()));
      progress.accept(entries.size(), total);
    }
    Setting setting =
        new Setting(machine(), "sextant", profile.device().toString(), profile.threads(), batch);
    LatencyTable table = new LatencyTable(setting, 0, 1, entries);
    return networks == 0 ? table : calibrate(table, space, networks, seed, entries.size());
  }

  private record Measured(Layer layer, Shape input) {}

  /**
   * Least squares of measured networks on their sums. The random networks are spread between the
   * cheapest and the dearest, so that the slope is well determined.
   */
  private LatencyTable calibrate(
      LatencyTable table, Space space, int networks, long seed, int done) {
    List<Comparison> compared = new ArrayList<>();
    for (Architecture network : spread(table, space, networks, seed)) {
      double measured = profile.network(network, table.setting().batch()).medianMs();
      compared.add(new Comparison(network, table.predict(network), measured));
      progress.accept(done + compared.size(), done + networks);
    }
    double meanX = compared.stream().mapToDouble(Comparison::predictedMs).average().orElse(0);
    double meanY = compared.stream().mapToDouble(Comparison::measuredMs).average().orElse(0);
    double covariance = 0;
    double variance = 0;
    for (Comparison c : compared) {
      covariance += (c.predictedMs - meanX) * (c.measuredMs - meanY);
      variance += (c.predictedMs - meanX) * (c.predictedMs - meanX);
    }
    double scale = variance > 0 && covariance > 0 ? covariance / variance : meanY / meanX;
    return table.calibrated(meanY - scale * meanX, scale);
  }

  /**
   * A network's predicted and measured latency.
   *
   * @param network what was measured
   * @param predictedMs by the table
   * @param measuredMs median on this machine
   */
  public record Comparison(Architecture network, double predictedMs, double measuredMs) {
    /** (predicted - measured) / measured. */
    public double relativeError() {
      return (predictedMs - measuredMs) / measuredMs;
    }
  }

  /** Measures random networks of a space against a table's predictions. */
  public List<Comparison> check(LatencyTable table, Space space, int networks, long seed) {
    List<Comparison> compared = new ArrayList<>();
    for (Architecture network : spread(table, space, networks, seed)) {
      double measured = profile.network(network, table.setting().batch()).medianMs();
      compared.add(new Comparison(network, table.predict(network), measured));
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
    ExpectedCost cost = table.costs(space);
    Rng rng = Rng.of(seed, 31);
    List<Architecture> drawn = new ArrayList<>();
    for (int n = 0; n < networks; n++) {
      double cheap = networks == 1 ? 0.5 : (double) n / (networks - 1);
      int[] decisions = new int[cost.choices()];
      for (int i = 0; i < decisions.length; i++) {
        double[] costs = cost.candidates(i);
        int a = rng.nextInt(costs.length);
        int b = rng.nextInt(costs.length);
        boolean cheaper = rng.nextDouble() < cheap;
        decisions[i] = (costs[a] < costs[b]) == cheaper ? a : b;
      }
      drawn.add(space.derive(decisions));
    }
    return drawn;
  }

  private static String machine() {
    return "%s %s, %d processors"
        .formatted(
            System.getProperty("os.name"),
            System.getProperty("os.arch"),
            Runtime.getRuntime().availableProcessors());
  }
}
