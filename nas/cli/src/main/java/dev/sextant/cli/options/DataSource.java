package dev.sextant.cli.options;

import dev.sextant.nas.data.DataOptions;
import dev.sextant.nas.data.Datasets;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.provider.Options;
import dev.sextant.tensor.SextantException;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options that say which images. */
public final class DataSource {
  @Option(
      names = "--data",
      description =
          "folder of images (IDX, CIFAR binary, or a folder a class), a pack of them, builtin[:N],"
              + " scenes:N (with boxes), a folder of COCO or"
              + " Pascal VOC, or NAME:LOCATION of an image source from outside; default: builtin,"
              + " for detectors scenes:1000")
  private @Nullable String data;

  private String otherwise = "builtin";

  @Mixin private ReadingOptions reading = new ReadingOptions();

  /** {@return the source as given, or the one that stands for it} */
  public String source() {
    return data == null ? otherwise : data;
  }

  /**
   * Takes another source where none is given.
   *
   * @param source in place of {@code builtin}
   */
  public void otherwise(String source) {
    otherwise = source;
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
    return Datasets.open(source(), options());
  }
}
