package dev.sextant.nas.space;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sextant.nas.cells.CellEncoding;
import dev.sextant.nas.cells.CellParameters;
import dev.sextant.nas.data.Datasets;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.data.TestData;
import dev.sextant.onnx.ExportOptions;
import dev.sextant.onnx.OnnxExport;
import dev.sextant.onnx.OnnxImport;
import dev.sextant.onnx.OnnxRuntime;
import dev.sextant.onnx.Parity;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Architectures;
import dev.sextant.runtime.Weights;
import dev.sextant.runtime.image.Pixels;
import dev.sextant.runtime.image.Resampler;
import dev.sextant.tensor.Rng;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Random networks of every built-in space in ONNX Runtime, on small images, and built-in
 * architectures as they are; the images are photographs where these are at hand. {@code
 * -Dsextant.onnx.networks=200} for more networks than one and for all architectures, {@code
 * -Dsextant.onnx.out=DIR} to keep the files of architectures.
 */
@Tag("long")
class OnnxSpacesTest {
  private static final int NETWORKS = Integer.getInteger("sextant.onnx.networks", 1);

  private static final Optional<ImageDataset> PHOTOGRAPHS =
      TestData.found("cifar10-jpeg").map(Datasets::open);

  static List<String> spaces() {
    return SearchSpace.names();
  }

  @ParameterizedTest
  @MethodSource("spaces")
  void logitsAgree(String name) {
    assumeTrue(OnnxRuntime.missing().isEmpty(), () -> OnnxRuntime.missing().orElse(""));
    SearchSpace named = SearchSpace.named(name);
    int side = named.input().height() > 64 ? 64 : named.input().height();
    SearchSpace space =
        named.withInput(
            new Architecture.Input(side, side, named.input().channels()), named.classes());
    Rng rng = new Rng(5);
    for (int i = 0; i < NETWORKS; i++) {
      Architecture network = random(space, rng);
      // A tree of many sums would pass what floats hold.
      Weights weights = Parity.weights(network, i, name.endsWith("tree") ? 0.4f : 1);
      byte[] model = OnnxExport.bytes(network, weights, ExportOptions.DEFAULT);
      for (int batch : new int[] {1, 8}) {
        float[] images = images(network.input(), batch, i);
        Parity.assertClose(
            Parity.theirs(model, network.input(), images, batch),
            Parity.ours(network, weights, images, batch),
            1e-4,
            name + " " + i);
      }
    }
  }

  static List<String> architectures() {
    return NETWORKS > 1 ? Architectures.names() : List.of("mobilenet-v3-small", "proxyless-mobile");
  }

  /** Whole, and read back again: to the bit where nothing was folded. */
  @ParameterizedTest
  @MethodSource("architectures")
  void architecturesAgreeWhole(String name) throws IOException {
    assumeTrue(OnnxRuntime.missing().isEmpty(), () -> OnnxRuntime.missing().orElse(""));
    Architecture network = Architectures.named(name);
    // Random weights of 90 layers with h-swish magnify what rounding leaves (4e-5 to 3e-4 of the
    // largest number with gains of 1).
    Weights weights = Parity.weights(network, 7, network.detects() ? 0.7f : 1);
    byte[] model = OnnxExport.bytes(network, weights, ExportOptions.DEFAULT);
    String out = System.getProperty("sextant.onnx.out");
    if (out != null) {
      Files.write(Path.of(out, name + ".onnx"), model);
    }
    for (int batch : new int[] {1, 8}) {
      float[] images = images(network.input(), batch, batch);
      float[] ours = Parity.ours(network, weights, images, batch);
      float[] theirs = Parity.theirs(model, network.input(), images, batch);
      Parity.assertClose(theirs, ours, 1e-4, name);
      System.out.printf(
          Locale.ROOT, "onnx: %s, batch %d: %.1e%n", name, batch, apart(theirs, ours));
    }
    if (network.detects()) {
      return; // Predictions of boxes are written and not read.
    }
    byte[] kept = OnnxExport.bytes(network, weights, ExportOptions.DEFAULT.keepingBatchNorm());
    float[] images = images(network.input(), 1, 1);
    float[] ours = Parity.ours(network, weights, images, 1);
    OnnxImport whole = OnnxImport.of(kept, name, null);
    float[] again = Parity.ours(whole.architecture(), whole.weights(), images, 1);
    OnnxImport folded = OnnxImport.of(model, name, null);
    float[] close = Parity.ours(folded.architecture(), folded.weights(), images, 1);
    Parity.assertClose(ours, again, 1e-5, name);
    Parity.assertClose(ours, close, 1e-5, name);
    System.out.printf(
        Locale.ROOT,
        "onnx: %s again: %s with batch norms, %.1e without%n",
        name,
        Arrays.equals(ours, again) ? "to the bit" : String.valueOf(apart(ours, again)),
        apart(ours, close));
  }

  private static double apart(float[] expected, float[] actual) {
    double most = 0;
    double largest = 1e-30;
    for (int i = 0; i < expected.length; i++) {
      most = Math.max(most, Math.abs(expected[i] - actual[i]));
      largest = Math.max(largest, Math.abs(expected[i]));
    }
    return most / largest;
  }

  /**
   * Photographs at a network's size, normalised; noise where there are none or in other colours.
   */
  private static float[] images(Architecture.Input input, int batch, int from) {
    if (PHOTOGRAPHS.isEmpty() || input.channels() != 3) {
      return Parity.images(input, batch, from);
    }
    ImageDataset data = PHOTOGRAPHS.get();
    byte[] pixels = new byte[data.test().imageBytes()];
    byte[] stretched = new byte[input.height() * input.width() * 3];
    float[] images = new float[batch * stretched.length];
    for (int i = 0; i < batch; i++) {
      data.test().copyPixels(from + i, pixels, 0);
      Resampler.stretch(
          new Pixels(data.height(), data.width(), 3, pixels),
          input.height(),
          input.width(),
          stretched,
          0);
      for (int j = 0; j < stretched.length; j++) {
        float value = (stretched[j] & 0xff) / 255f;
        images[i * stretched.length + j] =
            (value - data.normalization().mean()[j % 3]) / data.normalization().deviation()[j % 3];
      }
    }
    return images;
  }

  private static Architecture random(SearchSpace space, Rng rng) {
    if (space instanceof CellNetworkSpace cells) {
      CellParameters uniform = CellParameters.zeros(cells.cells());
      return cells.network(
          new Genotype(CellEncoding.sample(uniform, 1, rng), CellEncoding.sample(uniform, 2, rng)));
    }
    int[] options = space.options();
    int[] decisions = new int[options.length];
    for (int d = 0; d < decisions.length; d++) {
      decisions[d] = rng.nextInt(options[d]);
    }
    return space.derive(decisions);
  }
}
