package dev.sextant.nas.provider;

import dev.sextant.autograd.optim.Adam;
import dev.sextant.nas.cost.CostDetail;
import dev.sextant.nas.cost.ExpectedCost;
import dev.sextant.nas.objective.Loss;
import dev.sextant.nas.objective.Objective;
import dev.sextant.nas.policy.Alphas;
import dev.sextant.nas.policy.HeldOut;
import dev.sextant.nas.policy.Policy;
import dev.sextant.nas.policy.PolicyProvider;
import dev.sextant.nas.policy.PolicyRequest;
import dev.sextant.nas.policy.Probabilities;
import dev.sextant.nas.supernet.GateMode;
import dev.sextant.nas.supernet.MixedLayer;
import dev.sextant.nas.supernet.MultiPathSupernet;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/**
 * GDAS (Dong and Yang, 2019) as someone outside would write it: a hard sample of the Gumbel softmax
 * in the forward pass, its gradient straight through, a temperature that falls.
 */
public final class GumbelPolicy implements PolicyProvider<MultiPathSupernet, Loss> {
  @Override
  public String id() {
    return "test-gumbel";
  }

  @Override
  public String summary() {
    return "hard samples of the Gumbel softmax";
  }

  @Override
  public List<Option> options() {
    return List.of(
        Option.number("first-temperature", 10, 0.01, 1000, "at the beginning of the joint phase"),
        Option.number("last-temperature", 0.1, 0.01, 1000, "at its end"));
  }

  @Override
  public Class<MultiPathSupernet> supernet() {
    return MultiPathSupernet.class;
  }

  @Override
  public Class<Loss> objective() {
    return Loss.class;
  }

  @Override
  public CostDetail cost() {
    return CostDetail.EXPECTED;
  }

  @Override
  public Policy policy(PolicyRequest<MultiPathSupernet, Loss> request) {
    return new Gumbel(request);
  }

  private static final class Gumbel implements Policy {
    private final PolicyRequest<MultiPathSupernet, Loss> request;
    private final ExpectedCost costs;
    private final List<MixedLayer> choices;
    private final Alphas alphas;

    /** The mean of all samples, a tensor of its own: how often each candidate was drawn. */
    private final Tensor drawn;

    private final double first;
    private final double last;
    private double temperature;
    private long draws;

    Gumbel(PolicyRequest<MultiPathSupernet, Loss> request) {
      this.request = request;
      costs = request.costs().layers();
      choices = request.supernet().choices();
      int[] counts = request.supernet().factoring().counts();
      alphas =
          new Alphas(
              request.backend(),
              counts,
              Alphas.INITIAL_DEVIATION,
              new Adam.Config(0.5f, 0.999f, 1e-8f, 1e-3f, false),
              request.rng());
      drawn =
          request
              .backend()
              .memory()
              .keep(
                  request
                      .backend()
                      .memory()
                      .zeros(Shape.of(counts.length), Category.OPTIMIZER, "drawn"));
      first = request.options().number("first-temperature");
      last = request.options().number("last-temperature");
      temperature = first;
    }

    /** The soft sample of each choice; the largest is the hard one. */
    private double[][] draw() {
      List<double[]> soft = new ArrayList<>();
      float[] seen = new float[drawn.size()];
      request.backend().download(drawn, seen, 0);
      draws++;
      for (int f = 0; f < alphas.size(); f++) {
        float[] logits = alphas.values(f);
        for (int k = 0; k < logits.length; k++) {
          double gumbel = -Math.log(-Math.log(request.rng().nextDouble() + 1e-20) + 1e-20);
          logits[k] = (float) ((logits[k] + gumbel) / temperature);
        }
        soft.add(Probabilities.softmax(logits));
        seen[f] += (Probabilities.argmax(soft.getLast()) - seen[f]) / draws;
      }
      request.backend().upload(seen, 0, drawn);
      return soft.toArray(double[][]::new);
    }

    @Override
    public void sample(double warmupLeft, double progress) {
      temperature = first + (last - first) * progress;
      double[][] soft = draw();
      int[] hard = new int[soft.length];
      for (int i = 0; i < hard.length; i++) {
        hard[i] = Probabilities.argmax(soft[i]);
      }
      request.supernet().setOptions(hard);
    }

    @Override
    public void learn(HeldOut images, double rate) {
      double[][] soft = draw();
      for (int i = 0; i < soft.length; i++) {
        int[] all = new int[soft[i].length];
        Arrays.setAll(all, k -> k);
        choices.get(i).activate(Probabilities.argmax(soft[i]), GateMode.RECOMPUTE, all);
      }
      double crossEntropy = images.gradients().loss();
      double[][] ofCost = alphas.probabilities();
      double expected = costs.expected(alphas.probabilities());
      costs.gradient(alphas.probabilities(), ofCost);
      Loss loss = request.objective();
      double[][] gradient = alphas.probabilities();
      for (int i = 0; i < soft.length; i++) {
        double[] gates = choices.get(i).gateGradients();
        double[] straight = Probabilities.throughSoftmax(gates, soft[i]);
        double[] price = Probabilities.throughSoftmax(ofCost[i], alphas.probabilities()[i]);
        for (int k = 0; k < gates.length; k++) {
          gradient[i][k] =
              loss.perCrossEntropy(crossEntropy, expected) * straight[k] / temperature
                  + loss.perCost(crossEntropy, expected) * price[k];
        }
      }
      alphas.step(gradient, rate);
    }

    @Override
    public Alphas alphas() {
      return alphas;
    }

    @Override
    public double[][] probabilities() {
      return alphas.probabilities();
    }

    @Override
    public double[][] preferences() {
      return probabilities();
    }

    @Override
    public double expectedCost() {
      return costs.expected(probabilities());
    }

    @Override
    public Objective objective() {
      return request.objective();
    }

    @Override
    public SequencedMap<String, Tensor> tensors() {
      SequencedMap<String, Tensor> own = new LinkedHashMap<>();
      own.put("drawn", drawn);
      return own;
    }

    @Override
    public double[] state() {
      return new double[] {temperature, draws};
    }

    @Override
    public void restore(double[] saved) {
      temperature = saved[0];
      draws = (long) saved[1];
    }

    @Override
    public void close() {
      alphas.close();
      drawn.close();
    }
  }
}
