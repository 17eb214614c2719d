package dev.sextant.nas.run;

import dev.sextant.nas.data.DataOptions;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.tensor.Device;

/**
 * What a run that searches was asked to do.
 *
 * @param dataSource a folder, or {@code builtin}
 * @param dataOptions how the images are read
 * @param space with the input and classes of the data
 * @param config the numbers of the run
 * @param tableGiven whether the latency table came from the user: then the network found depends on
 *     seed and table alone, and is not corrected by what it measures
 * @param device where supernet and networks are trained
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

  /**
   * {@return the same with other settings}
   *
   * @param other the numbers of the run
   */
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
