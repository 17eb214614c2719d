package dev.sextant.nas.run;

import dev.sextant.nas.data.DataOptions;
import dev.sextant.nas.method.TrainingConfig;
import dev.sextant.runtime.Architecture;
import dev.sextant.tensor.Device;

/**
 * What a run that trains one network was asked to do.
 *
 * @param dataSource a folder, or {@code builtin}
 * @param dataOptions how to read it
 * @param architecture with the input and classes of the data
 * @param config the numbers of the training
 * @param device where to train
 * @param threads of training
 */
public record TrainingSetup(
    String dataSource,
    DataOptions dataOptions,
    Architecture architecture,
    TrainingConfig config,
    Device device,
    int threads) {}
