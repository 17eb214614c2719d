package dev.sextant.cli;

import picocli.CommandLine.Option;

/** The options that say how a single network is trained, alone or after a search. */
final class TrainingOptions {
  @Option(names = "--momentum", defaultValue = "0.9", description = "default: ${DEFAULT-VALUE}")
  private double momentum;

  @Option(
      names = "--weight-decay",
      defaultValue = "4e-5",
      description = "of kernels; default: ${DEFAULT-VALUE}")
  private double weightDecay;

  @Option(
      names = "--label-smoothing",
      defaultValue = "0.1",
      description = "default: ${DEFAULT-VALUE}")
  private double labelSmoothing;

  @Option(
      names = "--augmentation",
      defaultValue = "light",
      description = "none, light, cifar or imagenet; default: ${DEFAULT-VALUE}")
  private String augmentation = "";

  @Option(names = "--dropout", defaultValue = "0", description = "default: ${DEFAULT-VALUE}")
  private double dropout;

  @Option(
      names = "--drop-path",
      defaultValue = "0",
      description =
          "share of the paths through cells dropped at the end of training, from 0 at first;"
              + " default: ${DEFAULT-VALUE} (DARTS: 0.2)")
  private double dropPath;

  @Option(
      names = "--auxiliary",
      defaultValue = "0",
      description =
          "weight of the loss of a second classifier two thirds up a network of cells, for images"
              + " of 32x32; default: ${DEFAULT-VALUE} (DARTS: 0.4)")
  private double auxiliary;

  double momentum() {
    return momentum;
  }

  double weightDecay() {
    return weightDecay;
  }

  double labelSmoothing() {
    return labelSmoothing;
  }

  String augmentation() {
    return augmentation;
  }

  double dropout() {
    return dropout;
  }

  double dropPath() {
    return dropPath;
  }

  double auxiliary() {
    return auxiliary;
  }
}
