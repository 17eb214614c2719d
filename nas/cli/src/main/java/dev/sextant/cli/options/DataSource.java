package dev.sextant.cli.options;

import dev.sextant.nas.data.DataOptions;
import dev.sextant.nas.data.Datasets;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.provider.Options;
import dev.sextant.tensor.SextantException;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options that say which images. */
public final class DataSource {
  @Option(
      names = "--data",
      defaultValue = "builtin",
      description =
          "folder of images (IDX, CIFAR binary, or a folder a class), a pack of them, builtin[:N],"
              + " or NAME:LOCATION of an image source from outside; default: ${DEFAULT-VALUE}")
  private String data = "";

  @Mixin private ReadingOptions reading = new ReadingOptions();

  /** {@return the source as given} */
  public String source() {
    return data;
  }

  /** {@return how to read it} */
  public DataOptions options() {
    return reading.options();
  }

  /** {@return the values that were set of all but image sources} */
  public Map<String, String> others() {
    return reading.others();
  }

  /**
   * {@return the same for a command in which nothing else has options}
   *
   * @throws SextantException if another is set
   */
  public ImageDataset openAlone() {
    Options.check(others(), List.of());
    return open();
  }

  /** {@return the images} */
  public ImageDataset open() {
    return Datasets.open(data, options());
  }
}
