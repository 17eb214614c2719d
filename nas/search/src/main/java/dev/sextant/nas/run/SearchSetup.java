package dev.sextant.nas.run;

import dev.sextant.nas.data.DataOptions;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.tensor.Device;

/**
 * What a run that searches was asked to do.
 *
 * @param dataSource a folder, or {@code builtin}
 * @param space with the input and classes of the data
 * @param tableGiven whether the latency table came from the user: then the network found depends on
 *     seed and table alone, and is not corrected by what it measures
 * @param threads of training
 * @param latencyThreads of inference where it is measured
 * @param latencyBatch images at once, there
 */
public record SearchSetup(
    String dataSource,
    DataOptions dataOptions,
    SearchSpace space,
    SearchConfig config,
    boolean tableGiven,
    Device device,
    int threads,
    int latencyThreads,
    int latencyBatch) {
  /** Checks that the space is what the recipe is for. */
  public SearchSetup {
    config.recipe().checkSpace(space);
  }

  /** The same with other settings. */
  public SearchSetup with(SearchConfig other) {
    return new SearchSetup(
        dataSource,
        dataOptions,
        space,
        other,
        tableGiven,
        device,
        threads,
        latencyThreads,
        latencyBatch);
  }
}
