package dev.sextant.nas.space;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sextant.onnx.ExportOptions;
import dev.sextant.onnx.OnnxExport;
import dev.sextant.onnx.OnnxRuntime;
import dev.sextant.onnx.Parity;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Weights;
import dev.sextant.tensor.Rng;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Random networks of every built-in space in ONNX Runtime, on small images; {@code
 * -Dsextant.onnx.networks=200} for more of them than one.
 */
@Tag("long")
class OnnxSpacesTest {
  private static final int NETWORKS = Integer.getInteger("sextant.onnx.networks", 1);

  /**
   * Networks of cells cannot be drawn decision by decision; published ones are written elsewhere.
   */
  static List<String> spaces() {
    return SearchSpace.names().stream()
        .filter(name -> SearchSpace.named(name) instanceof Space)
        .filter(name -> !name.equals("proxyless-cifar-tree"))
        .toList();
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
      int[] options = space.options();
      int[] decisions = new int[options.length];
      for (int d = 0; d < decisions.length; d++) {
        decisions[d] = rng.nextInt(options[d]);
      }
      Architecture network = space.derive(decisions);
      Weights weights = Parity.weights(network, i);
      byte[] model = OnnxExport.bytes(network, weights, ExportOptions.DEFAULT);
      for (int batch : new int[] {1, 8}) {
        float[] images = Parity.images(network.input(), batch, i);
        Parity.assertClose(
            Parity.theirs(model, network.input(), images, batch),
            Parity.ours(network, weights, images, batch),
            1e-4,
            name + " " + i);
      }
    }
  }
}
