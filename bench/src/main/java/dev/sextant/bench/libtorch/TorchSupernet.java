package dev.sextant.bench.libtorch;

import ai.djl.ndarray.NDArray;
import dev.sextant.nas.space.Position;
import dev.sextant.nas.space.Space;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.MbConv;
import dev.sextant.runtime.layer.Skip;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * ProxylessNAS's architecture step in libtorch, for one set of open gates (section 3.2.1 and
 * Appendix D; the published code's mode full_v2).
 *
 * <p>The active path runs forward and backward for the gradients of the choices' outputs alone:
 * weights are frozen, and below the first choice nothing is recorded. Then every other candidate
 * runs on its choice's input, one at a time and unrecorded, and ∂L/∂g_j = ⟨∇y, o_j(x)⟩; the active
 * candidate's output is still there and not computed again. Last, Adam moves the alphas. A shortcut
 * that all candidates of a choice have is no part of o_j, as in this engine's {@code MixedLayer}:
 * it would add the same to each.
 */
public final class TorchSupernet {
  private final Libtorch torch;
  private final List<NDArray> weights = new ArrayList<>();
  private final List<NDArray> alphas = new ArrayList<>();
  private final List<NDArray> means = new ArrayList<>();
  private final List<NDArray> squares = new ArrayList<>();
  private final List<NDArray> steps = new ArrayList<>();
  private final List<NDArray> costs = new ArrayList<>();
  private final Script gateGradients;
  private final Script update;

  /**
   * The supernet in libtorch with these gates open.
   *
   * @param torch open; its innermost scope holds results
   * @param space what the supernet holds
   * @param state the {@code state()} of a {@code MultiPathSupernet}, by path
   * @param decisions the active candidate of each choice
   * @param alphas each choice's architecture parameters
   * @param costs each candidate's cost times the weight of the expected cost in the loss
   * @param rate learning rate
   */
  public TorchSupernet(
      Libtorch torch,
      Space space,
      Map<String, Tensor> state,
      int[] decisions,
      float[][] alphas,
      float[][] costs,
      double rate) {
    this.torch = torch;
    LayerCode code = new LayerCode(space.batchNormEpsilon(), false);
    Source source = source(space, decisions, code);
    StringBuilder names = new StringBuilder("x labels");
    List<String> paths = code.paths();
    for (int i = 0; i < paths.size(); i++) {
      names.append(" p").append(i);
      Tensor value = weight(state, paths.get(i));
      weights.add(torch.load(TensorRole.ofParameter(value.shape()), value));
    }
    gateGradients = torch.script(names.toString(), source.body);
    for (int i = 0; i < alphas.length; i++) {
      Shape shape = Shape.of(alphas[i].length);
      this.alphas.add(torch.load(TensorRole.PLAIN, alphas[i], shape));
      this.costs.add(torch.load(TensorRole.PLAIN, costs[i], shape));
      means.add(torch.load(TensorRole.PLAIN, new float[alphas[i].length], shape));
      squares.add(torch.load(TensorRole.PLAIN, new float[alphas[i].length], shape));
      steps.add(torch.load(TensorRole.PLAIN, new float[1], Shape.of()));
    }
    update = torch.script(updateParameters(alphas.length), updateBody(alphas.length, rate));
  }

  /** The program of a forward and backward pass and of the candidates beside the path. */
  private record Source(String body) {}

  private static Source source(Space space, int[] decisions, LayerCode code) {
    Shape[] inputs = space.inputShapes();
    List<String> entered = new ArrayList<>();
    List<String> outputs = new ArrayList<>();
    List<String> parts = new ArrayList<>();
    String y = "x";
    for (int i = 0; i < inputs.length; i++) {
      String prefix = "layers." + i + ".";
      int in = inputs[i].channels();
      switch (space.positions().get(i)) {
        case Position.Fixed fixed -> y = code.layer(fixed.layer(), in, y, prefix);
        case Position.Choice choice -> {
          int active = decisions[outputs.size()];
          Layer layer = choice.candidates().get(active);
          entered.add(y);
          String part = withoutShortcut(layer, in, y, prefix + "choice." + active + ".", code);
          String out = hasShortcut(layer) ? shortcut(code, part, y) : part;
          if (outputs.isEmpty()) {
            // Nothing below the first choice needs a gradient.
            out =
                code.set(String.format(Locale.ROOT, "torch.requires_grad_(torch.detach(%s))", out));
          } else if (out.equals(y)) {
            // A skipped choice's output has a gradient of its own.
            out = code.set(String.format(Locale.ROOT, "torch.alias(%s)", out));
          }
          outputs.add(out);
          parts.add(part);
          y = out;
        }
      }
    }
    StringBuilder body = new StringBuilder(LayerCode.TRAINING + code.body());
    body.append(String.format(Locale.ROOT, "loss = %s\n", TorchOps.crossEntropy(y, "labels", 0)));
    body.append(Libtorch.gradientCode("loss", String.join(", ", outputs), ""));
    body.append("results = [torch.detach(loss)]\n");
    return new Source(body.append(candidates(space, decisions, code, entered, parts)).toString());
  }

  private static String candidates(
      Space space, int[] decisions, LayerCode code, List<String> entered, List<String> parts) {
    int written = code.body().length();
    Shape[] inputs = space.inputShapes();
    int choiceIndex = 0;
    for (int i = 0; i < inputs.length; i++) {
      if (space.positions().get(i) instanceof Position.Choice choice) {
        String x =
            code.set(String.format(Locale.ROOT, "torch.detach(%s)", entered.get(choiceIndex)));
        String dy = code.set(String.format(Locale.ROOT, "gradients[%d]", choiceIndex));
        List<String> products = new ArrayList<>();
        boolean all = choice.candidates().stream().allMatch(TorchSupernet::hasShortcut);
        for (int j = 0; j < choice.candidates().size(); j++) {
          Layer layer = choice.candidates().get(j);
          String path = "layers." + i + ".choice." + j + ".";
          String part =
              j == decisions[choiceIndex]
                  ? parts.get(choiceIndex)
                  : withoutShortcut(layer, inputs[i].channels(), x, path, code);
          if (hasShortcut(layer) && !all) {
            part = shortcut(code, part, x);
          }
          products.add(product(code, part, dy));
        }
        code.set(
            String.format(
                Locale.ROOT,
                "torch.append(results, torch.stack([%s]))",
                String.join(", ", products)));
        choiceIndex++;
      }
    }
    return code.body().substring(written) + "return results\n";
  }

  private static String shortcut(LayerCode code, String part, String x) {
    return part.equals(ZERO)
        ? x
        : code.set(String.format(Locale.ROOT, "torch.add(%s, %s)", part, x));
  }

  /** What a skipped choice adds to its shortcut. */
  private static final String ZERO = "zero";

  private static String withoutShortcut(
      Layer layer, int in, String x, String prefix, LayerCode code) {
    return switch (layer) {
      case MbConv block -> code.blockWithoutShortcut(block, in, x, prefix);
      case Skip _ -> ZERO;
      default -> code.layer(layer, in, x, prefix);
    };
  }

  private static String product(LayerCode code, String part, String dy) {
    return code.set(
        part.equals(ZERO)
            ? String.format(Locale.ROOT, "torch.new_zeros(%s, [])", dy)
            : String.format(Locale.ROOT, "torch.sum(torch.mul(torch.detach(%s), %s))", part, dy));
  }

  private static boolean hasShortcut(Layer layer) {
    return switch (layer) {
      case MbConv block -> block.residual();
      case Skip _ -> true;
      default -> false;
    };
  }

  private static String updateParameters(int choices) {
    return IntStream.range(0, choices)
        .mapToObj(i -> String.format(Locale.ROOT, "a%d g%d c%d m%d s%d n%d", i, i, i, i, i, i))
        .collect(Collectors.joining(" "));
  }

  /** Gates' gradients and costs through the softmax (eq. 4), then Adam with beta1 = 0. */
  private static String updateBody(int choices, double rate) {
    StringBuilder body = new StringBuilder();
    for (int i = 0; i < choices; i++) {
      body.append(
          String.format(
              Locale.ROOT,
              """
              q%1$d = torch.softmax(a%1$d, 0)
              u%1$d = torch.add(g%1$d, c%1$d)
              d%1$d = torch.mul(q%1$d, torch.sub(u%1$d, torch.sum(torch.mul(q%1$d, u%1$d))))
              """,
              i));
    }
    // Returned are what the kernels write: libtorch drops kernels whose lists nothing reads again.
    return body.append(
            String.format(
                Locale.ROOT,
                """
                alphas = [%s]
                steps = [%s]
                _ = torch._foreach_add_(steps, 1)
                _1 = torch._fused_adam_(alphas, [%s], [%s], [%s], [], steps, lr=%s, beta1=0., beta2=0.999, \
                weight_decay=0., eps=1e-08, amsgrad=False, maximize=False)
                return [alphas[0], steps[0]]
                """,
                list("a", choices),
                list("n", choices),
                list("d", choices),
                list("m", choices),
                list("s", choices),
                rate))
        .toString();
  }

  private static String list(String prefix, int count) {
    return IntStream.range(0, count).mapToObj(i -> prefix + i).collect(Collectors.joining(", "));
  }

  /**
   * The loss of a batch and the gates' gradients; the alphas stay.
   *
   * @param x images {@code [N, C, H, W]} in libtorch's order
   * @param labels from {@link Libtorch#labels}
   * @return the mean cross-entropy, then ∂L/∂g of each choice's candidates
   */
  public List<NDArray> gateGradients(NDArray x, NDArray labels) {
    List<NDArray> arguments = new ArrayList<>(List.of(x, labels));
    arguments.addAll(weights);
    return gateGradients.call(arguments);
  }

  /**
   * An architecture step: {@link #gateGradients}, then the alphas follow them and the costs.
   *
   * @param x images {@code [N, C, H, W]} in libtorch's order
   * @param labels from {@link Libtorch#labels}
   * @return the mean cross-entropy before the step
   */
  public NDArray architectureStep(NDArray x, NDArray labels) {
    List<NDArray> found = gateGradients(x, labels);
    List<NDArray> arguments = new ArrayList<>();
    for (int i = 0; i < alphas.size(); i++) {
      arguments.add(alphas.get(i));
      arguments.add(found.get(i + 1));
      arguments.add(costs.get(i));
      arguments.add(means.get(i));
      arguments.add(squares.get(i));
      arguments.add(steps.get(i));
    }
    update.call(arguments);
    return found.getFirst();
  }

  /** {@return the architecture parameters of each choice now} */
  public List<float[]> alphas() {
    return alphas.stream().map(alpha -> torch.read(TensorRole.PLAIN, alpha)).toList();
  }

  /** A parameter or buffer of that path. */
  static Tensor weight(Map<String, Tensor> state, String path) {
    Tensor value = state.get(path);
    if (value == null) {
      throw new SextantException("libtorch peer: the state has no " + path);
    }
    return value;
  }

  /** Whether a path is a trained parameter's, not a batch norm's running statistic's. */
  static boolean isTrained(String path) {
    String name = path.substring(path.lastIndexOf('.') + 1);
    return !name.equals("mean") && !name.equals("variance");
  }
}
