package dev.sextant.nas.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sextant.nas.data.DataOptions;
import dev.sextant.nas.data.Datasets;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.data.Images;
import dev.sextant.nas.data.TestData;
import dev.sextant.nas.method.BatchConfig;
import dev.sextant.nas.method.DescentConfig;
import dev.sextant.nas.method.Regularization;
import dev.sextant.nas.method.TrainingConfig;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.TrainingSetup;
import dev.sextant.onnx.ExportOptions;
import dev.sextant.onnx.OnnxExport;
import dev.sextant.onnx.OnnxRuntime;
import dev.sextant.onnx.Quantization;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Weights;
import dev.sextant.tensor.Device;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Trained networks in eight bits: as accurate in ONNX Runtime as our simulation says. */
@Tag("long")
class QuantizedAccuracyTest {
  private static final int CALIBRATED = 200;

  @TempDir private Path folder;

  private static Architecture network(ImageDataset data) {
    return Architecture.parse(
            """
            {"format": "sextant-architecture/1", "name": "small", "classes": 10,
             "input": {"height": 28, "width": 28, "channels": 1},
             "layers": [
               {"op": "conv", "kernel": 3, "stride": 2, "out": 12, "norm": "batch", "act": "relu6"},
               {"op": "mbconv", "kernel": 3, "expand": 3, "out": 12},
               {"op": "mbconv", "kernel": 5, "expand": 4, "stride": 2, "out": 20},
               {"op": "conv", "kernel": 1, "out": 64, "norm": "batch", "act": "relu6"},
               {"op": "global-avg-pool"}, {"op": "linear", "out": 10}]}
            """,
            "small")
        .withInput(
            new Architecture.Input(data.height(), data.width(), data.channels()), data.classes());
  }

  private Weights trained(Architecture network, ImageDataset data) {
    TrainingSetup setup =
        new TrainingSetup(
            data.name(),
            DataOptions.DEFAULT,
            network,
            new TrainingConfig(
                0,
                2,
                0.1,
                new BatchConfig(32, "none", 0),
                new DescentConfig(0.9, 0, 0),
                Regularization.NONE),
            Device.CPU,
            1,
            data.classNames(),
            null);
    RunDirectory directory = RunDirectory.create(folder.resolve("run"));
    try (TrainingRun run = TrainingRun.start(directory, setup, data, 60, Progress.NONE)) {
      run.run();
    }
    return Weights.read(folder.resolve("run").resolve("weights.safetensors"));
  }

  @ParameterizedTest
  @CsvSource({"fashion-mnist, 28, 60", "cifar10-jpeg, 16, 25"})
  void oursAndTheirs(String name, int side, int learnt) {
    assumeTrue(OnnxRuntime.missing().isEmpty(), () -> OnnxRuntime.missing().orElse(""));
    ImageDataset data = Datasets.open(TestData.real(name)).withTraining(3000);
    data = data.height() == side ? data : data.resized(side);
    Architecture network = network(data);
    Weights weights = trained(network, data);
    byte[] pixels = pixels(data.train(), CALIBRATED);
    Images test = first(data.test(), 2000);
    double exact = 100 * Evaluation.of(network, weights, test, Device.CPU, 1).score();
    assertTrue(exact > learnt, () -> "no more than " + exact + " % before");
    for (Quantization.Rule rule : Quantization.Rule.values()) {
      Quantization rounded = Quantization.of(network, weights, pixels, rule);
      double ours =
          100 * Evaluation.of(rounded.simulated(), rounded.weights(), test, Device.CPU, 1).score();
      double theirs = 100 * theirs(network, weights, rounded, test);
      assertEquals(ours, theirs, 0.3, rule + ", the network itself " + exact);
      assertEquals(exact, ours, 2, rule + " against the network itself");
    }
  }

  private static double theirs(
      Architecture network, Weights weights, Quantization rounded, Images test) {
    byte[] model =
        OnnxExport.bytes(network, weights, ExportOptions.DEFAULT.takingPixels(), rounded);
    try (OnnxRuntime runtime = new OnnxRuntime(model)) {
      float[] logits =
          runtime.run(
              pixels(test, test.count()),
              test.count(),
              test.height(),
              test.width(),
              test.channels());
      int classes = network.classes();
      int correct = 0;
      for (int i = 0; i < test.count(); i++) {
        int first = 0;
        for (int c = 1; c < classes; c++) {
          first = logits[i * classes + c] > logits[i * classes + first] ? c : first;
        }
        correct += first == test.label(i) ? 1 : 0;
      }
      return (double) correct / test.count();
    }
  }

  private static Images first(Images images, int count) {
    int[] labels = new int[count];
    for (int i = 0; i < count; i++) {
      labels[i] = images.label(i);
    }
    return Images.of(
        images.height(), images.width(), images.channels(), pixels(images, count), labels);
  }

  private static byte[] pixels(Images images, int count) {
    byte[] pixels = new byte[count * images.imageBytes()];
    for (int i = 0; i < count; i++) {
      images.copyPixels(i, pixels, i * images.imageBytes());
    }
    return pixels;
  }
}
