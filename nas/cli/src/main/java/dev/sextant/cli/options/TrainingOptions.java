package dev.sextant.cli.options;

import static java.util.Objects.requireNonNullElse;

import dev.sextant.nas.method.BatchConfig;
import dev.sextant.nas.method.DescentConfig;
import dev.sextant.nas.method.Regularization;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that say how a single network is trained, alone or after a search. */
public final class TrainingOptions {
  @Option(names = "--batch", description = "images in a step; default: " + BatchConfig.SIZE)
  private @Nullable Integer batch;

  @Option(names = "--momentum", description = "default: " + DescentConfig.MOMENTUM)
  private @Nullable Double momentum;

  @Option(
      names = "--weight-decay",
      description = "of kernels; default: " + DescentConfig.WEIGHT_DECAY)
  private @Nullable Double weightDecay;

  @Option(
      names = "--clip",
      description =
          "limit of the gradients' norm; default: "
              + DescentConfig.CELL_CLIP
              + " in a search of cells and after it, else none")
  private @Nullable Double clip;

  @Option(names = "--label-smoothing", description = "default: " + BatchConfig.LABEL_SMOOTHING)
  private @Nullable Double labelSmoothing;

  @Option(
      names = "--augmentation",
      description = "none, light, cifar or imagenet; default: " + BatchConfig.AUGMENTATION)
  private @Nullable String augmentation;

  @Option(names = "--dropout", description = "before the classifier; default: 0")
  private @Nullable Double dropout;

  @Option(
      names = "--drop-path",
      description =
          "share of the paths through cells dropped at the end of training, from 0 at first;"
              + " default: 0 (DARTS: 0.2)")
  private @Nullable Double dropPath;

  @Option(
      names = "--auxiliary",
      description =
          "weight of the loss of a second classifier two thirds up a network of cells, for images"
              + " of 32x32; default: 0 (DARTS: 0.4)")
  private @Nullable Double auxiliary;

  /**
   * {@return how images come, but for what was given}
   *
   * @param otherwise what stands where no option is given
   */
  public BatchConfig batches(BatchConfig otherwise) {
    return new BatchConfig(
        requireNonNullElse(batch, otherwise.size()),
        requireNonNullElse(augmentation, otherwise.augmentation()),
        requireNonNullElse(labelSmoothing, otherwise.labelSmoothing()));
  }

  /**
   * {@return how weights follow their gradients, but for what was given}
   *
   * @param otherwise what stands where no option is given
   */
  public DescentConfig descent(DescentConfig otherwise) {
    return new DescentConfig(
        requireNonNullElse(momentum, otherwise.momentum()),
        requireNonNullElse(weightDecay, otherwise.weightDecay()),
        requireNonNullElse(clip, otherwise.clip()));
  }

  /**
   * {@return what is done against overfitting, but for what was given}
   *
   * @param otherwise what stands where no option is given
   */
  public Regularization regularization(Regularization otherwise) {
    return new Regularization(
        requireNonNullElse(dropout, otherwise.dropout()),
        requireNonNullElse(dropPath, otherwise.dropPath()),
        requireNonNullElse(auxiliary, otherwise.auxiliary()));
  }
}
