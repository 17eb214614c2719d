package dev.sextant.nas.cost;

import dev.sextant.nas.provider.Options;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.runtime.Latency.Percentile;
import dev.sextant.tensor.Device;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What a cost is made from.
 *
 * @param space whose networks it is of
 * @param table the file that the user gave as {@code --table}, or null
 * @param options the values of the provider's own options
 * @param measuring how latencies are measured, where they are
 * @param seed of networks drawn to be measured
 * @param progress told of measurements as they are made
 */
public record CostRequest(
    SearchSpace space,
    @Nullable Path table,
    Options options,
    Measuring measuring,
    long seed,
    Progress progress) {
  /**
   * How latencies are measured.
   *
   * @param device of inference
   * @param threads of inference
   * @param batch images at once
   * @param predictorSamples networks of cells that a latency predictor is trained on
   * @param percentile of the latencies of whole networks
   */
  public record Measuring(
      Device device, int threads, int batch, int predictorSamples, Percentile percentile) {
    /**
     * Medians.
     *
     * @param device of inference
     * @param threads of inference
     * @param batch images at once
     * @param predictorSamples networks of cells that a latency predictor is trained on
     */
    public Measuring(Device device, int threads, int batch, int predictorSamples) {
      this(device, threads, batch, predictorSamples, Percentile.P50);
    }

    /** Networks of cells measured for a predictor where no number is given. */
    public static final int PREDICTOR_SAMPLES = 400;
  }
}
