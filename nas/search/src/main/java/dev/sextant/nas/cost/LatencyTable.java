package dev.sextant.nas.cost;

import com.google.gson.JsonElement;
import dev.sextant.nas.space.Describe;
import dev.sextant.nas.space.LayerSum;
import dev.sextant.nas.space.Space;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Latency.Percentile;
import dev.sextant.runtime.layer.Field;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.LayerJson;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * What each layer costs on one machine, in milliseconds, and what networks cost besides: a
 * network's latency is overhead + scale x sum of its layers (ProxylessNAS, Appendix B and eq. 6).
 * Immutable.
 *
 * @param setting where and how it was measured
 * @param overheadMs what a network costs besides its layers, fitted on whole networks
 * @param scale how much dearer layers are inside a network than alone, fitted on whole networks
 * @param entries by layer and shapes
 * @param doubts a sentence for each thing that tells that the measurement was disturbed; none where
 *     it can be relied on
 */
public record LatencyTable(
    Setting setting,
    double overheadMs,
    double scale,
    SequencedMap<Key, Entry> entries,
    List<String> doubts)
    implements CostModel {
  /** Its file in the directory of a run. */
  public static final String FILE = "latency.json";

  /** More images at once than a network is measured with. */
  public static final int MOST_IMAGES = 1 << 16;

  /**
   * Where a table comes from.
   *
   * @param machine a name for a reader
   * @param runtime what ran the layers, such as {@code sextant}
   * @param device cpu, cuda ...
   * @param threads of the runtime
   * @param batch images at once
   * @param percentile of the latencies of whole networks, on which overhead and scale are fitted
   */
  public record Setting(
      String machine,
      String runtime,
      String device,
      int threads,
      int batch,
      Percentile percentile) {
    /**
     * Of medians.
     *
     * @param machine a name for a reader
     * @param runtime what ran the layers, such as {@code sextant}
     * @param device cpu, cuda ...
     * @param threads of the runtime
     * @param batch images at once
     */
    public Setting(String machine, String runtime, String device, int threads, int batch) {
      this(machine, runtime, device, threads, batch, Percentile.P50);
    }
  }

  /**
   * A layer on an input: what its latency depends on. Whether a convolution has a batch norm makes
   * no difference, as it is folded.
   *
   * @param layer without its batch norm
   * @param input {@code [1, H, W, C]} or {@code [1, C]}
   */
  public record Key(Layer layer, Shape input) {
    /** Leaves out what makes no difference. */
    public Key {
      layer = LayerJson.with(layer, Field.NORM, true);
    }

    /** The key without an activation, which stands for any that has no entry of its own. */
    Key withoutActivation() {
      return new Key(LayerJson.with(layer, Field.ACTIVATION, Activation.IDENTITY), input);
    }

    /** {@return all that tells it from another layer of the same shapes} */
    public String label() {
      JsonElement activation = LayerJson.write(layer, input).get(Field.ACTIVATION);
      return activation == null || layer.equals(withoutActivation().layer)
          ? layer.label()
          : layer.label() + " " + activation.getAsString();
    }

    /** As in {@code mbconv 5x5 e6 s2 28x28x24 -> 14x14x40}. */
    @Override
    public String toString() {
      return String.format(
          Locale.ROOT, "%s %s -> %s", layer.label(), image(input), image(layer.output(input)));
    }

    /** The extents of an image or a vector, as in {@code 28x28x24}. */
    static String image(Shape shape) {
      List<String> extents = new ArrayList<>();
      for (int i = 1; i < shape.rank(); i++) {
        extents.add(Integer.toString(shape.get(i)));
      }
      return String.join("x", extents);
    }
  }

  /**
   * A measured latency.
   *
   * @param ms median, or mean where a table imported from elsewhere has that
   * @param p90Ms ninth decile; equal to {@code ms} where unknown
   * @param count samples
   */
  public record Entry(double ms, double p90Ms, long count) {
    /** Checks that the latency is a number. */
    public Entry {
      if (!(ms >= 0 && ms < 1e9) || !(p90Ms >= 0 && p90Ms < 1e9) || count < 0) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "latency: %s ms (p90 %s, count %d) is out of range",
                ms,
                p90Ms,
                count));
      }
    }
  }

  /**
   * A table that nothing is known against.
   *
   * @param setting where and how it was measured
   * @param overheadMs what a network costs besides its layers
   * @param scale how much dearer layers are inside a network than alone
   * @param entries by layer and shapes
   */
  public LatencyTable(
      Setting setting, double overheadMs, double scale, SequencedMap<Key, Entry> entries) {
    this(setting, overheadMs, scale, entries, List.of());
  }

  /** Copies the entries and checks the calibration. */
  public LatencyTable {
    entries = new LinkedHashMap<>(entries);
    doubts = List.copyOf(doubts);
    if (!(scale > 0 && scale < 1e6) || !(Math.abs(overheadMs) < 1e9)) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "latency table: scale %s or overhead %s ms is out of range",
              scale,
              overheadMs));
    }
  }

  /**
   * {@return milliseconds of a layer inside a network: scale x its entry; 0 for what computes
   * nothing}
   *
   * @param layer a layer of a network
   * @param input shape of the layer's input, batch 1
   * @throws SextantException naming the layer if the table does not have it
   */
  public double ms(Layer layer, Shape input) {
    if (layer.isFree()) {
      return 0;
    }
    Key key = new Key(layer, input);
    Entry entry = entry(key);
    if (entry == null) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "latency table of %s (%s): no entry for %s; measure it with `sextant profile`",
              setting.machine,
              setting.runtime,
              key));
    }
    return scale * entry.ms;
  }

  /**
   * {@return whether {@link #ms} knows a layer}
   *
   * @param layer a layer of a network
   * @param input shape of the layer's input, batch 1
   */
  public boolean has(Layer layer, Shape input) {
    return layer.isFree() || entry(new Key(layer, input)) != null;
  }

  private @Nullable Entry entry(Key key) {
    Entry entry = entries.get(key);
    return entry == null ? entries.get(key.withoutActivation()) : entry;
  }

  /** {@return what {@link #ms} and the overhead are, for a description of networks} */
  public Describe.Prices prices() {
    return new Describe.Prices(this::ms, overheadMs);
  }

  /**
   * {@return predicted milliseconds of a network; throws as {@link #ms} does}
   *
   * @param architecture the network
   */
  public double predict(Architecture architecture) {
    List<Shape> shapes = architecture.shapes();
    double sum = overheadMs;
    for (int i = 0; i < architecture.layers().size(); i++) {
      sum += ms(architecture.layers().get(i), shapes.get(i));
    }
    return sum;
  }

  /** {@inheritDoc} Throws as {@link #ms} does. */
  @Override
  public ExpectedCost costs(Space space) {
    return new ExpectedCost(LayerSum.of(space, this::ms, overheadMs));
  }

  @Override
  public void keep(Path directory) {
    LatencyFiles.write(this, directory.resolve(FILE));
  }

  @Override
  public CostUnit unit() {
    return CostUnit.MILLISECONDS;
  }

  /**
   * {@return the same entries with another calibration}
   *
   * @param newOverheadMs milliseconds of a network besides its layers
   * @param newScale what sums of entries are multiplied by
   */
  public LatencyTable calibrated(double newOverheadMs, double newScale) {
    return new LatencyTable(setting, newOverheadMs, newScale, entries, doubts);
  }

  /**
   * {@return the same with these doubts}
   *
   * @param found a sentence each
   */
  public LatencyTable withDoubts(List<String> found) {
    return new LatencyTable(setting, overheadMs, scale, entries, found);
  }

  /**
   * {@return the same with every prediction that many times as large}
   *
   * @param ratio what predictions are multiplied by, above 0
   */
  public LatencyTable corrected(double ratio) {
    return calibrated(overheadMs * ratio, scale * ratio);
  }

  /** {@return unmodifiable view of the entries} */
  @Override
  public SequencedMap<Key, Entry> entries() {
    return java.util.Collections.unmodifiableSequencedMap(entries);
  }
}
