package dev.sextant.cli;

import dev.sextant.tensor.Device;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that say where training runs. */
final class ComputeOptions {
  @Option(
      names = "--threads",
      converter = ThreadsConverter.class,
      description = "of training; default: all processors")
  private @Nullable Integer threads;

  @Option(
      names = "--device",
      defaultValue = "cpu",
      description = "cpu or cuda; default: ${DEFAULT-VALUE}")
  private String device = "";

  int threads() {
    return threads != null ? threads : Runtime.getRuntime().availableProcessors();
  }

  /** The device, if there is such a kind. */
  Device device() {
    return Device.parse(device);
  }
}
