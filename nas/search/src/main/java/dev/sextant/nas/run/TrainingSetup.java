package dev.sextant.nas.run;

import dev.sextant.nas.data.DataOptions;
import dev.sextant.nas.method.TrainingConfig;
import dev.sextant.runtime.Architecture;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.SextantException;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What a run that trains one network was asked to do.
 *
 * @param dataSource a folder, or {@code builtin}
 * @param dataOptions how to read it
 * @param architecture with the input and classes of the data
 * @param config the numbers of the training
 * @param device where to train
 * @param threads of training
 * @param classNames of the images, in the order of the logits; empty where a run was begun before
 *     they were kept
 * @param start the weights to begin with, or null for new ones
 */
public record TrainingSetup(
    String dataSource,
    DataOptions dataOptions,
    Architecture architecture,
    TrainingConfig config,
    Device device,
    int threads,
    List<String> classNames,
    @Nullable Start start) {
  /**
   * What a training begins with that goes on from a trained network.
   *
   * @param model where that was found, for a reader
   * @param weights the checksum of its weights, which the run's directory keeps
   * @param frozen how many of the first layers are not trained
   */
  public record Start(String model, String weights, int frozen) {}

  /** Checks what the parts do not check of each other. */
  public TrainingSetup {
    classNames = List.copyOf(classNames);
    if (start != null && (start.frozen < 0 || start.frozen >= architecture.layers().size())) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "freeze: %d is not between 0 and the %d layers before the classifier",
              start.frozen,
              architecture.layers().size() - 1));
    }
    if (start != null && start.frozen > 0 && config.regularization().auxiliary() > 0) {
      throw new SextantException("auxiliary: a second classifier is for networks trained whole");
    }
  }

  /**
   * A training that begins with new weights.
   *
   * @param dataSource a folder, or {@code builtin}
   * @param dataOptions how to read it
   * @param architecture with the input and classes of the data
   * @param config the numbers of the training
   * @param device where to train
   * @param threads of training
   */
  public TrainingSetup(
      String dataSource,
      DataOptions dataOptions,
      Architecture architecture,
      TrainingConfig config,
      Device device,
      int threads) {
    this(dataSource, dataOptions, architecture, config, device, threads, List.of(), null);
  }
}
