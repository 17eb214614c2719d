package dev.sextant.nas.space;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sextant.nas.cells.CellEncoding;
import dev.sextant.nas.cells.CellParameters;
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
        float[] images = Parity.images(network.input(), batch, i);
        Parity.assertClose(
            Parity.theirs(model, network.input(), images, batch),
            Parity.ours(network, weights, images, batch),
            1e-4,
            name + " " + i);
      }
    }
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
