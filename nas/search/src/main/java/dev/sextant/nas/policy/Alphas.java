package dev.sextant.nas.policy;

import dev.sextant.autograd.Parameter;
import dev.sextant.autograd.optim.Adam;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/**
 * Architecture parameters: the logits of independent categorical factors, or thresholds, trained by
 * Adam, with beta1 = 0 in ProxylessNAS and TuNAS: an alpha without a gradient does not move.
 */
public final class Alphas implements AutoCloseable {
  /** Deviation of ProxylessNAS's initial alphas: about uniform probabilities. */
  public static final double INITIAL_DEVIATION = 1e-3;

  private final Backend backend;
  private final List<Parameter> parameters = new ArrayList<>();
  private final List<Parameter> readOnly = Collections.unmodifiableList(parameters);
  private final Adam optimizer;

  /** Room for one factor's values, by factor. */
  private final float[][] room;

  private final double[][] probabilities;

  /** Around the gradients: the memory uses handles made inside a scope again. */
  private final Memory.Scope gradients;

  /** For alphas whose every step is their own: beta1 is 0. */
  static final Adam.Config PROXYLESS = new Adam.Config(0f, 0.999f, 1e-8f, 0f, false);

  /**
   * Alphas of so many options of each factor from N(0, deviation²).
   *
   * @param backend where alphas and moments lie
   * @param counts how many options each factor has
   * @param deviation standard deviation of the first alphas
   * @param adam the numbers of the optimizer
   * @param rng where the first alphas are drawn from
   */
  public Alphas(Backend backend, int[] counts, double deviation, Adam.Config adam, Rng rng) {
    this(backend, drawn(counts, deviation, rng), adam);
  }

  /**
   * Alphas of 0, so many for each factor.
   *
   * @param backend where alphas and moments lie
   * @param counts how many options each factor has
   */
  public Alphas(Backend backend, int[] counts) {
    this(backend, Arrays.stream(counts).mapToObj(float[]::new).toList(), PROXYLESS);
  }

  private static List<float[]> drawn(int[] counts, double deviation, Rng rng) {
    List<float[]> drawn = new ArrayList<>();
    for (int count : counts) {
      float[] values = new float[count];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) (deviation * rng.nextGaussian());
      }
      drawn.add(values);
    }
    return drawn;
  }

  private Alphas(Backend backend, List<float[]> initial, Adam.Config adam) {
    this.backend = backend;
    SequencedMap<String, Parameter> named = new LinkedHashMap<>();
    for (float[] values : initial) {
      Tensor alpha =
          backend
              .memory()
              .keep(backend.memory().floats(Shape.of(values.length), Category.WEIGHTS, "alpha"));
      backend.upload(values, 0, alpha);
      Parameter parameter = new Parameter(alpha, Parameter.Role.KERNEL);
      named.put("alpha." + parameters.size(), parameter);
      parameters.add(parameter);
    }
    optimizer = new Adam(backend, named, adam);
    room = new float[parameters.size()][];
    probabilities = new double[parameters.size()][];
    for (int i = 0; i < room.length; i++) {
      room[i] = new float[parameters.get(i).shape().size()];
      probabilities[i] = new double[room[i].length];
    }
    gradients = backend.memory().scope();
    gradients.close();
  }

  /** {@return how many factors there are} */
  public int size() {
    return parameters.size();
  }

  /** The alphas by factor, for a supernet that reads them itself. */
  List<Parameter> parameters() {
    return readOnly;
  }

  /** {@return the alphas by factor, the tensors themselves, for checkpoints} */
  public SequencedMap<String, Tensor> tensors() {
    SequencedMap<String, Tensor> named = new LinkedHashMap<>();
    for (Parameter parameter : parameters) {
      named.put("alpha." + named.size(), parameter.value());
    }
    return named;
  }

  /** {@return their optimizer, for checkpoints} */
  public Adam optimizer() {
    return optimizer;
  }

  /**
   * {@return a copy of one factor's alphas}
   *
   * @param factor index of the factor
   */
  public float[] values(int factor) {
    float[] values = new float[room[factor].length];
    download(factor, values);
    return values;
  }

  /** One factor's alphas into an array of that length. */
  void download(int factor, float[] values) {
    backend.download(parameters.get(factor).value(), values, 0);
  }

  /**
   * Sets one factor's alphas.
   *
   * @param factor index of the factor
   * @param values one alpha for each of its options
   */
  public void set(int factor, float... values) {
    backend.upload(values, 0, parameters.get(factor).value());
  }

  /** {@return probabilities of each factor's options: the softmax of its alphas} */
  public double[][] probabilities() {
    double[][] p = current();
    double[][] copy = new double[p.length][];
    for (int i = 0; i < p.length; i++) {
      copy[i] = p[i].clone();
    }
    return copy;
  }

  /** The same, always in the same arrays. */
  double[][] current() {
    for (int i = 0; i < room.length; i++) {
      download(i, room[i]);
      Probabilities.softmax(room[i], probabilities[i]);
    }
    return probabilities;
  }

  /** {@return mean entropy of the factors, in nats} */
  public double meanEntropy() {
    double sum = 0;
    for (double[] p : current()) {
      sum += Probabilities.entropy(p);
    }
    return parameters.isEmpty() ? 0 : sum / parameters.size();
  }

  /**
   * Moves the alphas against a gradient, by factor and option.
   *
   * @param gradient by factor and option
   * @param rate the optimizer's learning rate in this step
   */
  public void step(double[][] gradient, double rate) {
    try (Memory.Scope _ = gradients.open()) {
      for (int i = 0; i < gradient.length; i++) {
        for (int j = 0; j < room[i].length; j++) {
          room[i][j] = (float) gradient[i][j];
        }
        Parameter alpha = parameters.get(i);
        Tensor tensor =
            backend
                .memory()
                .keep(backend.memory().floats(alpha.shape(), Category.GRADIENTS, "alpha.gradient"));
        backend.upload(room[i], 0, tensor);
        alpha.acceptGradient(tensor);
      }
      optimizer.step(rate);
    }
  }

  /** Frees alphas and moments. Idempotent. */
  @Override
  public void close() {
    optimizer.close();
    for (Parameter alpha : parameters) {
      alpha.clearGradient();
      alpha.value().close();
    }
    parameters.clear();
  }
}
