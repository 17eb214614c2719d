package dev.sextant.cli;

import dev.sextant.cli.options.DataSource;
import dev.sextant.cli.options.GenotypeOptions;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.run.OnnxFile;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.train.Evaluation;
import dev.sextant.onnx.ExportOptions;
import dev.sextant.onnx.OnnxExport;
import dev.sextant.onnx.Quantization;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.AtomicFile;
import dev.sextant.runtime.Weights;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.nio.ByteBuffer;
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
  /** Training images that the steps of values are taken from. */
  private static final int CALIBRATED = 500;

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

  @Option(
      names = "--quantize",
      description =
          "weights and values in eight bits, their steps from 500 training images of --data; says"
              + " the accuracy on its test images before and after")
  private boolean quantize;

  @Option(
      names = "--calibration",
      defaultValue = "percentile",
      description =
          "what the largest step stands for: minmax, or percentile (99.99 %%); default:"
              + " ${DEFAULT-VALUE}")
  private Quantization.Rule calibration = Quantization.Rule.PERCENTILE;

  @Mixin private DataSource data = new DataSource();

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
    if (quantize) {
      byte[] bytes = quantized(given, options);
      AtomicFile.write(file, to -> to.write(ByteBuffer.wrap(bytes)));
    } else {
      OnnxExport.write(file, given.architecture(), given.weights(), options);
    }
    System.out.printf(
        Locale.ROOT,
        "%s  %,d bytes, %s%n",
        file,
        size(file),
        milliseconds.isEmpty() ? "without latencies" : "with each layer's latency");
  }

  private byte[] quantized(GivenWeights given, ExportOptions options) {
    ImageDataset images = data.openAlone();
    int count = Math.min(CALIBRATED, images.train().count());
    int size = images.train().imageBytes();
    byte[] pixels = new byte[count * size];
    for (int i = 0; i < count; i++) {
      // Evenly over all, as files may be sorted by class.
      int image = (int) ((long) i * images.train().count() / count);
      images.train().copyPixels(image, pixels, i * size);
    }
    double before = accuracy(given.architecture(), given.weights(), images);
    Quantization quantization =
        Quantization.of(given.architecture(), given.weights(), pixels, calibration);
    double after = accuracy(quantization.simulated(), quantization.weights(), images);
    System.out.printf(
        Locale.ROOT,
        "accuracy  %.2f%% in 32 bits, %.2f%% in 8 (%d images)%n",
        100 * before,
        100 * after,
        images.test().count());
    return OnnxExport.bytes(given.architecture(), given.weights(), options, quantization);
  }

  private static double accuracy(Architecture architecture, Weights weights, ImageDataset images) {
    return Evaluation.of(
            architecture,
            weights,
            images.test(),
            Device.CPU,
            Runtime.getRuntime().availableProcessors())
        .score();
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
