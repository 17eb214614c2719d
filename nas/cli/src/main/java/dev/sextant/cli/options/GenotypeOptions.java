package dev.sextant.cli.options;

import dev.sextant.nas.space.CellNetworks;
import dev.sextant.nas.space.GenotypeText;
import dev.sextant.runtime.Architecture;
import dev.sextant.tensor.SextantException;
import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How large the network is that a genotype's text is read as; it says itself only its cells. */
public final class GenotypeOptions {
  /** Those of the published networks on CIFAR-10. */
  private static final int WIDTH = 36;

  private static final int DEPTH = 20;
  private static final int CLASSES = 10;
  private static final Architecture.Input IMAGES = new Architecture.Input(32, 32, 3);

  @Option(
      names = "--width",
      paramLabel = "N",
      description = "of a genotype's network: channels of the first cells; default: " + WIDTH)
  private @Nullable Integer width;

  @Option(
      names = "--depth",
      paramLabel = "N",
      description = "of a genotype's network: cells; default: " + DEPTH)
  private @Nullable Integer depth;

  /**
   * {@return the network in a file: of an architecture, or of a genotype as {@code genotypes.py}
   * has it}
   *
   * @param file JSON, or the text of a genotype
   */
  public Architecture read(Path file) {
    return GenotypeText.read(file).map(this::network).orElseGet(() -> of(Architecture.read(file)));
  }

  private Architecture network(GenotypeText text) {
    return CellNetworks.small(
        text.name().isEmpty() ? "genotype" : text.name(),
        text.genotype(),
        IMAGES,
        CLASSES,
        width == null ? WIDTH : width,
        depth == null ? DEPTH : depth);
  }

  /**
   * {@return a network that has its size}
   *
   * @param architecture no genotype
   * @throws SextantException if another size is asked for
   */
  public Architecture of(Architecture architecture) {
    if (width != null || depth != null) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "width, depth: of a genotype's text alone; %s has its size",
              architecture.name()));
    }
    return architecture;
  }
}
