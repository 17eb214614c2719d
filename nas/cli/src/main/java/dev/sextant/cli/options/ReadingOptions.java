package dev.sextant.cli.options;

import dev.sextant.nas.data.DataFormat;
import dev.sextant.nas.data.DataOptions;
import dev.sextant.nas.data.ImageSources;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that say how images are read. */
public final class ReadingOptions {
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
}
