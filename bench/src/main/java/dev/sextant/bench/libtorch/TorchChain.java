package dev.sextant.bench.libtorch;

import ai.djl.ndarray.NDArray;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;

/**
 * A chain of layers in libtorch, with weights copied from this engine's modules: one block, one
 * network, or the active path of a supernet. Batch norms use the batch's statistics. Confined to
 * the thread of its {@link Libtorch}, in whose innermost scope (at the time of making) its weights
 * live.
 */
public final class TorchChain {
  private final Libtorch torch;
  private final List<String> paths;
  private final List<TensorRole> kinds = new ArrayList<>();
  private final List<NDArray> weights = new ArrayList<>();
  private final List<NDArray> velocities = new ArrayList<>();
  private final List<Integer> trained = new ArrayList<>();
  private final LayerCode code;
  private final String output;

  /**
   * The chain in libtorch.
   *
   * @param torch open; its innermost scope holds results
   * @param layers first to last
   * @param input shape {@code [N, H, W, C]} of what goes in; N does not matter
   * @param epsilon of batch norms
   * @param updatesStatistics whether a pass updates the running statistics
   * @param state values by path, layer i under {@code layers.<i>.}: the {@code state()} of a {@code
   *     Network}, or what a {@code MultiPathSupernet} lets a network inherit
   */
  public TorchChain(
      Libtorch torch,
      List<? extends Layer> layers,
      Shape input,
      double epsilon,
      boolean updatesStatistics,
      Map<String, Tensor> state) {
    this(
        torch,
        new LayerCode(epsilon, updatesStatistics),
        code -> write(code, layers, input),
        state);
  }

  /** What turns {@code x} into the output. */
  interface Writer {
    /** Writes statements; returns the variable that holds the output. */
    String write(LayerCode code);
  }

  /** Any code in {@code x} and parameters of those paths. */
  TorchChain(Libtorch torch, LayerCode code, Writer writer, Map<String, Tensor> state) {
    this.torch = torch;
    this.code = code;
    output = writer.write(code);
    paths = code.paths();
    for (int i = 0; i < paths.size(); i++) {
      Tensor value = TorchSupernet.weight(state, paths.get(i));
      TensorRole kind = TensorRole.ofParameter(value.shape());
      NDArray weight = torch.load(kind, value);
      kinds.add(kind);
      weights.add(weight);
      if (TorchSupernet.isTrained(paths.get(i))) {
        trained.add(i);
        velocities.add(weight.zerosLike());
        weight.setRequiresGradient(true);
      }
    }
  }

  private static String write(LayerCode code, List<? extends Layer> layers, Shape input) {
    Shape shape = input;
    String y = "x";
    for (int i = 0; i < layers.size(); i++) {
      y = code.layer(layers.get(i), shape.channels(), y, "layers." + i + ".");
      shape = layers.get(i).output(shape);
    }
    return y;
  }

  /**
   * {@return the output; gradients flow to the parameters, and to x where it requires one}
   *
   * @param x images {@code [N, C, H, W]} in libtorch's order
   */
  public NDArray forward(NDArray x) {
    return script("x", LayerCode.TRAINING, "return [" + output + "]")
        .call(arguments(List.of(x)))
        .getFirst();
  }

  /**
   * {@return the output by running statistics, of a chain that updates them}
   *
   * @param x images {@code [N, C, H, W]} in libtorch's order
   */
  public NDArray evaluate(NDArray x) {
    return script("x", LayerCode.EVALUATION, "return [" + output + "]")
        .call(arguments(List.of(x)))
        .getFirst();
  }

  /**
   * One forward and one backward pass from the output's gradient.
   *
   * @param x requires a gradient
   * @param dy of the output's shape
   * @return the gradient of x, then those of the parameters in the order of {@link #parameters}
   */
  public List<NDArray> gradients(NDArray x, NDArray dy) {
    String backward =
        Libtorch.gradientCode(output, trained.isEmpty() ? "x" : "x, " + trainedNames(), "dy");
    return script("x dy", LayerCode.TRAINING, backward + "return gradients")
        .call(arguments(List.of(x, dy)));
  }

  /**
   * The loss of a batch and its gradients.
   *
   * @param x images {@code [N, C, H, W]} in libtorch's order
   * @param labels from {@link Libtorch#labels}
   * @param smoothing of the labels, in [0, 1]
   * @return the mean cross-entropy, then the gradients in the order of {@link #parameters}
   */
  public List<NDArray> lossGradients(NDArray x, NDArray labels, float smoothing) {
    return script(
            "x labels", LayerCode.TRAINING, loss(smoothing) + "return torch.add([loss], gradients)")
        .call(arguments(List.of(x, labels)));
  }

  /**
   * A weight step: forward, cross-entropy, backward, SGD with Nesterov momentum in libtorch's fused
   * multi-tensor kernel. (The script returns one of the weights too: a list of tensors that nothing
   * reads again would let libtorch drop the kernel that writes them.)
   *
   * @param x images {@code [N, C, H, W]} in libtorch's order
   * @param labels from {@link Libtorch#labels}
   * @param smoothing of the labels, in [0, 1]
   * @param rate learning rate
   * @param momentum factor of the velocity
   * @param decay L2 decay of the weights
   * @return the mean cross-entropy before the step
   */
  public NDArray weightStep(
      NDArray x, NDArray labels, float smoothing, double rate, double momentum, double decay) {
    List<String> names = new ArrayList<>();
    for (int i = 0; i < velocities.size(); i++) {
      names.add("m" + i);
    }
    String step =
        String.format(
            Locale.ROOT,
            """
            weights = [%s]
            _ = torch._fused_sgd_(weights, gradients, [%s], weight_decay=%s, momentum=%s, lr=%s, \
            dampening=0., nesterov=True, maximize=False, is_first_step=False)
            return [torch.detach(loss), weights[0]]
            """,
            trainedNames(),
            String.join(", ", names),
            decay,
            momentum,
            rate);
    List<NDArray> leading = new ArrayList<>(List.of(x, labels));
    leading.addAll(velocities);
    return script("x labels " + String.join(" ", names), LayerCode.TRAINING, loss(smoothing) + step)
        .call(arguments(leading))
        .getFirst();
  }

  private String loss(float smoothing) {
    return String.format(
            Locale.ROOT, "loss = %s\n", TorchOps.crossEntropy(output, "labels", smoothing))
        + Libtorch.gradientCode("loss", trainedNames(), "");
  }

  private Script script(String parameters, String before, String after) {
    StringBuilder names = new StringBuilder(parameters);
    for (int i = 0; i < paths.size(); i++) {
      names.append(" p").append(i);
    }
    return torch.script(names.toString(), before + code.body() + after);
  }

  private List<NDArray> arguments(List<NDArray> leading) {
    List<NDArray> all = new ArrayList<>(leading);
    all.addAll(weights);
    return all;
  }

  private String trainedNames() {
    List<String> names = new ArrayList<>();
    trained.forEach(i -> names.add("p" + i));
    return String.join(", ", names);
  }

  /** {@return paths of the trained parameters, in the order of the gradients} */
  public List<String> parameters() {
    return trained.stream().map(paths::get).toList();
  }

  /**
   * {@return the trained parameters' values, or gradients in their order, by path in this engine's
   * order}
   *
   * @param arrays gradients, in the order of {@link #parameters}
   */
  public SequencedMap<String, float[]> read(List<NDArray> arrays) {
    SequencedMap<String, float[]> values = new LinkedHashMap<>();
    for (int i = 0; i < trained.size(); i++) {
      int weight = trained.get(i);
      values.put(paths.get(weight), torch.read(kinds.get(weight), arrays.get(i)));
    }
    return values;
  }

  /** {@return every parameter and running statistic now, by path in this engine's order} */
  public SequencedMap<String, float[]> state() {
    SequencedMap<String, float[]> values = new LinkedHashMap<>();
    for (int i = 0; i < paths.size(); i++) {
      values.put(paths.get(i), torch.read(kinds.get(i), weights.get(i)));
    }
    return values;
  }
}
