package dev.sextant.nas.cost;

import dev.sextant.nas.space.Describe;
import dev.sextant.nas.space.LayerSum;
import dev.sextant.nas.space.Space;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Cell;
import dev.sextant.runtime.Layer;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.nio.file.Path;
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
 */
public record LatencyTable(
    Setting setting, double overheadMs, double scale, SequencedMap<Key, Entry> entries)
    implements CostModel {
  /** Its file in the directory of a run. */
  public static final String FILE = "latency.json";

  /**
   * Where a table comes from.
   *
   * @param machine a name for a reader
   * @param runtime what ran the layers, such as {@code sextant}
   * @param device cpu, cuda ...
   * @param threads of the runtime
   * @param batch images at once
   */
  public record Setting(String machine, String runtime, String device, int threads, int batch) {}

  /**
   * A layer on an input: what its latency depends on.
   *
   * @param op as in the JSON of architectures, such as {@code mbconv}
   * @param activation in lower case, or empty for any
   */
  public record Key(
      String op,
      int inHeight,
      int inWidth,
      int inChannels,
      int outHeight,
      int outWidth,
      int outChannels,
      int expand,
      int kernel,
      int stride,
      int dilation,
      double squeezeExcite,
      String activation,
      boolean residual) {
    /** The same key for any activation. */
    Key anyActivation() {
      return new Key(
          op,
          inHeight,
          inWidth,
          inChannels,
          outHeight,
          outWidth,
          outChannels,
          expand,
          kernel,
          stride,
          dilation,
          squeezeExcite,
          "",
          residual);
    }

    /** As in {@code mbconv 5x5 e6 s2 28x28x24 -> 14x14x40}. */
    @Override
    public String toString() {
      return "%s%s%s%s %dx%dx%d -> %dx%dx%d"
          .formatted(
              op,
              kernel > 0 ? " %dx%d".formatted(kernel, kernel) : "",
              expand > 0 ? " e" + expand : "",
              stride > 1 ? " s" + stride : "",
              inHeight,
              inWidth,
              inChannels,
              outHeight,
              outWidth,
              outChannels);
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
            "latency: %s ms (p90 %s, count %d) is out of range".formatted(ms, p90Ms, count));
      }
    }
  }

  /** Copies the entries and checks the calibration. */
  public LatencyTable {
    entries = new LinkedHashMap<>(entries);
    if (!(scale > 0 && scale < 1e6) || !(Math.abs(overheadMs) < 1e9)) {
      throw new SextantException(
          "latency table: scale %s or overhead %s ms is out of range".formatted(scale, overheadMs));
    }
  }

  /** The key of a layer on an input {@code [1, H, W, C]} or {@code [1, C]}. */
  public static Key key(Layer layer, Shape input) {
    Shape output = layer.output(input);
    return switch (layer) {
      case Layer.Conv l ->
          key("conv", input, output, 0, l.kernel(), l.stride(), l.dilation(), 0, l.activation());
      case Layer.Depthwise l ->
          key(
              "depthwise",
              input,
              output,
              0,
              l.kernel(),
              l.stride(),
              l.dilation(),
              0,
              l.activation());
      case Layer.Separable l ->
          key(
              "separable",
              input,
              output,
              0,
              l.kernel(),
              l.stride(),
              l.dilation(),
              0,
              l.activation());
      case Layer.MbConv l -> {
        Key key =
            key(
                "mbconv",
                input,
                output,
                l.expand(),
                l.kernel(),
                l.stride(),
                1,
                l.squeezeExcite(),
                l.activation());
        yield l.residual() ? residual(key) : key;
      }
      case Layer.Pool l ->
          key(
              l.max() ? "max-pool" : "avg-pool",
              input,
              output,
              0,
              l.kernel(),
              l.stride(),
              1,
              0,
              null);
      case Layer.Junction junction ->
          key(junction.kind().word(), input, output, 0, 0, 1, 1, 0, null);
      case Layer.Skip _ -> key("skip", input, output, 0, 0, 1, 1, 0, null);
      case Layer.Zero _ -> key("zero", input, output, 0, 0, 1, 1, 0, null);
      case Layer.GlobalAvgPool _ -> key("global-avg-pool", input, output, 0, 0, 1, 1, 0, null);
      case Cell cell ->
          key(
              "cell %s, older %s".formatted(cell.graph(), cell.olderInput(input)),
              input,
              output,
              0,
              0,
              cell.stride(),
              1,
              0,
              null);
      case Layer.Linear l ->
          key(
              "linear",
              input,
              output,
              0,
              0,
              1,
              1,
              0,
              l.activation() == Activation.IDENTITY ? null : l.activation());
    };
  }

  private static Key key(
      String op,
      Shape in,
      Shape out,
      int expand,
      int kernel,
      int stride,
      int dilation,
      double squeezeExcite,
      @Nullable Activation activation) {
    return new Key(
        op,
        in.rank() == 4 ? in.get(1) : 1,
        in.rank() == 4 ? in.get(2) : 1,
        in.channels(),
        out.rank() == 4 ? out.get(1) : 1,
        out.rank() == 4 ? out.get(2) : 1,
        out.channels(),
        expand,
        kernel,
        stride,
        dilation,
        squeezeExcite,
        activation == null ? "" : activation.name().toLowerCase(Locale.ROOT),
        false);
  }

  private static Key residual(Key key) {
    return new Key(
        key.op,
        key.inHeight,
        key.inWidth,
        key.inChannels,
        key.outHeight,
        key.outWidth,
        key.outChannels,
        key.expand,
        key.kernel,
        key.stride,
        key.dilation,
        key.squeezeExcite,
        key.activation,
        true);
  }

  /**
   * Milliseconds of a layer inside a network: scale x its entry; 0 for what computes nothing.
   *
   * @throws SextantException naming the layer if the table does not have it
   */
  public double ms(Layer layer, Shape input) {
    if (layer.isFree()) {
      return 0;
    }
    Key key = key(layer, input);
    Entry entry = entries.get(key);
    if (entry == null) {
      entry = entries.get(key.anyActivation());
    }
    if (entry == null) {
      throw new SextantException(
          "latency table of %s (%s): no entry for %s; measure it with `sextant profile`"
              .formatted(setting.machine, setting.runtime, key));
    }
    return scale * entry.ms;
  }

  /** What {@link #ms} and the overhead are, for a description of networks. */
  public Describe.Prices prices() {
    return new Describe.Prices(this::ms, overheadMs);
  }

  /** Predicted milliseconds of a network; throws as {@link #ms} does. */
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

  /** The same entries with another calibration. */
  public LatencyTable calibrated(double newOverheadMs, double newScale) {
    return new LatencyTable(setting, newOverheadMs, newScale, entries);
  }

  /** The same with every prediction that many times as large. */
  public LatencyTable corrected(double ratio) {
    return calibrated(overheadMs * ratio, scale * ratio);
  }

  /** Unmodifiable view of the entries. */
  @Override
  public SequencedMap<Key, Entry> entries() {
    return java.util.Collections.unmodifiableSequencedMap(entries);
  }
}
