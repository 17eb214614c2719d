package dev.sextant.cli.options;

import dev.sextant.nas.data.DataFormat;
import dev.sextant.nas.data.DataOptions;
import dev.sextant.nas.data.Datasets;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.data.ImageSources;
import dev.sextant.nas.provider.Options;
import dev.sextant.tensor.SextantException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that say which images. */
public final class DataSource {
  @Option(
      names = "--data",
      defaultValue = "builtin",
      description =
          "folder of images (IDX, CIFAR binary, or a folder a class), builtin[:N], or NAME:LOCATION"
              + " of an image source from outside; default: ${DEFAULT-VALUE}")
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
      names = "--set",
      paramLabel = "PART.OPTION=VALUE",
      description =
          "an option of a policy, cost, objective or image source of its own; `sextant describe"
              + " --methods` lists them")
  private Map<String, String> values = new TreeMap<>();

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

  /** {@return the source as given} */
  public String source() {
    return data;
  }

  /** {@return how to read it} */
  public DataOptions options() {
    DataOptions options =
        DataOptions.DEFAULT
            .withImageSize(imageSize)
            .withNestedFolders(nestedFolders)
            .withSkipDamaged(skipDamaged)
            .withFollowLinks(followLinks)
            .withOwn(values(ImageSources.ALL.names(), true));
    return dataFormat == null ? options : options.withFormat(dataFormat);
  }

  /** {@return the values that were set of all but image sources} */
  public Map<String, String> others() {
    return values(ImageSources.ALL.names(), false);
  }

  private Map<String, String> values(List<String> parts, boolean of) {
    Map<String, String> chosen = new TreeMap<>(values);
    chosen.keySet().removeIf(name -> parts.contains(name.replaceFirst("\\..*", "")) != of);
    return chosen;
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
