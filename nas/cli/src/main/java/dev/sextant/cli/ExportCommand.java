package dev.sextant.cli;

import dev.sextant.cli.options.GenotypeOptions;
import dev.sextant.nas.run.OnnxFile;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.onnx.ExportOptions;
import dev.sextant.onnx.OnnxExport;
import dev.sextant.runtime.Architecture;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code sextant export}. */
@Command(
    name = "export",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Writes a trained network for other programs.")
final class ExportCommand implements Runnable {
  /** What can be written. */
  private enum Format {
    ONNX
  }

  @Parameters(
      paramLabel = "RUN|ARCHITECTURE",
      description = "directory of a run, or a built-in name or JSON file of an architecture")
  private String network = "";

  @Mixin private GenotypeOptions genotype = new GenotypeOptions();

  @Option(
      names = "--weights",
      paramLabel = "FILE",
      description = "safetensors, timm:FILE or torchvision:FILE; default: those of the run")
  private @Nullable String weights;

  @Option(
      names = "--format",
      defaultValue = "onnx",
      description = "onnx; default: ${DEFAULT-VALUE}")
  private Format format = Format.ONNX;

  @Option(
      names = "--out",
      paramLabel = "FILE",
      description = "default: model.onnx in the run, NAME.onnx of an architecture")
  private @Nullable Path out;

  @Option(
      names = "--batch",
      defaultValue = "dynamic",
      paramLabel = "N|dynamic",
      description = "images of one run; default: ${DEFAULT-VALUE}, any number")
  private String batch = "";

  @Option(
      names = "--keep-batch-norm",
      description = "as nodes of their own; default: folded into the convolutions")
  private boolean keepBatchNorm;

  @Option(
      names = "--pixels",
      description =
          "take unsigned bytes [N,H,W,C] and scale them inside; default: images [N,C,H,W]")
  private boolean pixels;

  @Option(
      names = "--halves",
      description = "keep weights as 16-bit floats, which are read into 32 bits")
  private boolean halves;

  @Override
  public void run() {
    boolean run = Files.isDirectory(Path.of(network));
    RunDirectory directory = new RunDirectory(Path.of(run ? network : ""));
    Architecture architecture =
        run
            ? Architecture.read(directory.architecture())
            : Networks.architecture(network, genotype);
    String source = weights != null ? weights : directory.weights().toString();
    if (!run && weights == null) {
      throw new SextantException(
          String.format(Locale.ROOT, "%s: give --weights FILE, it is no run", network));
    }
    List<Double> milliseconds = run ? OnnxFile.milliseconds(directory, architecture) : List.of();
    ExportOptions options =
        new ExportOptions(images(), keepBatchNorm, pixels, halves, milliseconds);
    Path file = out;
    if (file == null) {
      file = run ? directory.onnx(1) : Path.of(architecture.name() + ".onnx");
    }
    GivenWeights given = GivenWeights.of(source, architecture);
    OnnxExport.write(file, given.architecture(), given.weights(), options);
    System.out.printf(
        Locale.ROOT,
        "%s  %,d bytes, %s%n",
        file,
        size(file),
        milliseconds.isEmpty() ? "without latencies" : "with each layer's latency");
  }

  private int images() {
    if (batch.equals("dynamic")) {
      return ExportOptions.DYNAMIC;
    }
    try {
      int images = Integer.parseInt(batch);
      if (images > 0) {
        return images;
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw new SextantException(
        String.format(Locale.ROOT, "batch: '%s' is neither a number from 1 on nor dynamic", batch));
  }

  private static long size(Path file) {
    try {
      return Files.size(file);
    } catch (IOException e) {
      throw new SextantException(file + ": cannot be read (" + e.getMessage() + ")", e);
    }
  }
}
