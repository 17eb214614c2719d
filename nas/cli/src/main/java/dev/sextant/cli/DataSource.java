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

  @Option(
      names = "--image-size",
      paramLabel = "PIXELS",
      description = "resize images to this: shorter side, then the centre")
  private int imageSize;

  @Option(
      names = "--nested-folders",
      description = "images in folders within a class folder belong to the class")
  private boolean nestedFolders;

  @Option(names = "--skip-damaged", description = "leave out image files that cannot be read")
  private boolean skipDamaged;

  @Option(
      names = "--follow-links",
      description = "also read what symbolic links out of the folder lead to")
  private boolean followLinks;

  /** As given. */
  String source() {
    return data;
  }

  /** How to read it. */
  DataOptions options() {
    DataOptions options =
        DataOptions.DEFAULT
            .withImageSize(imageSize)
            .withNestedFolders(nestedFolders)
            .withSkipDamaged(skipDamaged)
            .withFollowLinks(followLinks);
    return dataFormat == null ? options : options.withFormat(dataFormat);
  }

  /** The images. */
  ImageDataset open() {
    return Datasets.open(data, options());
  }
}
