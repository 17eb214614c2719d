package dev.sextant.cli;

import dev.sextant.cli.options.ReadingOptions;
import dev.sextant.nas.data.Datasets;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.provider.Options;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code sextant pack}. */
@Command(
    name = "pack",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description =
        "Writes images into one file that is mapped, not read: --data FILE then trains on more than"
            + " the memory holds, to the same bits.")
final class PackCommand implements Runnable {
  @Parameters(
      paramLabel = "DATA",
      description = "folder of images, builtin[:N], or NAME:LOCATION, as for --data")
  private String data = "";

  @Mixin private ReadingOptions reading = new ReadingOptions();

  @Option(names = "--out", required = true, paramLabel = "FILE", description = "of the pack")
  private Path out = Path.of("");

  @Option(
      names = "--compressed",
      description = "keep PNG and JPEG files as they are: smaller, and decoded in every epoch")
  private boolean compressed;

  @Override
  public void run() {
    Options.check(reading.others(), List.of());
    ImageDataset packed = Datasets.pack(data, reading.options(), out, compressed);
    System.out.println("data      " + packed);
    System.out.println("          " + packed.normalization());
    try {
      System.out.printf(
          Locale.ROOT, "written to %s (%.1f MiB)%n", out, Files.size(out) / (double) (1 << 20));
    } catch (IOException e) {
      throw new SextantException(out + ": is gone", e);
    }
  }
}
