package dev.sextant.cli;

import dev.sextant.nas.data.DataFormat;
import dev.sextant.nas.data.DataOptions;
import dev.sextant.nas.data.Datasets;
import dev.sextant.nas.data.ImageDataset;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that say which images. */
final class DataSource {
  @Option(
      names = "--data",
      defaultValue = "builtin",
      description =
          "folder of images (IDX, CIFAR binary, or a folder a class), or builtin[:N]; default:"
              + " ${DEFAULT-VALUE}")
  private String data = "";

  @Option(
      names = "--data-format",
      description = "instead of recognising it: ${COMPLETION-CANDIDATES}")
  private @Nullable DataFormat dataFormat;

  @Option(names = "--image-size", description = "resize images of a folder to this many pixels")
  private int imageSize;

  /** As given. */
  String source() {
    return data;
  }

  /** How to read it. */
  DataOptions options() {
    DataOptions options = DataOptions.DEFAULT.withImageSize(imageSize);
    return dataFormat == null ? options : options.withFormat(dataFormat);
  }

  /** The images. */
  ImageDataset open() {
    return Datasets.open(data, options());
  }
}
