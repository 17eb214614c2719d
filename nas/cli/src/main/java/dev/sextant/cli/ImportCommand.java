package dev.sextant.cli;

import dev.sextant.cli.options.GenotypeOptions;
import dev.sextant.cli.options.ImageSize;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.onnx.OnnxImport;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.CompiledModel;
import dev.sextant.runtime.Weights;
import dev.sextant.runtime.dag.GraphLayer;
import dev.sextant.tensor.SextantException;
import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code sextant import}. */
@Command(
    name = "import",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description =
        "Makes an architecture and weights of an ONNX file, as `eval` and others take them.")
final class ImportCommand implements Runnable {
  @Parameters(
      paramLabel = "MODEL.onnx|timm:FILE|torchvision:FILE",
      description =
          "a network that classifies images, or safetensors by the names of those libraries")
  private String model = "";

  @Option(
      names = "--architecture",
      paramLabel = "NAME|FILE",
      description = "of such weights: built-in name or JSON file")
  private @Nullable String network;

  @Mixin private GenotypeOptions genotype = new GenotypeOptions();

  @Option(names = "--out", required = true, paramLabel = "DIR", description = "absent or empty")
  private Path out = Path.of("");

  @Option(
      names = "--input",
      paramLabel = "HxWxC",
      converter = ImageSize.Converter.class,
      description = "image size, as in 224x224x3, where the file does not say it")
  private Architecture.@Nullable Input input;

  @Option(
      names = "--mean",
      paramLabel = "R,G,B",
      description = "of the training pixels from 0 to 1, where the file does not say it")
  private @Nullable String mean;

  @Option(
      names = "--deviation",
      paramLabel = "R,G,B",
      description = "of the training pixels, where the file does not say it")
  private @Nullable String deviation;

  @Override
  public void run() {
    RunDirectory directory = RunDirectory.create(out);
    GivenWeights read = read();
    Architecture architecture = read.architecture();
    Weights given = read.weights();
    if (mean != null) {
      given = given.withMetadata(CompiledModel.MEAN, mean);
    }
    if (deviation != null) {
      given = given.withMetadata(CompiledModel.DEVIATION, deviation);
    }
    Weights weights = given;
    // What the pixels' numbers are is checked before anything is written.
    CompiledModel.compile(architecture, weights).close();
    directory.begin(
        owner -> {
          RunDirectory.write(directory.architecture(), architecture.toJson());
          weights.write(directory.weights());
          owner.close();
          return architecture;
        });
    long graphs = architecture.layers().stream().filter(GraphLayer.class::isInstance).count();
    System.out.printf(
        Locale.ROOT,
        "%s  %d layers, %d of them graphs of operations; %,d parameters, %,d multiply-adds%n",
        architecture.name(),
        architecture.layers().size(),
        graphs,
        architecture.parameters(),
        architecture.macs());
    System.out.println("written to " + directory.path());
  }

  private GivenWeights read() {
    boolean foreign = GivenWeights.foreign(model).isPresent();
    if (foreign != (network != null)) {
      throw new SextantException(
          foreign
              ? model + ": give --architecture, the weights do not say it"
              : "architecture: an ONNX file has its own");
    }
    if (network == null) {
      OnnxImport read = OnnxImport.read(Path.of(model), input);
      return new GivenWeights(read.architecture(), read.weights());
    }
    Architecture named = Networks.architecture(network, genotype);
    return GivenWeights.of(model, input == null ? named : named.withInput(input, named.classes()));
  }
}
