package dev.sextant.cli.options;

import dev.sextant.tensor.Device;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that say where training runs. */
public final class ComputeOptions {
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

  /** {@return how many workers share each kernel: as given, else one for each processor} */
  public int threads() {
    return threads != null ? threads : Runtime.getRuntime().availableProcessors();
  }

  /** {@return the device, if there is such a kind} */
  public Device device() {
    return Device.parse(device);
  }
}
