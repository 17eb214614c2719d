package dev.sextant.bench.libtorch;

import ai.djl.ndarray.NDArray;
import dev.sextant.nas.space.Position;
import dev.sextant.nas.space.Space;
import dev.sextant.nas.supernet.Supernet;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.MbConv;
import dev.sextant.runtime.layer.Skip;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;

/**
 * ProxylessNAS's eq. 3 in libtorch as it is written: y = Σ g_j o_j(x) over all candidates, each
 * computed, with gates that are variables. ∂L/∂g is then autograd's, and shares nothing with how
 * this engine or {@link TorchSupernet} finds it.
 *
 * <p>The identity shortcuts of a choice stand apart as s x, so that gradients with and without them
 * can be told from one another: ∂L/∂s is what a shortcut adds to the gradient of its gate.
 */
final class GatedSupernet {
  private final Libtorch torch;
  private final TorchChain chain;

  /** The supernet with these gates open, in the innermost scope of that libtorch. */
  GatedSupernet(Libtorch torch, Backend backend, Space space, Supernet supernet, int[] decisions) {
    this.torch = torch;
    Map<String, Tensor> state = new LinkedHashMap<>(supernet.state());
    List<Tensor> gates = new ArrayList<>();
    for (int i = 0; i < decisions.length; i++) {
      List<Layer> candidates = space.choices().get(i).candidates();
      float[] open = new float[candidates.size()];
      open[decisions[i]] = 1;
      float shortcut = hasShortcut(candidates.get(decisions[i])) ? 1 : 0;
      gates.add(Parity.tensor(backend, Shape.of(open.length), open));
      state.put("gates." + i, gates.getLast());
      gates.add(Parity.tensor(backend, Shape.of(1), shortcut));
      state.put("shortcut." + i, gates.getLast());
    }
    LayerCode code = new LayerCode((float) space.batchNormEpsilon(), false);
    chain = new TorchChain(torch, code, into -> write(into, space), state);
    gates.forEach(Tensor::close);
  }

  private static String write(LayerCode code, Space space) {
    Shape[] inputs = space.inputShapes();
    String y = "x";
    int choices = 0;
    for (int i = 0; i < inputs.length; i++) {
      String prefix = "layers." + i + ".";
      int in = inputs[i].channels();
      y =
          switch (space.positions().get(i)) {
            case Position.Fixed fixed -> code.layer(fixed.layer(), in, y, prefix);
            case Position.Choice choice -> choice(code, choice, choices++, in, y, prefix);
          };
    }
    return y;
  }

  private static String choice(
      LayerCode code, Position.Choice choice, int index, int in, String x, String prefix) {
    String gates = code.parameter("gates." + index);
    String sum = "";
    for (int j = 0; j < choice.candidates().size(); j++) {
      Layer layer = choice.candidates().get(j);
      if (!(layer instanceof Skip)) {
        String own = prefix + "choice." + j + ".";
        String part =
            layer instanceof MbConv block
                ? code.blockWithoutShortcut(block, in, x, own)
                : code.layer(layer, in, x, own);
        sum = plus(code, sum, "torch.mul(torch.select(%s, 0, %d), %s)".formatted(gates, j, part));
      }
    }
    if (choice.candidates().stream().anyMatch(GatedSupernet::hasShortcut)) {
      String shortcut = code.parameter("shortcut." + index);
      sum = plus(code, sum, "torch.mul(%s, %s)".formatted(shortcut, x));
    }
    return sum;
  }

  private static String plus(LayerCode code, String sum, String term) {
    return code.set(sum.isEmpty() ? term : "torch.add(%s, %s)".formatted(sum, term));
  }

  /** Whether a candidate's output is its input plus a function of it. */
  static boolean hasShortcut(Layer layer) {
    return switch (layer) {
      case MbConv block -> block.residual();
      case Skip _ -> true;
      default -> false;
    };
  }

  /**
   * The mean cross-entropy of a batch as {@code loss}, its gradients with respect to the gates as
   * {@code gates.<choice>}, and to the shortcuts as {@code shortcut.<choice>}.
   */
  SequencedMap<String, float[]> gradients(NDArray x, NDArray labels) {
    List<NDArray> found = chain.lossGradients(x, labels, 0);
    SequencedMap<String, float[]> results = new LinkedHashMap<>();
    results.put("loss", torch.read(TensorRole.PLAIN, found.getFirst()));
    chain
        .read(found.subList(1, found.size()))
        .forEach(
            (path, gradient) -> {
              if (!path.startsWith("layers.")) {
                results.put(path, gradient);
              }
            });
    return results;
  }
}
