package dev.sextant.bench.libtorch;

import ai.djl.ndarray.NDArray;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/**
 * ProxylessNAS's architecture parameters in libtorch: autograd through the softmax of the sampled
 * candidates, then Adam with beta1 = 0, then the two-path form's rescaling.
 *
 * <p>The gates' gradients enter as slopes of the cross-entropy in the probabilities (eq. 4), the
 * costs as the expected cost's (eq. 5); how the two make one loss is TorchScript that is given.
 */
final class TorchAlphas {
  /** What is added to the alphas of candidates that take no part: their softmax is 0. */
  private static final float ABSENT = -1e30f;

  private final Libtorch torch;
  private final double fixedCost;
  private final String objective;
  private final List<NDArray> costs = new ArrayList<>();
  private final List<NDArray> alphas = new ArrayList<>();
  private final List<NDArray> squares = new ArrayList<>();
  private int steps;

  /**
   * The same alphas as these.
   *
   * @param costs of the candidates of each choice
   * @param objective TorchScript of {@code ce} and {@code cost}
   */
  TorchAlphas(
      Libtorch torch, List<Tensor> alphas, double[][] costs, double fixedCost, String objective) {
    this.torch = torch;
    this.fixedCost = fixedCost;
    this.objective = objective;
    for (int i = 0; i < costs.length; i++) {
      NDArray alpha = torch.load(TensorRole.PLAIN, alphas.get(i));
      alpha.setRequiresGradient(true);
      this.alphas.add(alpha);
      squares.add(alpha.zerosLike());
      this.costs.add(load(costs[i]));
    }
  }

  private NDArray load(double... values) {
    float[] floats = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      floats[i] = (float) values[i];
    }
    return torch.load(TensorRole.PLAIN, floats, Shape.of(values.length));
  }

  /**
   * A step.
   *
   * @param slopes ∂L/∂g of each choice's candidates; where {@code pairs}, 0 for those not sampled
   */
  void step(double crossEntropy, List<double[]> slopes, boolean pairs, double rate) {
    StringBuilder names = new StringBuilder("loss0 n");
    List<NDArray> arguments = new ArrayList<>(List.of(load(crossEntropy), load(steps)));
    StringBuilder sums = new StringBuilder();
    StringBuilder updates = new StringBuilder();
    List<String> leaves = new ArrayList<>();
    List<String> results = new ArrayList<>();
    for (int i = 0; i < alphas.size(); i++) {
      double[] absent = new double[slopes.get(i).length];
      for (int j = 0; j < absent.length; j++) {
        absent[j] = pairs && slopes.get(i)[j] == 0 ? ABSENT : 0;
      }
      names.append(" a%1$d k%1$d g%1$d c%1$d s%1$d".formatted(i));
      arguments.addAll(
          List.of(alphas.get(i), load(absent), load(slopes.get(i)), costs.get(i), squares.get(i)));
      sums.append(
          """
          p%1$d = torch.softmax(torch.add(a%1$d, k%1$d), 0)
          slope%1$d = torch.sum(torch.mul(p%1$d, g%1$d))
          cost%1$d = torch.sum(torch.mul(p%1$d, c%1$d))
          """
              .formatted(i));
      updates.append(update(i, pairs, rate));
      leaves.add("a" + i);
      results.add("w%1$d, r%1$d".formatted(i));
    }
    String body =
        sums
            + "slope = %s\n".formatted(total("slope"))
            + "cost = torch.add(%s, %s)\n".formatted(total("cost"), fixedCost)
            // Its value is the cross-entropy's, its gradient that of the gates.
            + "ce = torch.add(loss0, torch.sub(slope, torch.detach(slope)))\n"
            + "loss = %s\n".formatted(objective)
            + Libtorch.gradientCode("loss", String.join(", ", leaves), "")
            + updates
            + "return [%s]\n".formatted(String.join(", ", results));
    List<NDArray> found = torch.script(names.toString(), body).call(arguments);
    for (int i = 0; i < alphas.size(); i++) {
      NDArray alpha = found.get(2 * i);
      alpha.setRequiresGradient(true);
      alphas.set(i, alpha);
      squares.set(i, found.get(2 * i + 1));
    }
    steps++;
  }

  private String total(String name) {
    String sum = name + "0";
    for (int i = 1; i < alphas.size(); i++) {
      sum = "torch.add(%s, %s%d)".formatted(sum, name, i);
    }
    return sum;
  }

  /** Adam by its equations (Kingma and Ba, 2015), and the pair's sum of exponentials kept. */
  private static String update(int choice, boolean pairs, double rate) {
    String step =
        """
        d%1$d = gradients[%1$d]
        r%1$d = torch.add(torch.mul(s%1$d, 0.999), torch.mul(torch.mul(d%1$d, d%1$d), 0.001))
        b%1$d = torch.rsub(torch.pow(0.999, torch.add(n, 1)), 1)
        e%1$d = torch.add(torch.sqrt(torch.div(r%1$d, b%1$d)), 1e-08)
        w%1$d = torch.detach(torch.sub(a%1$d, torch.mul(torch.div(d%1$d, e%1$d), %2$s)))
        """
            .formatted(choice, rate);
    String rescale =
        """
        o%1$d = torch.sub(torch.logsumexp(torch.add(w%1$d, k%1$d), [0]), \
        torch.logsumexp(torch.add(a%1$d, k%1$d), [0]))
        w%1$d = torch.detach(torch.sub(w%1$d, torch.mul(torch.eq(k%1$d, 0), o%1$d)))
        """
            .formatted(choice);
    return pairs ? step + rescale : step;
  }

  /** The alphas and Adam's second moments now. */
  SequencedMap<String, float[]> state() {
    SequencedMap<String, float[]> state = new LinkedHashMap<>();
    for (int i = 0; i < alphas.size(); i++) {
      state.put("alpha." + i, torch.read(TensorRole.PLAIN, alphas.get(i)));
      state.put("alpha." + i + "#square", torch.read(TensorRole.PLAIN, squares.get(i)));
    }
    return state;
  }
}
